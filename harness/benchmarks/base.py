"""What a benchmark, a data set and a runtime must offer; each implementation is one file in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from harness.model import Accuracy, Fixture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of a model.

    ``dtype`` as numpy names it. A length of None is free, such as that of the batch.
    """

    kind: Literal["input", "output"]
    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Tensor:
        """The inverse of ``to_json``."""
        return cls(document["kind"], document["name"], document["dtype"], tuple(document["shape"]))

    def __str__(self) -> str:
        """For people: ``input_tensor:0 float32 [N,3,224,224]``."""
        return f"{self.name} {self.dtype} [{','.join('N' if n is None else str(n) for n in self.shape)}]"


class Dataset(Protocol):
    """Samples by index; LoadGen says which ones to hold in memory."""

    def __len__(self) -> int:
        """How many samples there are."""
        ...

    def load(self, index: int) -> NDArray[np.float32]:
        """One pre-processed sample, without batch axis; ``UserError`` when it cannot be had."""
        ...


@runtime_checkable
class OfFiles(Protocol):
    """A data set of files, which can be looked at before a run."""

    def files(self) -> Sequence[Path]:
        """Every file that a run reads, in the order of the samples."""
        ...


class Backend(Protocol):
    """One runtime. ``load`` imports it; nothing else of the harness knows it."""

    name: str

    def load(self, model: Path, *, inputs: Sequence[str], outputs: Sequence[str], threads: int) -> None:
        """Open a model; ``UserError`` when the runtime is not installed or the model does not fit."""
        ...

    def infer(self, batch: NDArray[np.float32]) -> Sequence[NDArray[np.generic]]:
        """Run one batch; one array per output."""
        ...

    def close(self) -> None:
        """Let go of the model."""
        ...

    def versions(self) -> Mapping[str, str]:
        """Names and versions of the software that computes."""
        ...


@runtime_checkable
class Describing(Protocol):
    """A runtime that tells what the loaded model looks like."""

    def tensors(self) -> Sequence[Tensor]:
        """All inputs, then all outputs, of the model."""
        ...


@runtime_checkable
class Contract(Protocol):
    """A benchmark that says what its model and its data must look like, and how long an answer is.

    ``response_bytes`` is the length of one answer in the accuracy log.
    """

    tensors: tuple[Tensor, ...]
    dataset_form: str
    response_bytes: int


class Benchmark(Protocol):
    """One benchmark: its contract with model and data, and how it is scored."""

    name: str
    official: str
    help: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    implementation: str
    full_set: int
    measurements: Mapping[str, str]

    def dataset(self, path: Path) -> Dataset:
        """Open the data set; ``UserError`` names what is missing. Cheap: no sample is read."""
        ...

    def responses(self, outputs: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
        """One row per sample: the bytes that are handed to LoadGen."""
        ...

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """Score an accuracy log that has not been truncated."""
        ...

    def make_fixture(self, folder: Path, *, width: str, seed: int, images: int) -> Fixture:
        """Write a model and data set of this contract, with a planted accuracy."""
        ...
