"""Images with annotations in COCO's form, as COCO 2017 and the OpenImages subset have them.

A sample's index is the place of its image in the annotations. A missing image would shift every index after it, so
it is an error and never skipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.datasets import missing
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Sample

ANNOTATIONS = Path("annotations") / "instances_val2017.json"
IMAGES = Path("val2017")
MEAN_RGB = (0.485, 0.456, 0.406)
DEVIATION_RGB = (0.229, 0.224, 0.225)
"""Of ImageNet's colours from 0 to 1, as SSD-ResNet34 was trained with."""


def read_annotations(
    folder: Path, annotations: Path = ANNOTATIONS, images: Path = IMAGES
) -> Mapping[str, Any]:
    """The annotations; ``UserError`` when they are missing or not in COCO's form."""
    path = folder / annotations
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _refuse_odd(document)
    except FileNotFoundError:
        raise UserError(
            f"{folder} has no {annotations}: --dataset wants a folder with that file and the images in {images}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not in COCO's form ({type(error).__name__}: {error}); copy it again"
        ) from error
    return document


def _refuse_odd(document: Mapping[str, Any]) -> None:
    """``ValueError`` (or what a missing or odd value raises) for what would only show when answers are scored."""
    images = document["images"]
    sized = [str(i["file_name"]) for i in images if i["height"] > 0 and i["width"] > 0 and i["id"] >= 0]
    if not sized or len(sized) != len(images):
        raise ValueError("no images, or one without a size")
    ids = {i["id"] for i in images}
    if len(ids) != len(images):
        raise ValueError("two images have the same id")
    if not isinstance(document["annotations"], list) or not isinstance(document["categories"], list):
        raise TypeError("annotations or categories are no lists")
    labels = {c["id"] for c in document["categories"]}
    own = [a for a in document["annotations"] if a["image_id"] in ids]
    if document["annotations"] and not own:
        raise ValueError("no annotation is of one of its images")
    for row in own:
        _, _, wide, tall = row["bbox"]
        if row["category_id"] not in labels or wide < 0 or tall < 0:
            raise ValueError(f"annotation {row['id']} has no category of the list, or no box")


class CocoImages:
    """The data set; images are decoded and pre-processed when they are loaded."""

    def __init__(
        self,
        folder: Path,
        preprocess: Callable[[NDArray[np.uint8]], Sample],
        annotations: Path = ANNOTATIONS,
        images: Path = IMAGES,
    ) -> None:
        """Read the annotations and look for every image; ``UserError`` names the first missing one and the count."""
        self._preprocess = preprocess
        rows = read_annotations(folder, annotations, images)["images"]
        self._files = [folder / images / str(row["file_name"]) for row in rows]
        lost = [path for path in self._files if not path.is_file()]
        missing.refuse(lost, f"of the {len(rows)} images of {folder / annotations}", "an image")

    def __len__(self) -> int:
        """Number of images in the annotations."""
        return len(self._files)

    def files(self) -> list[Path]:
        """The images in the order of the annotations."""
        return list(self._files)

    def load(self, index: int) -> Sample:
        """One image, pre-processed."""
        import cv2
        import numpy as np

        path = self._files[index]
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise UserError(f"{path} cannot be decoded as an image; copy it again")
        return self._preprocess(image.astype(np.uint8, copy=False))


def resized(image_bgr: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """A decoded image as red, green, blue float32 [size,size,3] of 0 to 255, by linear interpolation of floats."""
    import cv2
    import numpy as np

    floats = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB).astype(np.float32)
    return cv2.resize(floats, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)


def whole(image_bgr: NDArray[np.uint8], size: int = 300) -> NDArray[np.uint8]:
    """SSD-MobileNet: the resized colours cut off to whole numbers, uint8 [size,size,3], colours last."""
    import numpy as np

    return np.ascontiguousarray(resized(image_bgr, size).astype(np.uint8))


def normalised(image_bgr: NDArray[np.uint8], size: int = 1200) -> NDArray[np.float32]:
    """SSD-ResNet34: the resized colours by 255, less their mean, by their deviation; float32 [3,size,size]."""
    import numpy as np

    mean, deviation = (np.array(v, dtype=np.float32) for v in (MEAN_RGB, DEVIATION_RGB))
    colours = (resized(image_bgr, size) / np.float32(255.0) - mean) / deviation
    return np.ascontiguousarray(colours.transpose(2, 0, 1))
