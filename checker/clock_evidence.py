"""What the files of a run tell of the clocks that wrote them.

The session files hold wall clock and monotonic clock of client and director at every phase, and the client asks the
director for its time again and again; LoadGen's log has a clock of its own beside the wall clock of the power window.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checker.session import part
from schemas.loadgen import LoadgenLog

MODES = ("ranging", "testing")


@dataclass(frozen=True, slots=True)
class Step:
    """Between two phases of a mode the wall clock went ``seconds`` further than the monotonic clock."""

    mode: str
    phase: int
    seconds: float


def steps(document: Mapping[str, Any]) -> Iterator[Step]:
    """Differences of the two clocks between neighbouring phases; none of phases of another form."""
    for mode in MODES:
        rows = part(document, "phases", mode)
        pairs = [_pair(row) for row in rows] if isinstance(rows, list) else []
        for at, (a, b) in enumerate(itertools.pairwise(pairs)):
            if a is not None and b is not None:
                yield Step(mode, at, (b[0] - a[0]) - (b[1] - a[1]))


def _pair(row: object) -> tuple[float, float] | None:
    if not isinstance(row, list) or len(row) < 2:
        return None
    wall, monotonic = row[0], row[1]
    if isinstance(wall, bool) or isinstance(monotonic, bool):
        return None
    if not isinstance(wall, int | float) or not isinstance(monotonic, int | float):
        return None
    return (float(wall), float(monotonic)) if abs(wall) < 1e15 and abs(monotonic) < 1e15 else None


def offsets(client: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Director's clock less the client's in seconds, each with half the time of the exchange as its bound."""
    rows = client.get("messages")
    return [o for row in (rows if isinstance(rows, list) else []) if (o := _offset(row)) is not None]


def _offset(row: object) -> tuple[float, float] | None:
    if part(row, "cmd") != "time":
        return None
    try:
        sent, got, said = (float(str(part(row, k))) for k in ("cmd_time", "reply_time", "reply"))
    except ValueError:
        return None
    if not all(map(math.isfinite, (sent, got, said))) or got < sent or max(sent, said) > 1e12:
        return None
    return said - (sent + got) / 2, (got - sent) / 2


def loadgen_seconds(log: LoadgenLog) -> float | None:
    """How long the measured part took by the times of LoadGen's own entries: from the queries being generated to the
    power window being written; None where the log does not tell."""
    begin, end = log.entry("generated_query_count"), log.entry("power_begin")
    if begin is None or end is None or not end.time_ms > begin.time_ms:
        return None
    seconds = (end.time_ms - begin.time_ms) / 1000
    return seconds if math.isfinite(seconds) else None
