"""OpenImages validation images of MLPerf's subset: annotations in COCO's form and a folder of images.

A sample's index is the place of its image in ``images`` of the annotations. Pre-processing is that of the reference:
colours as RGB, 800×800 by linear interpolation of floats, divided by 255, planes first; the rest is in the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.datasets import coco

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ANNOTATIONS = Path("annotations") / "openimages-mlperf.json"
IMAGES = Path("validation") / "data"
SIZE = 800


def read_annotations(folder: Path) -> Mapping[str, Any]:
    """The annotations; ``UserError`` when they are missing or not in COCO's form."""
    return coco.read_annotations(folder, ANNOTATIONS, IMAGES)


class OpenImages(coco.CocoImages):
    """The data set; a sample is float32 [3,800,800]."""

    def __init__(self, folder: Path) -> None:
        """Read the annotations and look for every image; ``UserError`` names the first missing one and the count."""
        super().__init__(folder, preprocess, ANNOTATIONS, IMAGES)


def preprocess(image_bgr: NDArray[np.uint8], size: int = SIZE) -> NDArray[np.float32]:
    """A decoded image (blue, green, red) to the network's input."""
    import numpy as np

    colours = coco.resized(image_bgr, size) / np.float32(255.0)
    return np.ascontiguousarray(colours.transpose(2, 0, 1))
