"""One benchmark run from request to tree: the one place that puts the parts together."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import audit, room, submission, system
from harness.accuracy_log import ACCURACY_LOG
from harness.model import Accuracy, Done, Plan, PowerEvidence, RunRequest
from harness.observer import Observer, Unseen
from harness.plan import plan
from harness.registry import benchmark, compute_of
from harness.runner import NoPower, Runner, Say
from schemas.errors import Failed

if TYPE_CHECKING:
    from harness.power import PowerAround


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run: what was measured and where it lies."""

    plan: Plan
    done: Done
    accuracy: Accuracy | None
    power: PowerEvidence | None
    written: submission.Written
    holes: tuple[str, ...]


def run(request: RunRequest, say: Say, observer: Observer | None = None) -> Outcome:
    """Plan, run, score, write. Logs are kept in the work folder whatever happens."""
    observer = observer or Unseen()
    planned = plan(request)
    room.refuse_full(planned)
    folder = _work_folder(planned)
    say(f"logs go to {folder}")
    with _around(planned, folder, observer) as around:
        done = Runner(planned, folder, around or NoPower(), say, observer).run()
        accuracy = _score(planned, done)
        evidence = None if around is None else around.outcome()
        done.power_lost = None if around is None else around.lost
    done.verdicts = audit.verify(planned, done)
    described = system.describe(
        planned.round,
        division=request.division,
        submitter=request.submitter,
        system_name=request.system,
        framework=_framework(done),
        compute=compute_of(planned.workload.backend, planned.workload.options),
        system_type=planned.system_type,
    )
    written = submission.write(planned, done, accuracy, evidence, described)
    _judge_compliance(planned, done, written, say)
    lost = done.power_lost
    if lost is not None:
        raise Failed(
            f"power was lost in the {lost.phase} run ({lost.reason}); the result is in {written.tree} without power "
            "and says so; make the performance run again once powerd answers"
        )
    return Outcome(planned, done, accuracy, evidence, written, system.holes(described))


@contextlib.contextmanager
def _around(planned: Plan, folder: Path, observer: Observer) -> Iterator[PowerAround | None]:
    """The power daemon where one was asked for."""
    if planned.request.power is None:
        yield None
        return
    from harness.power import connected

    with connected(planned.request.power, planned, folder, observer) as around:
        yield around


def _work_folder(planned: Plan) -> Path:
    result = planned.result
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return planned.work / result.system / result.benchmark / result.scenario / stamp


def _score(planned: Plan, done: Done) -> Accuracy | None:
    result = done.results.get("accuracy")
    if result is None:
        return None
    log = result.log_dir / ACCURACY_LOG
    accuracy = benchmark(planned.workload.benchmark).accuracy(log, planned.workload.dataset)
    fixture = planned.fixture
    if fixture is not None and (accuracy.value, accuracy.total) != (fixture.value, fixture.samples):
        raise Failed(
            f"the fixture has {fixture.metric} {fixture.value} over {fixture.samples} samples planted, but "
            f"{accuracy.value} over {accuracy.total} came out; "
            "the runtime computes something else, or the fixture was changed"
        )
    return accuracy


def _judge_compliance(planned: Plan, done: Done, written: submission.Written, say: Say) -> None:
    """``Failed`` for a test that did not pass. A shortened run may miss the tolerance of the score."""
    shortened = bool(json.loads(written.record.read_text(encoding="utf-8"))["shortened"])
    for name, verdict in done.verdicts.items():
        if not verdict.performance.passed and shortened:
            say(f"{name}: {verdict.performance.lines[-1]}; recorded, because the run was cut short")
    place = written.tree / planned.result.place(planned.round, "compliance_dir")
    audit.refuse(done.verdicts, place, shortened=shortened)


def _framework(done: Done) -> str:
    versions = next(iter(done.results.values())).versions
    return ", ".join(f"{name} {text}" for name, text in versions.items() if name not in ("python", "numpy"))
