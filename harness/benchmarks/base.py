"""What a benchmark, a data set and a runtime must offer; each implementation is one file in its folder.

A sample is one array, or several by the names of the model's inputs, of any types; neither has a batch axis. A
runtime gets a batch of the same form, with the batch axis in front, and gives one array per output. An answer is
what LoadGen logs: bytes, whose number may differ from sample to sample and may be 0.

Most benchmarks need one call of the runtime per batch and are complete with ``responses``. One that calls the
runtime as often as a sample needs (sliding windows) is ``Composed``. A benchmark that generates token by token is
``Composed`` as well: its ``answer`` drives a runtime whose ``infer`` takes prompts and gives token ids. What LoadGen
must be told besides the bytes (first token, number of tokens) belongs into ``harness.sut.Complete`` and
``harness.loadgen``, the only places that know how an answer is handed back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from harness.model import Accuracy, Fixture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.generic]
    Sample = Array | Mapping[str, Array]
    """One pre-processed sample without batch axis: one array, or the arrays of several inputs by their names."""
    Batch = Array | Mapping[str, Array]
    """Samples with a batch axis in front."""
    Outputs = Sequence[Array]
    """One array per output, in the order of the benchmark's ``outputs``."""
    Infer = Callable[[Batch], Outputs]
    """One call of the runtime."""
    Responses = Array | list[Array]
    """One row per sample, contiguous; or a list with one contiguous array per sample where lengths differ."""


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

    def load(self, index: int) -> Sample:
        """One pre-processed sample; ``UserError`` when it cannot be had."""
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

    def infer(self, batch: Batch) -> Outputs:
        """Run one batch: one array is for the first input, a mapping names them all; one array per output."""
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

    ``response_bytes`` is the length of one answer in the accuracy log; where it varies, about its mean.
    """

    tensors: tuple[Tensor, ...]
    dataset_form: str
    response_bytes: int


@runtime_checkable
class Composed(Protocol):
    """A benchmark whose answers take more than one call of the runtime per batch."""

    def answer(self, infer: Infer, batch: Batch, indices: Sequence[int]) -> Responses:
        """The answers to a batch of samples with these indices; ``infer`` is one call of the runtime."""
        ...


@runtime_checkable
class Showing(Protocol):
    """A benchmark of which the rounds want some outputs to be published as they are, such as pictures."""

    def samples_to_show(
        self, log: Path, dataset: Path, wanted: Mapping[str, Sequence[str]]
    ) -> Iterable[tuple[str, bytes]]:
        """Files by their path below the accuracy directory.

        ``wanted``: names without ending by directory, as ``extra_accuracy_files`` of the round has them; one that the
        data set does not have is left out.
        """
        ...


class Benchmark(Protocol):
    """One benchmark: its contract with model and data, and how it is scored.

    ``official`` are its names in the rounds, the usual one first (one model may serve two quality targets);
    ``most`` is the largest batch that the model takes, None without a bound. With 1, samples may differ in shape.
    ``extra`` are import names of packages that it needs besides those of every run. ``fixture_samples`` is how many
    samples a fixture has unless told otherwise, ``least_samples`` how many it must have.
    """

    name: str
    official: tuple[str, ...]
    help: str
    most: int | None
    extra: tuple[str, ...]
    fixture_samples: int
    least_samples: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    implementation: str
    full_set: int
    measurements: Mapping[str, str]

    def dataset(self, path: Path) -> Dataset:
        """Open the data set; ``UserError`` names what is missing. Cheap: no sample is read."""
        ...

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> Responses:
        """The bytes that are handed to LoadGen, from the outputs for samples with these indices."""
        ...

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """Score an accuracy log that has not been truncated."""
        ...

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """Write a model and data set of this contract, with a planted accuracy."""
        ...
