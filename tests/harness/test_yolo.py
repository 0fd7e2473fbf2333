"""YOLO by hand: the letterbox, what is done after the network, and the way back to the original image."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from harness.benchmarks.yolo import BENCHMARK, COCO_IDS, PLACES, apart, rows
from harness.datasets.coco_safe import CocoSafe, letterbox, placed
from schemas.errors import UserError


def test_letterbox_by_hand() -> None:
    """Two pixels, dark and bright, twice as wide as high, into 4×4: a row of grey above and below; red comes first."""
    pixels = np.array([[[0, 10, 100], [80, 10, 200]]], dtype=np.uint8)
    made = letterbox(pixels, size=4)
    assert made.shape == (3, 4, 4)
    assert made.dtype == np.float32
    assert np.array_equal(made[:, (0, 3)], np.full((3, 2, 4), np.float32(114) / np.float32(255)))
    red, green, blue = made[:, 1:3] * 255
    assert np.allclose(red, [[100, 125, 175, 200]] * 2)
    assert np.allclose(green, 10)
    assert np.allclose(blue, [[0, 20, 60, 80]] * 2)


@pytest.mark.parametrize(
    ("height", "width", "wanted"),
    [
        (640, 640, (1.0, 640, 640, 0, 0)),
        (480, 640, (1.0, 480, 640, 80, 0)),
        (427, 640, (1.0, 427, 640, 106, 0)),  # 213 rows too few: 106 above, 107 below
        (320, 160, (2.0, 640, 320, 0, 160)),
        (1280, 1000, (0.5, 640, 500, 0, 70)),
    ],
)
def test_where_an_image_lies(height: int, width: int, wanted: tuple[float, int, int, int, int]) -> None:
    assert placed(height, width) == wanted


@pytest.mark.parametrize("shape", [(375, 500), (500, 333), (640, 640), (900, 1200)])
def test_inside_is_opencv_to_the_bit(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    _, tall, wide, top, left = placed(*shape)
    inner = cv2.cvtColor(cv2.resize(image, (wide, tall), interpolation=cv2.INTER_LINEAR), cv2.COLOR_BGR2RGB)
    made = letterbox(image)
    inside = made[:, top : top + tall, left : left + wide]
    assert np.array_equal(inside, inner.transpose(2, 0, 1) / np.float32(255))
    assert np.count_nonzero(made != np.float32(114) / np.float32(255)) <= inner.size


def output(*boxes: tuple[float, float, float, float, int, float]) -> np.ndarray:
    """What a network says that finds these boxes: middle, size, class, score."""
    made = np.zeros((1, 84, PLACES), dtype=np.float32)
    for place, (x, y, wide, tall, label, score) in enumerate(boxes):
        made[0, :4, place * 7] = x, y, wide, tall
        made[0, 4 + label, place * 7] = score
    return made


def test_answer_by_hand() -> None:
    """An image of 320×160 (doubled, 160 to the right): worst first in the output, best first in the answer."""
    said = output(
        (320, 320, 64, 128, 79, 0.5),
        (170, 10, 100, 100, 0, 0.75),  # over the upper left corner
        (320, 320, 64, 128, 3, 0.001),  # not above the least score
        (320, 320, 64, 128, 11, 0.0011),
    )
    made = rows(4, said, 320, 160)
    assert made.dtype == np.float32
    assert np.allclose(
        made,
        [
            [4, 0, 0, 30 / 320, 30 / 160, 0.75, 1],
            [4, 128 / 320, 64 / 160, 192 / 320, 96 / 160, 0.5, 90],
            [4, 128 / 320, 64 / 160, 192 / 320, 96 / 160, 0.0011, 13],
        ],
        atol=1e-6,
    )
    (answer,) = BENCHMARK.answer(
        lambda batch: [said], {"images": np.zeros(1), "original": np.array([[320, 160]])}, [4]
    )
    assert np.array_equal(answer, made)
    assert rows(0, output(), 320, 160).nbytes == 0


def test_overlaps() -> None:
    """10 wide boxes: shifted by 1 they share 9/11 and one goes, by 2 only 8/12 and both stay; other classes stay."""
    corners = np.array([[0, 0, 10, 1], [1, 0, 11, 1], [2, 0, 12, 1], [0, 0, 10, 1]], dtype=np.float32)
    assert apart(corners, np.array([5, 5, 5, 6])).tolist() == [0, 2, 3]
    far = np.array([[20 * n, 0, 20 * n + 9, 9] for n in range(400)], dtype=np.float32)
    assert apart(far, np.zeros(400, dtype=np.int64)).tolist() == list(range(300))
    seven = np.array([[0, 0, 10, 10], [0, 0, 10, 7]], dtype=np.float32)
    assert apart(seven, np.zeros(2, dtype=np.int64)).tolist() == [0, 1], "0.7 itself is not too much"


def test_classes_are_those_of_coco() -> None:
    assert len(COCO_IDS) == 80
    assert (COCO_IDS[0], COCO_IDS[10], COCO_IDS[11], COCO_IDS[24], COCO_IDS[79]) == (1, 11, 13, 27, 90)


def test_folder(tmp_path: Path) -> None:
    """The file of the safe images comes first where the reference's script left both; no image may be missing."""
    for folder in ("annotations", "val2017_safe"):
        (tmp_path / folder).mkdir()
    with pytest.raises(UserError, match=r"instances_val2017\.json.* and the images in val2017_safe"):
        CocoSafe(tmp_path)
    image = {"id": 1, "file_name": "a.png", "height": 4, "width": 8}
    document = {
        "images": [image, {**image, "id": 2, "file_name": "b.png"}],
        "annotations": [],
        "categories": [],
    }
    (tmp_path / "annotations/instances_val2017.json").write_text(json.dumps(document))
    cv2.imwrite(str(tmp_path / "val2017_safe/a.png"), np.zeros((4, 8, 3), dtype=np.uint8))
    with pytest.raises(UserError, match=r"1 of the 2 images .* the first is .*b\.png"):
        CocoSafe(tmp_path)
    (tmp_path / "annotations/instances_val2017_safe.json").write_text(
        json.dumps({**document, "images": [image]})
    )
    sample = CocoSafe(tmp_path).load(0)
    assert sample["original"].tolist() == [4, 8]
    assert sample["images"].shape == (3, 640, 640)


def test_a_broken_image_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, program: Callable[..., Any]
) -> None:
    """Found while the run is calibrated, before LoadGen begins."""
    made = BENCHMARK.make_fixture(tmp_path / "f", width="small", seed=1, samples=4)
    for image in (made.dataset / "val2017_safe").iterdir():
        image.write_bytes(image.read_bytes()[:40])
    code, _, said = program(
        *("run", "yolo", "--round", "v6.1", "--scenario", "Offline", "--rehearsal", 1),
        *("--fixture", made.path, "--output", tmp_path / "tree"),
    )
    assert code == 2
    assert "000000000000.png cannot be decoded as an image; copy it again" in said
    assert not (tmp_path / "tree").exists()


def test_suppression_is_that_of_the_definition() -> None:
    """Against the definition written out: from the best on, one after the other, each against those that stay."""
    rng = np.random.default_rng(3)
    for count in (1, 2, 40, 200):
        begin = rng.uniform(0, 30, size=(count, 2))
        corners = np.concatenate([begin, begin + rng.uniform(5, 12, size=(count, 2))], axis=1).astype(
            np.float32
        )
        labels = rng.integers(0, 3, size=count)
        kept: list[int] = []
        for n in range(count):
            if all(labels[n] != labels[k] or overlap(corners[n], corners[k]) <= 0.7 for k in kept):
                kept.append(n)
        assert apart(corners, labels).tolist() == kept


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    wide, tall = (max(0.0, min(one[n + 2], other[n + 2]) - max(one[n], other[n])) for n in (0, 1))
    area = [float((b[2] - b[0]) * (b[3] - b[1])) for b in (one, other)]
    return float(wide * tall) / (area[0] + area[1] - float(wide * tall))
