"""How long the runs of a result took, told from the last entries of their detail logs: for the hours that runs made
again will need. Of a log that cannot be used only the last bytes are read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from checker.files import Source
from checker.reading import read_end
from checker.result import Result
from checker.rule import Absent
from schemas.loadgen import MARKER, LoadgenLog

LONGEST_S = 30 * 24 * 3600.0
"""A time stamp beyond a month is no duration."""
END = 8192
"""Bytes at the end of a log in which its last entry stands."""


def durations(result: Result) -> dict[str, float]:
    """Seconds by name of the run; a run whose log tells nothing is left out."""
    found = {name: _seconds(result, log) for name, log in _logs(result)}
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


def _seconds(result: Result, log: Source[LoadgenLog]) -> float:
    """Time of the last entry since LoadGen began, loading of samples included; 0 when nothing tells."""
    if not log.present:
        return 0.0
    if log.usable:
        entries = log.value.entries
        last_ms = entries[-1].time_ms if entries else 0.0
        return last_ms / 1000 if math.isfinite(last_ms) else 0.0
    try:
        return _last_time_ms(read_end(result.tree.root / log.path, END)) / 1000
    except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return 0.0


def _last_time_ms(end: bytes) -> float:
    lines = [line for line in end.split(b"\n") if line.startswith(MARKER.encode())]
    time_ms = float(json.loads(lines[-1][len(MARKER) :])["time_ms"]) if lines else 0.0
    return time_ms if math.isfinite(time_ms) else 0.0
