"""A runtime with a model in it: the one place where a child opens what was asked for."""

from __future__ import annotations

from pathlib import Path

from harness.benchmarks.base import Adapted, Adopting, Backend, Benchmark
from harness.registry import backend


def opened(bench: Benchmark, name: str, model: Path, *, threads: int, precision: str | None) -> Backend:
    """The runtime of that name with the model loaded; ``UserError`` when either does not fit.

    A benchmark that opens its model itself does so where the runtime lets it; any other runtime gets the path.
    """
    engine = backend(name)
    if precision is not None:
        engine.precision = precision  # type: ignore[attr-defined]  # registry.precision_for asked whether it has one
    if isinstance(bench, Adapted) and isinstance(engine, Adopting):
        engine.adopt(bench, model, threads=threads)
    else:
        engine.load(model, inputs=bench.inputs, outputs=bench.outputs, threads=threads)
    return engine
