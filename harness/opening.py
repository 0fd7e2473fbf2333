"""A runtime with a model in it: the one place where a child opens what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.backends.base import Adopting, Backend, Describing
from harness.benchmarks.base import Adapted, Benchmark, Contract, InParts
from harness.contracts import differences
from harness.parts import Parts
from harness.registry import configured
from schemas.errors import UserError


def opened(
    bench: Benchmark,
    name: str,
    model: Path,
    *,
    threads: int,
    precision: str | None,
    options: Mapping[str, str] | None = None,
) -> Backend:
    """The runtime of that name with the model loaded; ``UserError`` when either does not fit.

    A benchmark that opens its model itself does so where the runtime lets it; any other runtime gets the path.
    """
    own = options or {}
    engine = _made(name, precision, own)
    if isinstance(bench, Adapted) and isinstance(engine, Adopting):
        engine.adopt(bench, model, threads=threads)
        return engine
    if isinstance(bench, InParts):
        engine = Parts([_made(name, precision, own) for _ in bench.parts], bench)
    engine.load(model, inputs=bench.inputs, outputs=bench.outputs, threads=threads)
    return engine


def _made(name: str, precision: str | None, options: Mapping[str, str]) -> Backend:
    engine = configured(name, options)
    if precision is not None:
        engine.precision = precision  # type: ignore[attr-defined]  # registry.precision_for asked whether it has one
    return engine


def refuse_another(bench: Benchmark, engine: Backend, model: Path) -> None:
    """``UserError`` for a model with the names of the contract and other shapes or types."""
    if not isinstance(bench, Contract) or not isinstance(engine, Describing):
        return
    for found, wanted in differences(bench.tensors, tuple(engine.tensors())):
        raise UserError(
            f"{model} has {found}, but {bench.name} wants {wanted}; give the checkpoint of the reference "
            "implementation, or one exported with the same shapes and types"
        )
