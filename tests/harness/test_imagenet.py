"""The ImageNet folder: order, missing images, pre-processing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from harness.datasets.imagenet import MEAN_RGB, ImageNet, centred, middle, preprocess, read_labels
from harness.model import Fixture
from schemas.errors import UserError


def test_missing_image_is_one_sentence_and_never_skipped(tmp_path: Path) -> None:
    (tmp_path / "val_map.txt").write_text("a.JPEG 1\nb.JPEG 2\nc.JPEG 3\n")
    (tmp_path / "a.JPEG").write_bytes(b"")
    with pytest.raises(UserError, match=r"2 of the 3 images .* the first is b\.JPEG"):
        ImageNet(tmp_path)


def test_undecodable_image_is_named(fixture: Fixture, tmp_path: Path) -> None:
    (tmp_path / "val_map.txt").write_text("a.JPEG 1\n")
    (tmp_path / "a.JPEG").write_bytes(b"not a picture")
    with pytest.raises(UserError, match=r"a\.JPEG cannot be decoded"):
        ImageNet(tmp_path).load(0)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("a.JPEG\n", "line 1"), ("a.JPEG 1\nb.JPEG x\n", "line 2"), ("\n", "is empty")],
)
def test_garbled_map_names_its_line(tmp_path: Path, text: str, wanted: str) -> None:
    (tmp_path / "val_map.txt").write_text(text)
    with pytest.raises(UserError, match=wanted):
        read_labels(tmp_path)


def test_no_map(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no val_map\.txt"):
        read_labels(tmp_path)


def test_flat_colour_becomes_that_colour_less_the_mean() -> None:
    """Blue, green, red come in; red, green, blue planes come out, undivided."""
    image = np.full((300, 500, 3), (10, 20, 30), dtype=np.uint8)
    found = preprocess(image)
    assert found.shape == (3, 224, 224)
    assert found.dtype == np.float32
    for plane, value, mean in zip(found, (30, 20, 10), MEAN_RGB, strict=True):
        assert np.allclose(plane, value - mean, atol=1e-4)


@pytest.mark.parametrize("shape", [(256, 256), (224, 900), (1000, 333), (257, 256)])
def test_crop_is_the_middle(shape: tuple[int, int]) -> None:
    """The left half is dark, the right half bright: the edge lies in the middle of the crop."""
    image = np.zeros((*shape, 3), dtype=np.uint8)
    image[:, shape[1] // 2 :] = 200
    row = preprocess(image)[0, 112] + MEAN_RGB[0]
    assert row[:110].max() < 1.0
    assert row[115:].min() > 199.0


def test_loads_are_the_same_twice(fixture: Fixture) -> None:
    data = ImageNet(fixture.dataset)
    assert len(data) == fixture.samples
    assert np.array_equal(data.load(3), data.load(3))


@pytest.mark.parametrize(
    ("shape", "scaled"),
    [((103, 206), (256, 512)), ((375, 500), (256, 341)), ((500, 333), (384, 256)), ((256, 256), (256, 256))],
)
@pytest.mark.parametrize("interpolation", [cv2.INTER_AREA, cv2.INTER_LINEAR])
def test_middle_is_opencv_to_the_bit(
    shape: tuple[int, int], scaled: tuple[int, int], interpolation: int
) -> None:
    """Twice as wide stays twice as wide: 103 by 206 gave 511 columns where the scale was rounded first."""
    image = np.random.default_rng(2).integers(0, 256, (*shape, 3), dtype=np.uint8)
    resized = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), scaled[::-1], interpolation=interpolation)
    top, left = (int((n - 224) / 2) for n in scaled)
    wanted = resized[top : top + 224, left : left + 224]
    assert np.array_equal(middle(image, interpolation), wanted)
    if interpolation == cv2.INTER_LINEAR:
        floats = wanted.astype(np.float32)
        floats /= 255.0
        floats -= 0.5
        floats *= 2
        assert np.array_equal(centred(image), floats.transpose(2, 0, 1))


def test_mobilenet_sees_minus_one_to_one() -> None:
    image = np.full((300, 500, 3), (0, 255, 51), dtype=np.uint8)
    red, green, blue = centred(image)
    assert np.allclose(red, -0.6)
    assert (green == 1).all()
    assert (blue == -1).all()
