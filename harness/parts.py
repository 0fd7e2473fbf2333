"""A model in several files: each part opened by the runtime, and called by the names of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends.base import Backend, Describing
from harness.benchmarks.base import InParts, Tensor, traits
from schemas.errors import UserError

if TYPE_CHECKING:
    from harness.benchmarks.base import Batch, Outputs


class Parts:
    """A runtime for a folder with one ONNX file per part."""

    def __init__(self, engines: Sequence[Backend], bench: InParts) -> None:
        """One engine of the same runtime for each part of the benchmark's model."""
        self.name = engines[0].name
        self.compute = getattr(engines[0], "compute", "cpu")
        self._bench = bench
        self._engines = dict(zip(bench.parts, engines, strict=True))
        self._by_inputs = {frozenset(bench.parts[name][0]): engine for name, engine in self._engines.items()}

    def load(self, model: Path, *, inputs: Sequence[str], outputs: Sequence[str], threads: int) -> None:
        """Open every part; ``UserError`` when one is missing or does not fit."""
        refuse_missing(model, self._bench)
        for name, (given, made) in self._bench.parts.items():
            self._engines[name].load(model / f"{name}.onnx", inputs=given, outputs=made, threads=threads)

    def tensors(self) -> list[Tensor]:
        """Inputs, then outputs, of all parts, where the runtime tells them."""
        found = [t for e in self._engines.values() if isinstance(e, Describing) for t in e.tensors()]
        return sorted(found, key=lambda t: t.kind)

    def infer(self, batch: Batch) -> Outputs:
        """Run the part whose inputs are named."""
        assert isinstance(batch, Mapping)
        return self._by_inputs[frozenset(batch)].infer(batch)

    def close(self) -> None:
        """Let go of all parts."""
        for engine in self._engines.values():
            engine.close()

    def versions(self) -> Mapping[str, str]:
        """Those of the runtime."""
        return next(iter(self._engines.values())).versions()


def refuse_missing(model: Path, bench: InParts) -> None:
    """``UserError`` for a model that is no folder with a file for every part."""
    missing = [f"{name}.onnx" for name in bench.parts if not (model / f"{name}.onnx").is_file()]
    if missing:
        raise UserError(f"{model} has no {', '.join(missing)}; --model wants {traits(bench).model_about}")
