"""One benchmark run from request to tree: the one place that puts the parts together."""

from __future__ import annotations

import contextlib
import json
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import audit, room, scoring, submission, system, unscored
from harness.accuracy_log import ACCURACY_LOG
from harness.model import Accuracy, Plan, RunRequest
from harness.observer import Observer, Unseen
from harness.plan import plan
from harness.registry import benchmark, compute_of
from harness.results import Done, PowerEvidence
from harness.runner import NoPower, Runner, Say
from schemas.errors import Failed, UserError

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
    if scoring.needs_score(planned.specs):
        scoring.refuse_unscorable(benchmark(planned.workload.benchmark), planned.workload.dataset)
    folder = _work_folder(planned)
    say(f"logs go to {folder}")
    with _around(planned, folder, observer) as around:
        done = Runner(planned, folder, around or NoPower(), say, observer).run()
        evidence = None if around is None else around.outcome()
        done.power_lost = None if around is None else around.lost
    described = system.describe(
        planned.round,
        division=request.division,
        submitter=request.submitter,
        system_name=request.system,
        framework=_framework(done),
        compute=compute_of(planned.workload.backend, planned.workload.options),
        system_type=planned.system_type,
    )
    unscored.write(folder, planned, done, evidence, described)
    return _end(planned, done, evidence, described, folder, say)


def score(folder: Path, say: Say) -> Outcome:
    """Score and write what was run before, from the work folder of those runs; ``UserError`` when it cannot be."""
    found = unscored.read(folder)
    planned = plan(found.request)
    unscored.refuse_other_model(found, planned)
    return _end(planned, found.done, found.power, found.system, folder, say)


def _end(
    planned: Plan,
    done: Done,
    evidence: PowerEvidence | None,
    described: Mapping[str, str],
    folder: Path,
    say: Say,
) -> Outcome:
    """What comes after the last run."""
    with _complete_anyway(folder, say):
        accuracy = _score(planned, done, say)
        done.verdicts = audit.verify(planned, done)
    with unscored.over(folder):
        _refuse_unplanted(planned, accuracy)
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
def _complete_anyway(folder: Path, say: Say) -> Iterator[None]:
    """Say with every error that the runs need not be made again."""
    command = shlex.join(["mlharness", "score", str(folder)])
    try:
        yield
    except KeyboardInterrupt:
        say(f"the runs are complete, only their scoring was ended; do it with: {command}")
        raise
    except (Failed, UserError) as error:
        kind = UserError if isinstance(error, UserError) else Failed
        raise kind(
            f"{error}; the runs are complete, only their scoring failed, do it again with: {command}"
        ) from error


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


def _score(planned: Plan, done: Done, say: Say) -> Accuracy | None:
    result = done.results.get("accuracy")
    if result is None:
        return None
    say("accuracy: scoring")
    log = result.log_dir / ACCURACY_LOG
    return scoring.score(benchmark(planned.workload.benchmark), log, planned.workload.dataset)


def _refuse_unplanted(planned: Plan, accuracy: Accuracy | None) -> None:
    fixture = planned.fixture
    if accuracy is None or fixture is None:
        return
    if (accuracy.value, accuracy.total) != (fixture.value, fixture.samples):
        raise Failed(
            f"the fixture has {fixture.metric} {fixture.value} over {fixture.samples} samples planted, but "
            f"{accuracy.value} over {accuracy.total} came out; "
            "the runtime computes something else, or the fixture was changed"
        )


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
