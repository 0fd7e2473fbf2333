"""The two detail logs of a result, as a checker that loads them first needs them (from v6.0 on)."""

from __future__ import annotations

from collections.abc import Iterator

from checker.files import Source
from checker.model import Problem, Severity
from checker.result import Result
from checker.rule import rule
from checker.rules.compliance import WITH_PERFORMANCE
from schemas.loadgen import LoadgenLog


@rule(
    "structure/detail-logs",
    title="Both detail logs of a result are there",
    fix="Add the log, or take the scenario directory out of the tree.",
    good="performance/run_1/mlperf_log_detail.txt and accuracy/mlperf_log_detail.txt",
    bad="no accuracy/mlperf_log_detail.txt",
    since="v6.0",
)
def detail_logs(result: Result) -> Iterator[Problem]:
    """Performance and accuracy are judged from LoadGen's detail logs. The official checker loads all of them before
    it judges anything; a directory that lacks both it takes for an endpoint run, whose settings it does not find."""
    for source in (result.performance_log, result.accuracy_log):
        if not source.present:
            yield Problem("the detail log is missing", source.path, "nothing", "mlperf_log_detail.txt")


@rule(
    "structure/log-start",
    severity=Severity.WARNING,
    title="A detail log begins with an entry",
    fix="Use the log as LoadGen wrote it.",
    good="a first line that begins with :::MLLOG",
    bad="a first line of another program",
    since="v6.0",
)
def log_start(result: Result) -> Iterator[Problem]:
    """LoadGen writes nothing before its first entry. A log that begins otherwise was written to by another program,
    and the official checker ends with a traceback on it."""
    logs = [result.performance_log, result.accuracy_log]
    if result.strict and result.benchmark.rules is not None:
        logs += [run.log for test, run in result.compliance_runs.items() if test in WITH_PERFORMANCE]
    for source in logs:
        if source.usable and not _starts_marked(result, source):
            markers = " or ".join(result.round.log_markers)
            yield Problem("the first line is no entry", source.path, "another line", markers, line=1)


def _starts_marked(result: Result, source: Source[LoadgenLog]) -> bool:
    entries = source.value.entries
    return bool(entries) and entries[0].line == 1
