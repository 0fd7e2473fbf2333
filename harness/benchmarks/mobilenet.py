"""MobileNet-v1 on ImageNet-1k: image in, class out, top-1 accuracy. A benchmark of round v0.5.

Contract of the reference implementation: input ``input:0`` float32 [N,3,224,224] from -1 to 1 (TFLite: [N,224,224,3],
also quantised to uint8); output ``MobilenetV1/Predictions/Reshape_1:0`` float32 [N,1001] of which class 0 is
background; the answer that is logged is the greatest one's place less 1, as one float32.
"""

from __future__ import annotations

from pathlib import Path

from harness.benchmarks.base import Tensor
from harness.datasets.imagenet import SIZE, centred
from harness.families.image_classifier import ImageClassifier
from harness.model import Fixture
from harness.retired import Retired

CLASSES = 1001


class MobileNet(ImageClassifier):
    """The benchmark ``mobilenet`` of round v0.5."""

    name = "mobilenet"
    official = ("mobilenet",)
    retired = Retired("mobilenet", "round v0.5", ("resnet",))
    help = "image classification with MobileNet-v1, ImageNet-1k, top-1 (of v0.5; today an open entry)"
    inputs = ("input:0",)
    outputs = ("MobilenetV1/Predictions/Reshape_1:0",)
    tensors = (
        Tensor("input", "input:0", "float32", (None, 3, SIZE, SIZE)),
        Tensor("output", "MobilenetV1/Predictions/Reshape_1:0", "float32", (None, CLASSES)),
    )
    pixels = staticmethod(centred)
    fixture_samples = 64

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A small network as ONNX and TFLite, float and quantised, and images whose labels plant an accuracy."""
        from harness.fixtures.mobilenet import make

        return make(folder, width=width, seed=seed, samples=samples)


BENCHMARK = MobileNet()
