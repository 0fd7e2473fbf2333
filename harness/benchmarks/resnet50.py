"""ResNet50-v1.5 on ImageNet-1k: image in, class out, top-1 accuracy.

Contract of the reference implementation: input ``input_tensor:0`` float32 [N,3,224,224]; output
``ArgMax:0`` int64 [N] over 1001 classes of which class 0 is background; the answer that is logged is
``ArgMax - 1`` as one float32.
"""

from __future__ import annotations

from pathlib import Path

from harness.benchmarks.base import Tensor
from harness.datasets.imagenet import SIZE
from harness.families.image_classifier import ImageClassifier
from harness.model import Fixture


class ResNet50(ImageClassifier):
    """The benchmark ``resnet`` of the rounds."""

    name = "resnet50"
    official = ("resnet",)
    help = "image classification, ImageNet-1k, top-1"
    inputs = ("input_tensor:0",)
    outputs = ("ArgMax:0",)
    tensors = (
        Tensor("input", "input_tensor:0", "float32", (None, 3, SIZE, SIZE)),
        Tensor("output", "ArgMax:0", "int64", (None,)),
    )
    fixture_samples = 128

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A seeded network of the real topology and images whose labels plant an accuracy."""
        from harness.fixtures.resnet50 import make

        return make(folder, width=width, seed=seed, samples=samples)


BENCHMARK = ResNet50()
