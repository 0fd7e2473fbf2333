"""Scoring of accuracy logs, in a process of its own: what scores may be large, may fall over, and is gone afterwards.

A benchmark whose scoring needs more than its opened data set shows (other networks, a tokenizer, a package that must
not only be there but load) is ``Demanding``: it is asked before the first run, because after it days may be lost.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from harness import extras
from harness.benchmarks.base import Benchmark
from harness.model import Accuracy, RunSpec
from harness.process import ChildProcess, Patience
from schemas.errors import Failed, UserError

ENTRY = "harness.scoring_child"
PATIENCE = Patience(stall_s=math.inf)
"""Scoring may take hours and says nothing meanwhile."""
LOOK_S = 600.0
"""When the look before a run counts as hung; it takes seconds, on a small board with large weights a minute."""


@runtime_checkable
class Demanding(Protocol):
    """A benchmark whose scoring needs more than an opened data set."""

    def refuse_unscorable(self, dataset: Path) -> None:
        """Open all that scoring needs, and use it once; ``UserError`` for what would keep a log from being scored."""
        ...


@dataclass(frozen=True, slots=True)
class ScoringJob:
    """What the child is told; without ``log`` it only looks whether it could score."""

    benchmark: str
    dataset: str
    log: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As one JSON object."""
        return asdict(self)


def needs_score(specs: tuple[RunSpec, ...]) -> bool:
    """Whether runs are scored: accuracy runs, and compliance tests, whose outputs are held against those."""
    return any(spec.mode == "accuracy" or spec.test is not None for spec in specs)


def refuse_unscorable(bench: Benchmark, dataset: Path, limit_s: float = LOOK_S) -> None:
    """``UserError`` for what would keep a log from being scored; takes seconds, and none for most benchmarks."""
    if not isinstance(bench, Demanding):
        return
    with tempfile.TemporaryDirectory(prefix="edgewatt-scoring-") as folder:
        patience = Patience(stall_s=limit_s, drain_s=1.0, signal_s=1.0)
        try:
            _ask(ScoringJob(bench.name, str(dataset.resolve())), Path(folder), patience)
        except Failed as error:  # its log goes with the folder
            needed = ", ".join(map(extras.distribution, bench.extra))
            raise UserError(
                f"what scores was tried out and did not come to its end ({str(error).split(';', 1)[0]}), so no run "
                f"could be scored; look at {dataset} and whether these packages work: {needed or 'numpy'}"
            ) from error


def score(bench: Benchmark, log: Path, dataset: Path) -> Accuracy:
    """The score of a whole accuracy log; what the child prints goes into ``child.log`` beside it.

    ``UserError`` and ``Failed`` with the child's own sentence, ``Failed`` when it dies.
    """
    job = ScoringJob(bench.name, str(dataset.resolve()), str(log.resolve()))
    return Accuracy(**_ask(job, log.parent, PATIENCE)["accuracy"])


def _ask(job: ScoringJob, folder: Path, patience: Patience) -> Mapping[str, Any]:
    with ChildProcess(job, folder, patience=patience, entry=ENTRY, what="scoring") as child:
        return child.wait_for("done")
