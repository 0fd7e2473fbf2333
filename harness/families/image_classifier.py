"""A classifier of ImageNet-1k: image in, class out, top-1 accuracy.

A benchmark says its names, its tensors, its pre-processing (``harness.datasets.imagenet``) and its fixture. Class 0 of
its network is background; the answer that is logged is the class less 1, as one float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.benchmarks.base import as_published
from harness.datasets.imagenet import ImageNet, preprocess, read_labels
from harness.metrics import top1
from harness.model import Accuracy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Outputs

    Pixels = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class ImageClassifier:
    """The validation set of ImageNet, and answers of four bytes."""

    most = None
    extra = ("cv2",)
    least_samples = 8
    implementation = "edgewatt"
    full_set = 50_000
    dataset_form = "a folder with the JPEGs of the ImageNet validation set and val_map.txt"
    response_bytes = 4
    measurements = as_published()
    pixels: Pixels = staticmethod(preprocess)
    """The pre-processing; that of ResNet50 unless a benchmark says otherwise."""

    def dataset(self, path: Path) -> ImageNet:
        """An ImageNet folder with ``val_map.txt``."""
        return ImageNet(path, self.pixels)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> NDArray[np.float32]:
        """One float32 per sample: the class without the background class."""
        return top1.responses(outputs[0])

    def one_response(self, outputs: Outputs) -> bytes:
        """The same for one sample."""
        return top1.response(outputs[0])

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """Top-1 in percent over the samples in the log, each index counted once."""
        return top1.accuracy(log, read_labels(dataset))
