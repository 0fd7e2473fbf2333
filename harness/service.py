"""One benchmark run from request to tree: the one place that puts the parts together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from harness import submission, system
from harness.model import Accuracy, Plan, PowerEvidence, RunRequest
from harness.plan import plan
from harness.registry import benchmark
from harness.runner import Around, Done, NoPower, Runner, Say
from schemas.errors import Failed


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run: what was measured and where it lies."""

    plan: Plan
    done: Done
    accuracy: Accuracy | None
    power: PowerEvidence | None
    written: submission.Written
    holes: tuple[str, ...]


def run(request: RunRequest, say: Say) -> Outcome:
    """Plan, run, score, write. Logs are kept in the work folder whatever happens."""
    planned = plan(request)
    folder = _work_folder(planned)
    say(f"logs go to {folder}")
    around: Around = NoPower()
    runner = Runner(planned, folder, around, say)
    done = runner.run()
    accuracy = _score(planned, done)
    evidence = None
    described = system.describe(
        planned.round,
        division=request.division,
        submitter=request.submitter,
        system_name=request.system,
        framework=_framework(done),
    )
    written = submission.write(planned, done, accuracy, evidence, described)
    return Outcome(planned, done, accuracy, evidence, written, system.holes(described))


def _work_folder(planned: Plan) -> Path:
    result = planned.result
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return planned.work / result.system / result.benchmark / result.scenario / stamp


def _score(planned: Plan, done: Done) -> Accuracy | None:
    result = done.results.get("accuracy")
    if result is None:
        return None
    log = result.log_dir / submission.ACCURACY_LOG
    accuracy = benchmark(planned.workload.benchmark).accuracy(log, planned.workload.dataset)
    fixture = planned.fixture
    if fixture is not None and (accuracy.good, accuracy.total) != (fixture.good, fixture.images):
        raise Failed(
            f"the fixture has {fixture.good} right answers of {fixture.images} planted, but {accuracy.good} of "
            f"{accuracy.total} came out; the runtime computes something else, or the fixture was changed"
        )
    return accuracy


def _framework(done: Done) -> str:
    versions = next(iter(done.results.values())).versions
    return ", ".join(f"{name} {text}" for name, text in versions.items() if name not in ("python", "numpy"))
