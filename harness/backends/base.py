"""What a runtime must offer (``Backend``), and what it may: options, models of a benchmark's own, the look of a model.

Each is one file in this folder, or an entry point of another distribution (docs/backends.md). What it is given, and
gives back, is told in ``harness.benchmarks.base``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from harness.benchmarks.base import Adapted, Batch, First, Outputs, Tensor


@runtime_checkable
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
class Configurable(Protocol):
    """A runtime with options (``--option KEY=VALUE``, ``--device``, ``--provider``): names, and what each means."""

    options: Mapping[str, str]

    def configure(self, options: Mapping[str, str]) -> None:
        """Take them, before ``load`` and without importing anything; ``UserError`` for a value that makes no sense."""
        ...


@runtime_checkable
class Adopting(Protocol):
    """A runtime that runs what a benchmark has opened itself."""

    def adopt(self, bench: Adapted, model: Path, *, threads: int) -> None:
        """Have the benchmark open its model; ``UserError`` when the runtime is missing or the model does not fit."""
        ...

    def generate(self, batch: Batch, first: First) -> Outputs:
        """Run one batch; ``first`` is told of first tokens as soon as they are there."""
        ...


@runtime_checkable
class Describing(Protocol):
    """A runtime that tells what the loaded model looks like."""

    def tensors(self) -> Sequence[Tensor]:
        """All inputs, then all outputs, of the model."""
        ...
