"""How long the runs of a result took, told from their detail logs: for the hours that runs made again will need."""

from __future__ import annotations

from collections.abc import Iterator

from checker.files import Source
from checker.result import Result
from checker.rule import Absent
from schemas.loadgen import LoadgenLog

LONGEST_S = 30 * 24 * 3600.0
"""A time stamp beyond a month is no duration."""


def durations(result: Result) -> dict[str, float]:
    """Seconds by name of the run; a run whose log tells nothing is left out."""
    found = {name: _seconds(log) for name, log in _logs(result)}
    return {name: seconds for name, seconds in found.items() if 0 < seconds <= LONGEST_S}


def _logs(result: Result) -> Iterator[tuple[str, Source[LoadgenLog]]]:
    yield "performance", result.performance_log
    if result.has_power:
        yield "ranging", result.ranging_log
    yield "accuracy", result.accuracy_log
    try:
        runs = result.compliance_runs if result.strict else {}
    except Absent:
        return
    yield from ((test, run.log) for test, run in runs.items())


def _seconds(log: Source[LoadgenLog]) -> float:
    """Time of the last entry since LoadGen began, loading of samples included."""
    if not log.usable:
        return 0.0
    return max((e.time_ms for e in log.value.entries), default=0.0) / 1000
