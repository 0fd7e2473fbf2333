"""ResNet50-v1.5 on ImageNet-1k: image in, class out, top-1 accuracy.

Contract of the reference implementation: input ``input_tensor:0`` float32 [N,3,224,224]; output
``ArgMax:0`` int64 [N] over 1001 classes of which class 0 is background; the answer that is logged is
``ArgMax - 1`` as one float32.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.benchmarks.base import Tensor
from harness.datasets.imagenet import ImageNet, read_labels
from harness.model import Accuracy, Fixture
from schemas.errors import Failed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ResNet50:
    """The benchmark ``resnet`` of the rounds."""

    name = "resnet50"
    official = "resnet"
    help = "image classification, ImageNet-1k, top-1"
    inputs = ("input_tensor:0",)
    outputs = ("ArgMax:0",)
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

    def responses(self, outputs: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
        """One float32 per sample: the class without the background class."""
        import numpy as np

        classes = np.asarray(outputs[0], dtype=np.float32).reshape(-1, 1)
        return np.ascontiguousarray(classes - np.float32(1.0))

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """Top-1 in percent over the samples in the log, each index counted once."""
        labels = read_labels(dataset)
        answers = dict(_answers(log))
        if not answers:
            raise Failed(f"{log.name} holds no answers, so there is no accuracy; look at the log beside it")
        good = sum(1 for index, answer in answers.items() if answer == labels[index][1])
        value = 100.0 * good / len(answers)
        line = f"accuracy={value:.3f}%, good={good}, total={len(answers)}"
        return Accuracy("acc", value, good, len(answers), line)

    def make_fixture(self, folder: Path, *, width: str, seed: int, images: int) -> Fixture:
        """A seeded network of the real topology and images whose labels plant an accuracy."""
        from harness.fixtures.resnet50 import make

        return make(folder, width=width, seed=seed, images=images)


def _answers(log: Path) -> Iterator[tuple[int, int]]:
    """Sample index and answered class; the first answer of an index counts."""
    seen: set[int] = set()
    for entry in json.loads(log.read_text(encoding="utf-8")):
        index = int(entry["qsl_idx"])
        if index not in seen:
            seen.add(index)
            yield index, _answer(entry["data"])


def _answer(data: str) -> int:
    """The class of a response; -1 (never right) for an empty one, as a drained run leaves behind."""
    return int(struct.unpack("<f", bytes.fromhex(data))[0]) if len(data) == 8 else -1


BENCHMARK = ResNet50()
