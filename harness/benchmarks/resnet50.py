"""ResNet50-v1.5 on ImageNet-1k: image in, class out, top-1 accuracy.

Contract of the reference implementation: input ``input_tensor:0`` float32 [N,3,224,224]; output
``ArgMax:0`` int64 [N] over 1001 classes of which class 0 is background; the answer that is logged is
``ArgMax - 1`` as one float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.benchmarks.base import Tensor
from harness.datasets.imagenet import ImageNet, read_labels
from harness.metrics import top1
from harness.model import Accuracy, Fixture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Outputs


class ResNet50:
    """The benchmark ``resnet`` of the rounds."""

    name = "resnet50"
    official = ("resnet",)
    help = "image classification, ImageNet-1k, top-1"
    inputs = ("input_tensor:0",)
    outputs = ("ArgMax:0",)
    most = None
    extra = ("cv2",)
    fixture_samples = 128
    least_samples = 8
    implementation = "edgewatt"
    full_set = 50_000
    tensors = (
        Tensor("input", "input_tensor:0", "float32", (None, 3, 224, 224)),
        Tensor("output", "ArgMax:0", "int64", (None,)),
    )
    dataset_form = "a folder with the JPEGs of the ImageNet validation set and val_map.txt"
    response_bytes = 4
    measurements: Mapping[str, str] = {
        "input_data_types": "fp32",
        "retraining": "No",
        "weight_data_types": "fp32",
        "weight_transformations": "none by the harness; graph optimisation of the runtime",
    }

    def dataset(self, path: Path) -> ImageNet:
        """An ImageNet folder with ``val_map.txt``."""
        return ImageNet(path)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> NDArray[np.float32]:
        """One float32 per sample: the class without the background class."""
        return top1.responses(outputs[0])

    def one_response(self, outputs: Outputs) -> bytes:
        """The same for one sample."""
        return top1.response(outputs[0])

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """Top-1 in percent over the samples in the log, each index counted once."""
        return top1.accuracy(log, read_labels(dataset))

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A seeded network of the real topology and images whose labels plant an accuracy."""
        from harness.fixtures.resnet50 import make

        return make(folder, width=width, seed=seed, samples=samples)


BENCHMARK = ResNet50()
