"""COCO 2017 validation images with free licences (1525 of 5000), each letterboxed for YOLO.

``val2017_safe/`` beside ``annotations/``: the file with the safe images is ``instances_val2017_safe.json`` as the
reference's script writes it, or ``instances_val2017.json`` as the published set names it.

A letterbox keeps an image's proportions: scaled by linear interpolation (of bytes) so that its longer side is 640,
put into the middle of 640×640, the rest grey 114; of an odd rest the smaller half is on top and on the left. Colours as
RGB, divided by 255, planes first. This is how exports of a fixed size are fed by the maker of the network; the
reference itself gives its PyTorch model the smallest multiple of 32 in each direction instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.datasets import coco

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Array

SAFE = Path("annotations") / "instances_val2017_safe.json"
IMAGES = Path("val2017_safe")
SIZE = 640
GREY = 114


def read_annotations(folder: Path) -> Mapping[str, Any]:
    """The annotations; ``UserError`` when they are missing or not in COCO's form."""
    return coco.read_annotations(folder, _annotations(folder), IMAGES)


def _annotations(folder: Path) -> Path:
    return SAFE if (folder / SAFE).is_file() else coco.ANNOTATIONS


class CocoSafe(coco.CocoImages):
    """The data set; a sample is ``images`` float32 [3,640,640] and ``original`` int64 [2]: height and width."""

    def __init__(self, folder: Path) -> None:
        """Read the annotations and look for every image; ``UserError`` names the first missing one and the count."""
        super().__init__(folder, sample, _annotations(folder), IMAGES)


def sample(image_bgr: NDArray[np.uint8]) -> Mapping[str, Array]:
    """A decoded image to the network's input, and the size that answers are given in."""
    import numpy as np

    return {
        "images": letterbox(image_bgr),
        "original": np.array(image_bgr.shape[:2], dtype=np.int64),
    }


def placed(height: int, width: int, size: int = SIZE) -> tuple[float, int, int, int, int]:
    """The scale of an image in the letterbox; its scaled height and width; how far down and right it begins."""
    scale = min(size / height, size / width)
    tall, wide = round(height * scale), round(width * scale)
    return scale, tall, wide, round((size - tall) / 2 - 0.1), round((size - wide) / 2 - 0.1)


def letterbox(image_bgr: NDArray[np.uint8], size: int = SIZE) -> NDArray[np.float32]:
    """A decoded image (blue, green, red) to float32 [3,size,size]."""
    import cv2
    import numpy as np

    _, tall, wide, top, left = placed(image_bgr.shape[0], image_bgr.shape[1], size)
    box = np.full((size, size, 3), GREY, dtype=np.uint8)
    inner = image_bgr
    if image_bgr.shape[:2] != (tall, wide):
        inner = cv2.resize(image_bgr, (wide, tall), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    box[top : top + tall, left : left + wide] = inner
    planes = box[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / np.float32(255.0)
    return np.ascontiguousarray(planes)
