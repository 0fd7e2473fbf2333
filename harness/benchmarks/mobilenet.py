"""MobileNet-v1 on ImageNet-1k: image in, class out, top-1 accuracy. A benchmark of round v0.5.

Contract of the reference implementation: input ``input:0`` float32 [N,3,224,224] from -1 to 1 (TFLite: [N,224,224,3],
also quantised to uint8); output ``MobilenetV1/Predictions/Reshape_1:0`` float32 [N,1001] of which class 0 is
background; the answer that is logged is the greatest one's place less 1, as one float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.benchmarks.base import Tensor
from harness.datasets.imagenet import SIZE, ImageNet, centred, read_labels
from harness.metrics import top1
from harness.model import Accuracy, Fixture
from harness.retired import Retired

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Outputs

CLASSES = 1001


class MobileNet:
    """The benchmark ``mobilenet`` of round v0.5."""

    name = "mobilenet"
    official = ("mobilenet",)
    retired = Retired("mobilenet", "round v0.5", ("resnet",))
    help = "image classification with MobileNet-v1, ImageNet-1k, top-1 (of v0.5; today an open entry)"
    inputs = ("input:0",)
    outputs = ("MobilenetV1/Predictions/Reshape_1:0",)
    most = None
    extra = ("cv2",)
    fixture_samples = 64
    least_samples = 8
    implementation = "edgewatt"
    full_set = 50_000
    tensors = (
        Tensor("input", "input:0", "float32", (None, 3, SIZE, SIZE)),
        Tensor("output", "MobilenetV1/Predictions/Reshape_1:0", "float32", (None, CLASSES)),
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
        return ImageNet(path, centred)

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
        """A small network as ONNX and TFLite, float and quantised, and images whose labels plant an accuracy."""
        from harness.fixtures.mobilenet import make

        return make(folder, width=width, seed=seed, samples=samples)


BENCHMARK = MobileNet()
