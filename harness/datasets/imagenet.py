"""ImageNet validation images: a folder of JPEGs and ``val_map.txt`` with one ``name label`` per line.

A sample's index is its line number in ``val_map.txt``. A missing image would shift every index after it,
so it is an error and never skipped. Pre-processing is that of the reference implementation: colours as
RGB, the short side to 256 (224 / 0.875), centre crop 224, planes first; for ResNet50 by area interpolation and with the
mean colour subtracted, for MobileNet by linear interpolation and from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.datasets import missing
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAP_NAME = "val_map.txt"
SIZE = 224
SHORT_SIDE = 256
MEAN_RGB = (123.68, 116.78, 103.94)


@cache
def read_labels(folder: Path) -> tuple[tuple[str, int], ...]:
    """Image names and labels in order; ``UserError`` for a missing or garbled map."""
    path = folder / MAP_NAME
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise UserError(
            f"{folder} has no {MAP_NAME}: --dataset wants a folder with the JPEGs of ImageNet and a "
            f"{MAP_NAME} of lines 'name label'"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} cannot be read ({error}); put a text file of lines 'name label' there"
        ) from error
    rows = tuple(_row(path, number, line) for number, line in enumerate(lines, 1) if line.strip())
    if not rows:
        raise UserError(f"{path} is empty; it must have one line 'name label' per image")
    return rows


def _row(path: Path, number: int, line: str) -> tuple[str, int]:
    name, _, label = line.strip().rpartition(" ")
    if not name or not label.isdigit():
        raise UserError(f"{path} line {number} is {line[:60]!r}; wanted 'name label', such as 'a.JPEG 65'")
    return name.strip(), int(label)


class ImageNet:
    """The data set; images are decoded when they are loaded."""

    def __init__(
        self, folder: Path, pixels: Callable[[NDArray[np.uint8]], NDArray[np.float32]] | None = None
    ) -> None:
        """Read the map and look for every image; ``UserError`` names the first missing one and the count.

        ``pixels`` is the pre-processing, that of ResNet50 without it.
        """
        self._folder = folder
        self._pixels = pixels or preprocess
        self._rows = read_labels(folder)
        present = {p.name for p in folder.iterdir()}
        lost = [name for name, _ in self._rows if name not in present and not (folder / name).is_file()]
        missing.refuse(lost, f"of the {len(self._rows)} images of {folder / MAP_NAME}", "an image")

    def __len__(self) -> int:
        """Number of images in the map."""
        return len(self._rows)

    def files(self) -> list[Path]:
        """The images in the order of the map."""
        return [self._folder / name for name, _ in self._rows]

    def load(self, index: int) -> NDArray[np.float32]:
        """One image, pre-processed, as float32 [3,224,224]."""
        import cv2
        import numpy as np

        path = self._folder / self._rows[index][0]
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise UserError(f"{path} cannot be decoded as a JPEG; copy the image again")
        return self._pixels(image.astype(np.uint8, copy=False))


def preprocess(image_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A decoded image (blue, green, red) to the input of ResNet50."""
    import cv2
    import numpy as np

    crop = middle(image_bgr, cv2.INTER_AREA).astype(np.float32)
    return np.ascontiguousarray((crop - np.array(MEAN_RGB, dtype=np.float32)).transpose(2, 0, 1))


def centred(image_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A decoded image (blue, green, red) to the input of MobileNet, from -1 to 1."""
    import cv2
    import numpy as np

    crop = middle(image_bgr, cv2.INTER_LINEAR).astype(np.float32)
    shares = (crop / np.float32(255.0) - np.float32(0.5)) * np.float32(2.0)
    return np.ascontiguousarray(shares.transpose(2, 0, 1))


def middle(image_bgr: NDArray[np.uint8], interpolation: int) -> NDArray[np.uint8]:
    """The middle 224×224 of an image whose short side was brought to 256, as red, green, blue [224,224,3].

    The long side is cut off to whole pixels after the division, as the reference computes it: 256 · long / short.
    """
    import cv2
    import numpy as np

    height, width = image_bgr.shape[:2]
    short = min(height, width)
    size = (int(SHORT_SIDE * width / short), int(SHORT_SIDE * height / short))
    scaled = cv2.resize(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), size, interpolation=interpolation)
    left, top = (size[0] - SIZE) // 2, (size[1] - SIZE) // 2
    return scaled[top : top + SIZE, left : left + SIZE].astype(np.uint8, copy=False)
