"""A runtime with a model in it: the one place where a child opens what was asked for."""

from __future__ import annotations

from pathlib import Path

from harness.benchmarks.base import Adapted, Adopting, Backend, Benchmark, InParts
from harness.parts import Parts
from harness.registry import backend


def opened(bench: Benchmark, name: str, model: Path, *, threads: int, precision: str | None) -> Backend:
    """The runtime of that name with the model loaded; ``UserError`` when either does not fit.

    A benchmark that opens its model itself does so where the runtime lets it; any other runtime gets the path.
    """
    engine = _made(name, precision)
    if isinstance(bench, Adapted) and isinstance(engine, Adopting):
        engine.adopt(bench, model, threads=threads)
        return engine
    if isinstance(bench, InParts):
        engine = Parts([_made(name, precision) for _ in bench.parts], bench)
    engine.load(model, inputs=bench.inputs, outputs=bench.outputs, threads=threads)
    return engine


def _made(name: str, precision: str | None) -> Backend:
    engine = backend(name)
    if precision is not None:
        engine.precision = precision  # type: ignore[attr-defined]  # registry.precision_for asked whether it has one
    return engine
