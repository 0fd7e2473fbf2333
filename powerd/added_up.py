"""One power over time out of samples: channels of an update added up, several meters on the stamps of the slowest."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from statistics import median_low

from powerd.clock import Instant
from powerd.model import Quality, Reading
from schemas.combine import Line, joined, summed
from schemas.energy import EnergySample


def added_up(samples: Iterable[tuple[Instant, Reading]]) -> Iterator[tuple[Instant, Reading]]:
    """Samples in order, each with the end of its interval in UTC, as those of one instrument (``schemas.combine``)."""
    updates: dict[str, list[tuple[Instant, Reading]]] = {}
    for (meter, _), group in itertools.groupby(samples, key=lambda s: (s[1].meter, s[1].sequence)):
        rows = list(group)
        updates.setdefault(meter, []).append((rows[0][0], summed([reading for _, reading in rows])))
    if len(updates) == 1:
        yield from next(iter(updates.values()))
    elif updates:
        readings, placed = joined([_line(rows) for rows in updates.values()])
        for reading, sample in zip(readings, placed, strict=True):
            yield Instant(sample.end_ns, 0), reading


def _line(rows: Sequence[tuple[Instant, Reading]]) -> Line:
    samples = [
        EnergySample(at.ns, r.values.power_w or 0.0, r.values.quality is Quality.GOOD) for at, r in rows
    ]
    return Line([r for _, r in rows], samples, median_low([r.interval_ns for _, r in rows]))
