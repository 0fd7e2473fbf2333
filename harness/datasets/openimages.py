"""OpenImages for detection: ``annotations/openimages-mlperf.json`` in COCO's form and images in ``validation/data``.

A sample's index is its place in ``images`` of the annotations. Pre-processing is that of the reference implementation:
colours as RGB, 800×800 by linear interpolation of floats, divided by 255, planes first; the rest is in the model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ANNOTATIONS = Path("annotations") / "openimages-mlperf.json"
IMAGES = Path("validation") / "data"
SIZE = 800


def read_annotations(folder: Path) -> Mapping[str, Any]:
    """The annotations; ``UserError`` when they are missing or not in COCO's form."""
    path = folder / ANNOTATIONS
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        names = [
            str(i["file_name"])
            for i in document["images"]
            if i["height"] > 0 and i["width"] > 0 and i["id"] >= 0
        ]
        if not names or len(names) != len(document["images"]):
            raise ValueError("no images, or one without a size")
        if not isinstance(document["annotations"], list) or not isinstance(document["categories"], list):
            raise TypeError("annotations or categories are no lists")
    except FileNotFoundError:
        raise UserError(
            f"{folder} has no {ANNOTATIONS}: --dataset wants a folder with that file and the images in {IMAGES}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not in COCO's form ({type(error).__name__}: {error}); copy it again"
        ) from error
    return document


class OpenImages:
    """The data set; images are decoded when they are loaded."""

    def __init__(self, folder: Path) -> None:
        """Read the annotations and look for every image; ``UserError`` names the first missing one and the count."""
        images = read_annotations(folder)["images"]
        self._files = [folder / IMAGES / str(image["file_name"]) for image in images]
        missing = [path for path in self._files if not path.is_file()]
        if missing:
            raise UserError(
                f"{len(missing)} of the {len(images)} images of {folder / ANNOTATIONS} are missing, the first is "
                f"{missing[0]}; copy them there (an image is never skipped, because the answers would shift)"
            )

    def __len__(self) -> int:
        """Number of images in the annotations."""
        return len(self._files)

    def files(self) -> list[Path]:
        """The images in the order of the annotations."""
        return list(self._files)

    def load(self, index: int) -> NDArray[np.float32]:
        """One image, pre-processed, as float32 [3,800,800]."""
        import cv2
        import numpy as np

        path = self._files[index]
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise UserError(f"{path} cannot be decoded as an image; copy it again")
        return preprocess(image.astype(np.uint8, copy=False))


def preprocess(image_bgr: NDArray[np.uint8], size: int = SIZE) -> NDArray[np.float32]:
    """A decoded image (blue, green, red) to the network's input."""
    import cv2
    import numpy as np

    floats = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB).astype(np.float32)
    resized = cv2.resize(floats, (size, size), interpolation=cv2.INTER_LINEAR) / np.float32(255.0)
    return np.ascontiguousarray(resized.transpose(2, 0, 1))
