"""What a benchmark and a data set must offer; each is one file in its folder. Runtimes: ``harness.backends.base``.

A sample is one array, or several by the names of the model's inputs, of any types; neither has a batch axis. A
runtime gets a batch of the same form, with the batch axis in front, and gives one array per output. An answer is
what LoadGen logs: bytes, whose number may differ from sample to sample and may be 0.

Most benchmarks need one call of the runtime per batch and are complete with ``responses``. One that calls the
runtime as often as a sample needs (sliding windows) is ``Composed``.

A model that is more than tensors in and tensors out (a text generator, a diffusion pipeline) is opened by the
benchmark itself: it is ``Adapted``, its ``program`` opens the folder or file in the child process, and a runtime that
is ``Adopting`` runs it. A benchmark that generates tokens gives its answers as ``Counted`` where LoadGen wants their
number, and its program says by ``First`` when the first ones are there. Who hands this to LoadGen is ``harness.sut``
and ``harness.loadgen``, and nobody else. What a benchmark wants otherwise than most do stands in its ``traits``.
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
    Batch = Array | Mapping[str, Array] | list[Sample]
    """Samples with a batch axis in front; a list of samples for a benchmark whose samples are ``ragged``."""
    Outputs = Sequence[Array]
    """One array per output, in the order of the benchmark's ``outputs``."""
    Infer = Callable[[Batch], Outputs]
    """One call of the runtime."""
    First = Callable[[Sequence[int], Sequence[int]], None]
    """Says that first tokens are there: places in the batch, and the token of each.

    What a run hands to a program also has ``over()``, which is true once nobody waits for the answer any more, and
    ``wanted``, whether anybody hears."""
    Program = Callable[[Batch, First], Outputs]
    """An opened model: a batch to its outputs; it says its first tokens meanwhile, where it makes any."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Answers with the number of tokens that the model made for each; one contiguous array per sample."""

    rows: list[Array]
    tokens: Sequence[int]


if TYPE_CHECKING:
    Responses = Array | list[Array] | Counted
    """One row per sample, contiguous; or one contiguous array per sample where lengths differ."""

Form = Literal["file", "folder", "either"]


@dataclass(frozen=True, slots=True)
class Traits:
    """What a benchmark wants otherwise than most do; the attribute ``traits`` of a benchmark, which it may leave out.

    ``model`` and ``dataset``: what ``--model`` and ``--dataset`` name. ``backends``: the runtimes that can run it, the
    one that is taken without ``--backend`` first; empty: every runtime that opens a model file, ONNX Runtime first.
    ``ragged``: samples differ in shape, and a batch is a list of them. ``batch``: the usual bound of samples per call
    in the scenarios that batch. ``precision``: that of the reference, where the runtime offers several.
    ``stall_s``: how long a run may go without completing anything before it counts as hung, opening the model included.
    ``model_about``: what the model is, for people, where it is no file of named tensors. ``further_tests``: compliance
    tests that no round asks of it on edge systems and that can be run by name.
    """

    model: Form = "file"
    dataset: Form = "folder"
    backends: tuple[str, ...] = ()
    ragged: bool = False
    batch: int | None = None
    precision: str | None = None
    stall_s: float = 120.0
    model_about: str = ""
    further_tests: tuple[str, ...] = ()


PLAIN = Traits()
BY_RUNTIME = "none by the harness; graph optimisation of the runtime"


def as_published(inputs: str = "fp32", weights: str = "fp32", changed: str = BY_RUNTIME) -> Mapping[str, str]:
    """``measurements`` of a model that is run as it was published: types of its inputs and weights, and what becomes of
    the weights."""
    return {
        "input_data_types": inputs,
        "retraining": "No",
        "weight_data_types": weights,
        "weight_transformations": changed,
    }


def traits(bench: object) -> Traits:
    """The traits of a benchmark; those of most where it says nothing."""
    found = getattr(bench, "traits", PLAIN)
    assert isinstance(found, Traits)
    return found


@dataclass(frozen=True, slots=True)
class Setting:
    """How an ``Adapted`` benchmark is to open its model.

    ``dtype`` as PyTorch names it (``float32``, ``bfloat16``, ``float16``); ``device`` likewise (``cpu``, ``cuda``).
    """

    dtype: str = "float32"
    device: str = "cpu"


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


@runtime_checkable
class Exporting(Protocol):
    """A benchmark whose published checkpoint is weights without a graph, and which can make model files of it."""

    def export(self, checkpoint: Path, folder: Path) -> int:
        """Write the files into a new folder; the number of weights. ``UserError`` for another checkpoint."""
        ...


@runtime_checkable
class InParts(Protocol):
    """A benchmark whose model is several files: inputs and outputs of each by its name; no two have the same inputs.

    ``infer`` gets the inputs of one part and gives its outputs.
    """

    parts: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


@runtime_checkable
class Adapted(Protocol):
    """A benchmark that opens its model itself, with the library that it was published for."""

    def refuse(self, model: Path) -> None:
        """A quick look, in the parent and without that library; ``UserError`` for what is missing or cut off."""
        ...

    def program(self, model: Path, setting: Setting) -> Program:
        """Open the model. Called once in the child, where threads are set and no library asks a network."""
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


@runtime_checkable
class Quick(Protocol):
    """A benchmark with a shorter way to the answer to one sample, for models of a millisecond and less.

    After each call of a runtime everything else has left the processor's caches, so that each operation of numpy takes
    tens of microseconds.
    """

    def one_response(self, outputs: Outputs) -> bytes:
        """What ``responses`` gives for a batch of one, as bytes."""
        ...


@runtime_checkable
class Speaking(Protocol):
    """A benchmark whose answers are token ids: their numpy type, and the tokens that end an answer."""

    token_dtype: str

    def ends(self, dataset: Path) -> frozenset[int]:
        """The ids of the tokens that end an answer."""
        ...


@runtime_checkable
class Continuing(Protocol):
    """A benchmark whose answers continue a prompt: at least and at most so many tokens, greedily or as ``beams`` says.

    Any server of a language model can do that; what comes of it are the outputs of ``harness.generation``.
    """

    continuation: tuple[int, int]


class Benchmark(Protocol):
    """One benchmark: its contract with model and data, and how it is scored.

    ``official`` are its names in the rounds, the usual one first (one model may serve two quality targets);
    ``most`` is the largest batch that the model takes, None without a bound. With 1, samples may differ in shape.
    ``extra`` are import names of packages that it needs besides those of every run. ``fixture_samples`` is how many
    samples a fixture has unless told otherwise, ``least_samples`` how many it must have. It may have ``traits``.
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
