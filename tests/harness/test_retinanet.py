"""RetinaNet by hand: pixels, answers of any length, and mAP."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from harness.benchmarks.retinanet import rows
from harness.datasets.openimages import OpenImages, preprocess
from harness.metrics.coco import detections, mean_average_precision
from harness.registry import benchmark
from schemas.errors import UserError

IMAGE = {"id": 7, "file_name": "a.png", "height": 400, "width": 600}


def test_pixels_by_hand() -> None:
    """Two pixels to four by linear interpolation: the middle ones a quarter of the way. Red comes first."""
    pixels = np.array([[[0, 10, 100], [80, 10, 200]]] * 2, dtype=np.uint8)
    made = preprocess(pixels, size=4)
    assert made.shape == (3, 4, 4)
    assert made.dtype == np.float32
    red, green, blue = made[:, 0] * 255
    assert np.allclose(red, [100, 125, 175, 200])
    assert np.allclose(green, 10)
    assert np.allclose(blue, [0, 20, 60, 80])
    assert not np.allclose(
        preprocess(np.array([[[0] * 3, [1] * 3]] * 2, dtype=np.uint8), 4)[0, 0] * 255 % 1, 0
    )


def test_answer_by_hand() -> None:
    boxes = np.array([[80, 160, 400, 800], [0, 0, 8, 8], [1, 1, 2, 2]], dtype=np.float32)
    labels, scores = np.array([3, 264, 1]), np.array([0.9, 0.05, 0.04], dtype=np.float32)
    made = rows(5, boxes, labels, scores)
    score = np.float32(0.9)
    assert made.tolist()[0] == pytest.approx([5, 0.2, 0.1, 1.0, 0.5, float(score), 3])
    assert len(made) == 2, "0.05 is enough, 0.04 is not"
    (first, _) = detections(IMAGE, made.tobytes())
    assert first == {
        "image_id": 7,
        "category_id": 3,
        "bbox": pytest.approx([60, 80, 240, 320]),
        "score": float(score),
    }
    empty = benchmark("retinanet").responses((boxes[:0], labels[:0], scores[:0]), [5])
    assert [row.nbytes for row in empty] == [0]


def test_map_by_hand() -> None:
    """One of two boxes found: recall 0.5, 51 of 101 levels with precision 1; the other image is not seen."""
    truth = {
        "images": [IMAGE, {**IMAGE, "id": 8}],
        "categories": [{"id": 3, "name": "x"}],
        "annotations": [
            {"id": n, "image_id": image, "category_id": 3, "bbox": box, "area": 100, "iscrowd": 0}
            for n, (image, box) in enumerate(
                [(7, [0, 0, 10, 10]), (7, [50, 50, 10, 10]), (8, [0, 0, 9, 9])], 1
            )
        ],
    }
    found = [{"image_id": 7, "category_id": 3, "bbox": [0, 0, 10, 10], "score": 0.5}]
    assert mean_average_precision(truth, found, [7]) == pytest.approx(100 * 51 / 101)
    assert mean_average_precision(truth, [], [7]) == 0.0


def folder(path: Path, document: object) -> Path:
    (path / "annotations").mkdir()
    (path / "validation/data").mkdir(parents=True)
    (path / "annotations/openimages-mlperf.json").write_text(json.dumps(document))
    return path


def test_missing_and_garbled_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no annotations"):
        OpenImages(tmp_path)
    good = {"images": [IMAGE], "annotations": [], "categories": []}
    folder(tmp_path, good)
    with pytest.raises(UserError, match=r"1 of the 1 images .* missing, the first is .*a\.png"):
        OpenImages(tmp_path)
    (tmp_path / "validation/data/a.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="cannot be decoded"):
        OpenImages(tmp_path).load(0)
    cv2.imwrite(str(tmp_path / "validation/data/a.png"), np.zeros((4, 4), dtype=np.uint8))
    assert OpenImages(tmp_path).load(0).shape == (3, 800, 800)
    for bad in (
        [],
        {},
        {**good, "images": []},
        {**good, "images": [{"file_name": "a"}]},
        {**good, "annotations": 3},
    ):
        (tmp_path / "annotations/openimages-mlperf.json").write_text(json.dumps(bad))
        with pytest.raises(UserError, match="is not in COCO's form"):
            OpenImages(tmp_path)
