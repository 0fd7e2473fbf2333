"""What a benchmark, a data set and a runtime must offer; each implementation is one file in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.model import Accuracy, Fixture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Dataset(Protocol):
    """Samples by index; LoadGen says which ones to hold in memory."""

    def __len__(self) -> int:
        """How many samples there are."""
        ...

    def load(self, index: int) -> NDArray[np.float32]:
        """One pre-processed sample, without batch axis; ``UserError`` when it cannot be had."""
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
