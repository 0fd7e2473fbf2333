"""All that can be known before an hour of running. Nothing is written, nothing on the machine is changed.

Every check runs with a limit of its own: one that breaks or hangs is a line, never the end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from harness import plan, run_times
from harness.benchmarks.base import Benchmark, traits
from harness.checks.base import Line, Situation, Verdict, fail, warn
from harness.estimate import Run
from harness.fixtures.description import chosen as chosen_fixture
from harness.model import Fixture, LoadSettings, PowerRequest, Workload
from harness.registry import backend_for
from harness.scenarios import BY_NAME
from harness.workload import workload_of
from schemas.discovery import modules
from schemas.errors import UserError

SCHEMA = "edgewatt/preflight/1"
LIMIT_S = 26.0
"""All checks together; the program is to be over within 30 s, with its own start and end on a busy machine."""
ONE_LIMIT_S = 20.0
SHARED = frozenset({"base"})


@dataclass(frozen=True, slots=True)
class Request:
    """The command line of ``preflight``, checked for form only."""

    benchmark: str
    scenario: str | None
    round_name: str
    backend: str | None
    model: Path | None
    dataset: Path | None
    fixture: Path | None
    power: PowerRequest | None
    output: Path | None
    target_latency_ms: float | None
    target_qps: float | None
    threads: int
    batch: int | None
    system_type: str
    precision: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    cores: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What was found, and how long every run will take (empty: not known)."""

    situation: Situation
    lines: tuple[Line, ...]
    runs: tuple[Run, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        found = {line.verdict for line in self.lines}
        return next((v for v in (Verdict.FAIL, Verdict.WARN) if v in found), Verdict.OK)

    @property
    def total_s(self) -> float:
        """Length of all runs together."""
        return sum(run.seconds for run in self.runs)

    def to_json(self) -> dict[str, Any]:
        """The document ``edgewatt/preflight/1``."""
        about = self.situation
        estimate = None
        if self.runs:
            rows = [
                {"scenario": r.scenario, "run": r.name, "seconds": round(r.seconds, 1)} for r in self.runs
            ]
            estimate = {"runs": rows, "total_hours": round(self.total_s / 3600, 3)}
        return {
            "schema": SCHEMA,
            "benchmark": about.benchmark.name,
            "round": about.round.name,
            "scenarios": [s.name for s in about.scenarios],
            "verdict": self.verdict.value,
            "lines": [line.to_json() for line in self.lines],
            "estimate": estimate,
            "seconds": round(self.seconds, 2),
        }


def situation(request: Request) -> Situation:
    """What is to be looked at; ``UserError`` for names that nobody knows and options that contradict."""
    round_, bench, official, scenarios = plan.known(
        request.round_name, request.benchmark, request.scenario, request.system_type
    )
    backend = backend_for(bench, request.backend)
    settings = LoadSettings(target_latency_ms=request.target_latency_ms, target_qps=request.target_qps)
    for option, value, kinds in (
        ("--target-latency-ms", request.target_latency_ms, ("latency", "load")),
        ("--target-qps", request.target_qps, ("rate", "load")),
    ):
        meant = [s.name for s in scenarios if s.expects in kinds]
        if value is not None and len(meant) != 1:
            which = f"which of {', '.join(meant)} it is for" if meant else "a scenario that expects it"
            raise UserError(f"{option} needs to know {which}; name one with --scenario")
    if request.batch is not None and not any(s.batches for s in scenarios):
        able = ", ".join(row.name for row in BY_NAME.values() if row.batches)
        raise UserError(f"--batch is for {able}, and none of these is meant; leave it out")
    fixture = chosen_fixture(request.fixture, bench.name, request.model, request.dataset)
    return Situation(
        round=round_,
        benchmark=bench,
        official=official,
        scenarios=scenarios,
        workload=_workload(request, bench, backend, fixture),
        fixture=fixture,
        settings=settings,
        power=request.power,
        output=request.output,
        batch=request.batch or traits(bench).batch,
        system_type=request.system_type,
    )


def _workload(request: Request, bench: Benchmark, backend: str, fixture: Fixture | None) -> Workload | None:
    model = fixture.model if fixture else request.model
    dataset = fixture.dataset if fixture else request.dataset
    if model is None and dataset is None:
        return None
    if model is None or dataset is None:
        raise UserError("--model and --dataset belong together; give both, neither, or --fixture")
    most = request.batch or traits(bench).batch or max(row.batch for row in BY_NAME.values())
    return workload_of(request, bench, backend, model=model, dataset=dataset, batch=most)


def examine(about: Situation, limit_s: float = LIMIT_S) -> Outlook:
    """Everything that all checks find, within the limit."""
    begin = time.monotonic()
    lines: list[Line] = []
    for check in modules("harness.checks", skip=SHARED):
        left = limit_s - (time.monotonic() - begin)
        lines += one(check, about, min(left, ONE_LIMIT_S))
    return Outlook(about, tuple(lines), _lengths(about), time.monotonic() - begin)


def _lengths(about: Situation) -> tuple[Run, ...]:
    """How long the runs will take; nothing where that breaks, which the checks of model and length tell."""
    try:
        return run_times.runs(about)
    except Exception:  # noqa: BLE001 - what it needs was asked for by checks, and its error stands in their lines
        return ()


def one(check: ModuleType, about: Situation, limit_s: float) -> Sequence[Line]:
    """What one check finds. Its error, or that it did not end, is a line too."""
    subject = str(getattr(check, "SUBJECT", check.__name__.rpartition(".")[2]))
    if limit_s <= 0:
        cure = "put right what took so long, then run preflight again"
        return [warn(subject, "not looked at, the checks before it took too long", "a look", cure)]
    found: list[Line] = []
    thread = threading.Thread(target=_collect, args=(check, about, subject, found), daemon=True)
    thread.start()
    thread.join(limit_s)
    said = list(found)
    if thread.is_alive():
        cure = "look whether a disk, a network or a device that it needs hangs"
        said.append(fail(subject, f"no answer within {limit_s:.0f} s", "an answer", cure))
    return said


def _collect(check: ModuleType, about: Situation, subject: str, found: list[Line]) -> None:
    try:
        lines: Iterable[Line] = check.check(about)
        for line in lines:
            found.append(line)
    except Exception as error:  # noqa: BLE001 - a check that breaks is a line, never the end
        said = f"the check itself broke: {type(error).__name__}: {error}"
        cure = "look at this subject by hand, and report the error"
        found.append(warn(subject, said, "a look at it", cure))
