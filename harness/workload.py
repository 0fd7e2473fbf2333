"""What is run, from what was asked for: the same for a run and for the look ahead at one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from harness.benchmarks.base import Benchmark
from harness.model import Workload
from harness.registry import configured, precision_for


class Asked(Protocol):
    """The part of a command line that says how a model is run."""

    @property
    def threads(self) -> int:
        """Of the runtime."""

    @property
    def precision(self) -> str | None:
        """What it computes in; None leaves it to the benchmark or the runtime."""

    @property
    def options(self) -> Mapping[str, str]:
        """Its own."""

    @property
    def cores(self) -> tuple[int, ...]:
        """Processors that it is pinned to, none for all."""


def workload_of(
    asked: Asked, bench: Benchmark, backend: str, *, model: Path, dataset: Path, batch: int
) -> Workload:
    """Model and data set with the runtime; ``UserError`` for what the runtime cannot be told or cannot compute in."""
    precision = precision_for(bench, backend, asked.precision)
    configured(backend, asked.options)
    return Workload(
        bench.name, model, dataset, backend, asked.threads, batch, precision, asked.options, asked.cores
    )
