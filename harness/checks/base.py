"""What is looked at before a run, and how what was found is said.

A subject is a file in this folder with ``check(situation)``, which yields lines.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from harness import given
from harness.benchmarks.base import Benchmark
from harness.checkpoints import Weights, counted
from harness.machine import Machine, available_memory
from harness.model import Fixture, LoadSettings, PowerRequest, Workload
from harness.probe import Probe, probe
from harness.scenarios import Scenario
from harness.system_types import DEFAULT
from schemas.errors import UserError
from schemas.rounds import Round


class Verdict(StrEnum):
    """``ok``; ``warn``: a run will do, but not as well as it could; ``fail``: a run would be spoilt."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Line:
    """One subject: what was found, what was wanted, and what to do where they differ."""

    subject: str
    verdict: Verdict
    found: str
    wanted: str = ""
    cure: str = ""

    def to_json(self) -> dict[str, str]:
        """As it stands in ``edgewatt/preflight/1``."""
        return asdict(self)


def ok(subject: str, found: str, wanted: str = "") -> Line:
    """Nothing to do."""
    return Line(subject, Verdict.OK, found, wanted)


def warn(subject: str, found: str, wanted: str, cure: str) -> Line:
    """A run will do, but not as well as it could."""
    return Line(subject, Verdict.WARN, found, wanted, cure)


def fail(subject: str, found: str, wanted: str, cure: str) -> Line:
    """A run would be spoilt."""
    return Line(subject, Verdict.FAIL, found, wanted, cure)


def told(subject: str, sentence: str, wanted: str, cure: str) -> Line:
    """A failure from a sentence of ours: what follows its last semicolon is what to do, else ``cure`` is."""
    found, mark, advice = sentence.rpartition("; ")
    return fail(subject, found, wanted, advice) if mark else fail(subject, sentence, wanted, cure)


@dataclass(frozen=True)
class Situation:
    """What will be run, where, and on which machine.

    ``settings`` are the expectations that the user gives; ``batch`` is the bound of samples per call, where one
    is given; ``free_bytes`` is what may still be written at
    ``output`` (None: what the file system says).
    """

    round: Round
    benchmark: Benchmark
    official: str
    scenarios: tuple[Scenario, ...]
    workload: Workload | None = None
    fixture: Fixture | None = None
    settings: LoadSettings = field(default_factory=LoadSettings)
    power: PowerRequest | None = None
    output: Path | None = None
    batch: int | None = None
    system_type: str = DEFAULT
    machine: Machine = field(default_factory=Machine)
    free_bytes: int | None = None

    @cached_property
    def broken(self) -> str | None:
        """Why the model is not even worth opening, as a sentence; None when it is."""
        assert self.workload is not None
        try:
            given.refuse_model(self.benchmark, self.workload.model)
        except UserError as error:
            return str(error)
        return None

    @cached_property
    def weights(self) -> Weights | None:
        """What the headers of a checkpoint in safetensors say, which takes no time; None for any other model."""
        if self.workload is None or self.broken is not None or not self.workload.model.is_dir():
            return None
        return counted(self.workload.model)

    @property
    def weights_bytes(self) -> int | None:
        """What they take in memory; None when that is not told, and for a runtime without precisions (on a server)."""
        work = self.workload
        if self.weights is None or work is None or work.precision is None:
            return None
        return self.weights.opened(work.precision)

    @cached_property
    def probe(self) -> Probe | None:
        """The model opened and measured once, in a child process; None without a model that is there."""
        if self.workload is None or self.broken is not None:
            return None
        room = available_memory(self.machine)
        if room is not None and room < (self.weights_bytes or 0):
            said = f"not opened, its weights take {(self.weights_bytes or 0) / 2**30:.1f} GiB"
            return Probe(fault=said, too_large=True)
        sizes = sorted({size for s in self.scenarios for size in s.sizes(self.batch)})
        return probe(self.workload, sizes, self.machine)
