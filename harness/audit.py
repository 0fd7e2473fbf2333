"""Compliance as a whole: which tests a result needs, what they are compared with, and their verdicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from harness import scoring
from harness.accuracy_log import ACCURACY_LOG, sha256
from harness.compliance.base import Evidence
from harness.model import Baseline, Plan, RunSpec
from harness.registry import benchmark, compliance_test, compliance_tests, unknown
from harness.results import Done, Verdict
from schemas.errors import Failed, UserError
from schemas.layout import ResultPath
from schemas.loadgen import LoadgenLog, LogGarbled
from schemas.rounds import Round

DETAIL_LOG = "mlperf_log_detail.txt"
RECORD_NAME = "edgewatt.json"


def specs(round_: Round, official: str, division: str) -> tuple[RunSpec, ...]:
    """The compliance runs that a division wants; none in the open division or where the round has no tests."""
    if division == "open":
        return ()
    names = round_.benchmark(official).compliance_tests
    for name in names:
        if name not in compliance_tests():
            raise UserError(unknown("compliance test", name, compliance_tests()))
    return tuple(RunSpec(name, "performance", None, name, test=name) for name in names)


def issued(log_dir: Path) -> int:
    """How many samples a performance run issued. Offline's one query holds all of them."""
    log = LoadgenLog.read(log_dir / DETAIL_LOG)
    each = int(log.first("effective_samples_per_query") or 1)
    if log.first("effective_scenario") == "Offline":
        return each
    return each * int(log.first("result_query_count") or 0)


def find_baseline(tree: Path, work: Path, result: ResultPath, round_: Round, official: str) -> Baseline:
    """The performance and accuracy runs of a result in a tree, for compliance runs that follow later.

    ``UserError`` when one is missing, or the whole accuracy log is no longer in the work folder.
    """
    log = tree / result.performance(round_, "run_1") / DETAIL_LOG
    text = tree / result.accuracy(round_) / "accuracy.txt"
    conf = tree / result.measurements(round_) / "user.conf"
    for path, mode in ((log, "performance"), (conf, "performance"), (text, "accuracy")):
        if not path.is_file():
            raise UserError(
                f"there is no {path}, and compliance runs are compared with that result; "
                f"run with --mode {mode} first, or all of it with --mode all"
            )
    key = round_.benchmark(official).result_key(result.scenario)
    try:
        metric = None if key is None else LoadgenLog.read(log).first(key)
    except LogGarbled as error:
        raise UserError(f"{log} is not a log of LoadGen ({error}); make that result again") from error
    whole = _whole_log(text, work, result)
    return Baseline(float(metric or 0.0), issued(log.parent), whole, conf, _was_rehearsal(conf.parent))


def _was_rehearsal(folder: Path) -> bool:
    """Whether the result was made shorter than the rules want."""
    try:
        return json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))["rehearsal"] is True
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _whole_log(text: Path, work: Path, result: ResultPath) -> Path:
    lines = text.read_text(encoding="utf-8").splitlines()
    wanted = next((x.removeprefix("hash=").strip() for x in lines if x.startswith("hash=")), "")
    place = work / result.system / result.benchmark / result.scenario
    for log in sorted(place.glob(f"*/accuracy/{ACCURACY_LOG}"), reverse=True):
        if sha256(log) == wanted:
            return log
    raise UserError(
        f"the whole accuracy log of {text.parent} (sha256 {wanted[:12]}…) is not below {place}, and TEST01 "
        "compares with it; put the log back there or run with --mode all into another --output"
    )


def verify(plan: Plan, done: Done) -> Mapping[str, Verdict]:
    """Judge every compliance run that was made, in order."""
    runs = [r for r in done.results.values() if r.spec.test is not None]
    if not runs:
        return {}
    base = plan.baseline or _own_baseline(done)
    found = {}
    for run in runs:
        evidence = Evidence(
            scenario=plan.scenario,
            round=plan.round,
            official=plan.official,
            benchmark=benchmark(plan.workload.benchmark),
            dataset=plan.workload.dataset,
            reference=base.metric,
            measured=float(run.metric or 0.0),
            baseline=base.accuracy_log,
            log_dir=run.log_dir,
            scorer=scoring.score,
        )
        found[run.spec.name] = compliance_test(run.spec.name).verify(evidence)
    return found


def _own_baseline(done: Done) -> Baseline:
    assert done.user_conf is not None
    log = done.results["accuracy"].log_dir / ACCURACY_LOG
    run = done.results["performance"]
    return Baseline(float(run.metric or 0.0), issued(run.log_dir), log, done.user_conf)


def objections(verdicts: Mapping[str, Verdict], *, shortened: bool) -> list[str]:
    """What did not pass; in a shortened run the tolerance of the score is not held against it."""
    found = []
    for name, verdict in verdicts.items():
        if not verdict.performance.passed and not shortened:
            found.append(f"{name} performance ({verdict.performance.lines[-1]})")
        if not verdict.accuracy_passed and verdict.accuracy is not None:
            found.append(f"{name} accuracy ({verdict.accuracy.lines[-1]})")
    return found


def refuse(verdicts: Mapping[str, Verdict], place: Path, *, shortened: bool) -> None:
    """``Failed`` with one sentence when a test did not pass."""
    found = objections(verdicts, shortened=shortened)
    if found:
        raise Failed(f"compliance did not pass: {'; '.join(found)}; look at the verify files below {place}")
