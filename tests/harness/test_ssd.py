"""The two SSD networks by hand: pixels to the bit, answers, and the folder of COCO."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from harness.datasets.coco import DEVIATION_RGB, MEAN_RGB, CocoImages, normalised, whole
from harness.registry import benchmark
from schemas.errors import UserError

PIXELS = np.array([[[0, 10, 100], [81, 10, 201]]] * 2, dtype=np.uint8)


def test_whole_colours_by_hand() -> None:
    """Two pixels to four: the middle ones a quarter of the way, cut off to whole numbers; red comes first."""
    made = whole(PIXELS, size=4)
    assert made.dtype == np.uint8
    assert made.shape == (4, 4, 3)
    assert made[0].tolist() == [[100, 10, 0], [125, 10, 20], [175, 10, 60], [201, 10, 81]]


def test_normalised_colours_by_hand() -> None:
    made = normalised(PIXELS, size=4)
    assert made.shape == (3, 4, 4)
    assert made.dtype == np.float32
    values = ([100, 125.25, 175.75, 201], [10] * 4, [0, 20.25, 60.75, 81])
    for plane, row, mean, deviation in zip(made, values, MEAN_RGB, DEVIATION_RGB, strict=True):
        assert np.allclose(plane[2], (np.array(row) / 255 - mean) / deviation, atol=1e-6)


@pytest.mark.parametrize("shape", [(375, 500), (500, 333), (300, 300), (1300, 900)])
def test_resizing_is_opencv_to_the_bit(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    floats = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_BGR2RGB)
    small = cv2.resize(floats, (300, 300), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(whole(image), np.asarray(small, dtype=np.uint8))
    large = cv2.resize(floats, (1200, 1200), interpolation=cv2.INTER_LINEAR)
    wanted = (large / 255.0 - np.float32(MEAN_RGB)) / np.float32(DEVIATION_RGB)
    assert np.array_equal(normalised(image), wanted.transpose(2, 0, 1))


def test_answers_of_mobilenet_by_hand() -> None:
    """As many boxes as the model says for each image, whatever their scores; no box, no bytes."""
    boxes = np.arange(16, dtype=np.float32).reshape(2, 2, 4) / 16
    scores = np.array([[0.9, 0.1], [0.8, 0.7]], dtype=np.float32)
    classes = np.array([[90, 1], [2, 3]], dtype=np.float32)
    outputs = (np.array([2, 0], dtype=np.float32), boxes, scores, classes)
    first, second = benchmark("ssd-mobilenet").responses(outputs, [7, 8])
    assert np.allclose(
        first, [[7, 0, 1 / 16, 2 / 16, 3 / 16, 0.9, 90], [7, 4 / 16, 5 / 16, 6 / 16, 7 / 16, 0.1, 1]]
    )
    assert second.nbytes == 0


def test_answers_of_resnet34_by_hand() -> None:
    """Boxes are turned so that the top comes first; the first score below 0.5 ends them."""
    boxes = np.array([[[0.1, 0.2, 0.3, 0.4]] * 4], dtype=np.float32)
    scores, labels = np.array([[0.75, 0.5, 0.49, 0.6]], dtype=np.float32), np.array([[90, 1, 2, 3]])
    (made,) = benchmark("ssd-resnet34").responses((boxes, labels, scores), [5])
    assert np.allclose(made, [[5, 0.2, 0.1, 0.4, 0.3, 0.75, 90], [5, 0.2, 0.1, 0.4, 0.3, 0.5, 1]])


@pytest.mark.parametrize("name", ["ssd-mobilenet", "ssd-resnet34"])
def test_folder(tmp_path: Path, name: str) -> None:
    bench = benchmark(name)
    with pytest.raises(
        UserError, match=r"instances_val2017\.json: --dataset wants .* and the images in val2017"
    ):
        bench.dataset(tmp_path)
    for folder in ("annotations", "val2017"):
        (tmp_path / folder).mkdir()
    image = {"id": 139, "file_name": "000000000139.jpg", "height": 4, "width": 8}
    document = {"images": [image], "annotations": [], "categories": []}
    path = tmp_path / "annotations/instances_val2017.json"
    path.write_text(json.dumps({**document, "images": []}))
    with pytest.raises(UserError, match="is not in COCO's form"):
        bench.dataset(tmp_path)
    box = {"id": 7, "image_id": 139, "category_id": 1, "bbox": [0, 0, 2, 2], "area": 4, "iscrowd": 0}
    labels = [{"id": 1, "name": "person"}]
    for odd, why in (
        ({"images": [image, image]}, "two images have the same id"),
        (
            {"annotations": [{**box, "image_id": 140}], "categories": labels},
            "no annotation is of one of its images",
        ),
        ({"annotations": [box]}, "annotation 7 has no category of the list"),
        ({"annotations": [{**box, "bbox": [1, 2]}], "categories": labels}, "is not in COCO's form"),
        ({"annotations": [{**box, "bbox": [0, 0, -2, 2]}], "categories": labels}, "or no box"),
        ({"annotations": [{}]}, "is not in COCO's form .KeyError"),
    ):
        path.write_text(json.dumps({**document, **odd}))
        with pytest.raises(UserError, match=why):
            bench.dataset(tmp_path)
    path.write_text(json.dumps(document))
    with pytest.raises(UserError, match=r"1 of the 1 images .* missing, the first is .*000000000139\.jpg"):
        bench.dataset(tmp_path)
    (tmp_path / "val2017/000000000139.jpg").write_bytes(b"\xff\xd8 cut off")
    data = bench.dataset(tmp_path)
    assert isinstance(data, CocoImages)
    with pytest.raises(UserError, match="cannot be decoded"):
        data.load(0)
    cv2.imwrite(str(tmp_path / "val2017/000000000139.jpg"), np.zeros((4, 8), dtype=np.uint8))
    sample = np.asarray(data.load(0))
    assert (sample.shape, sample.dtype.name) == (bench.tensors[0].shape[1:], bench.tensors[0].dtype)  # type: ignore[attr-defined]


def test_fixtures_of_many_seeds(tmp_path: Path) -> None:
    """With four images and seed 3 a label has 3 of 5 boxes, and COCO's level of 0.6 lies a rounding above 3/5."""
    values = {
        benchmark("ssd-mobilenet").make_fixture(tmp_path / str(n), width="small", seed=n, samples=4).value
        for n in range(8)
    }
    assert len(values) > 1
    assert all(50 < value < 100 for value in values)
