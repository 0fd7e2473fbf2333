"""DLRM-DCNv2 on Criteo's click logs: a group of pairs of a user and an item in, a chance of a click for each out, AUC.

The rounds require it of datacenter systems alone; the full model has 97 GB of weights. The reference implementation
publishes it for PyTorch with torchrec and names no file of tensors, so the form of the model is ours: an ONNX file with
``dense`` float32 [n,13], ``sparse`` int64 [n,214] (the ids of the 26 categories side by side, in the order of the
features, as many as ``harness.datasets.criteo.HOT`` says) and ``click`` float32 [n], higher where a click is likelier.
The answer that is logged is the reference's: for each pair two float32, prediction and label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.accuracy_log import answers
from harness.benchmarks.base import Tensor, Traits, as_published
from harness.datasets.criteo import FEATURES, HOT, Criteo
from harness.model import Accuracy, Fixture
from schemas.errors import Failed

if TYPE_CHECKING:
    from harness.benchmarks.base import Array, Batch, Infer, Outputs


class Dlrm:
    """The benchmarks ``dlrm-v2-99`` and ``dlrm-v2-99.9`` of the rounds v3.0 to v5.1."""

    name = "dlrm-v2"
    official = ("dlrm-v2-99", "dlrm-v2-99.9")
    help = "recommendation by DLRM-DCNv2, Criteo, AUC (datacenter systems only)"
    inputs = ("dense", "sparse")
    outputs = ("click",)
    most = None
    extra = ()
    fixture_samples = 16
    least_samples = 4
    implementation = "edgewatt"
    full_set = 330_067
    traits = Traits(ragged=True)
    tensors = (
        Tensor("input", "dense", "float32", (None, FEATURES)),
        Tensor("input", "sparse", "int64", (None, sum(HOT))),
        Tensor("output", "click", "float32", (None,)),
    )
    dataset_form = "a folder with the arrays of day 23 and what groups their rows"
    response_bytes = 270 * 2 * 4
    measurements = as_published("fp32, int64")

    def dataset(self, path: Path) -> Criteo:
        """A folder with dense and sparse features, labels and groups."""
        return Criteo(path)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> list[Array]:
        """Predictions alone, without their labels."""
        return [outputs[0]]

    def answer(self, infer: Infer, batch: Batch, indices: Sequence[int]) -> list[Array]:
        """For each group its predictions and labels, float32 [n,2]; one call of the runtime for all of them."""
        import numpy as np

        assert isinstance(batch, list)
        groups: list[Mapping[str, Any]] = [sample for sample in batch if isinstance(sample, Mapping)]
        (found,) = infer({name: np.concatenate([group[name] for group in groups]) for name in self.inputs})
        ends = np.cumsum([len(group["labels"]) for group in groups])[:-1]
        parts = np.split(np.asarray(found, dtype=np.float32).reshape(-1), ends)
        return [np.stack([p, g["labels"]], axis=1) for p, g in zip(parts, groups, strict=True)]

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """AUC in percent over the pairs in the log.

        An answer may also have predictions only, as that of some vendors; labels are taken from the data set.
        """
        import numpy as np

        from harness.metrics.auc import auc

        data, answered = Criteo(dataset), answers(log)
        given, right = [], []
        for index in sorted(answered):
            labels = data.labels(index)
            values = np.frombuffer(answered[index], dtype="<f4")
            pairs = values.reshape(-1, 2) if values.size == 2 * labels.size else None
            if pairs is not None and not np.array_equal(pairs[:, 1], labels):
                raise Failed(
                    f"{log.name} has other labels for sample {index} than {dataset}; it is of another data set"
                )
            if pairs is None and values.size != labels.size:
                raise Failed(
                    f"{log.name} has {values.size} numbers for the {labels.size} pairs of sample {index}"
                )
            given.append(values if pairs is None else pairs[:, 0])
            right.append(labels)
        predictions, labels = np.concatenate(given), np.concatenate(right)
        value = 100.0 * auc(predictions, labels)
        good = int((predictions.round() == labels).sum())
        share = 100.0 * good / len(labels)
        line = f"AUC={value:.3f}%, accuracy={share:.3f}%, good={good}, total={len(labels)}, queries={len(answered)}"
        return Accuracy(
            "AUC", value, len(answered), line, {"accuracy": share, "good": good, "pairs": len(labels)}
        )

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A small graph over made-up features, and labels that plant an AUC."""
        from harness.fixtures.dlrm import make

        return make(folder, width=width, seed=seed, samples=samples)


BENCHMARK = Dlrm()
