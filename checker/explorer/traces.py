"""Power over time of a result: the samples of ranging and testing with window, gaps and samples that are no reading."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from checker import metrics
from checker.metrics import Samples
from checker.result import Result
from checker.rule import Absent
from checker.run import Run
from schemas.energy import MAX_STRETCH, usual_interval_ns
from schemas.units import NS_PER_S

GAP_OVER = MAX_STRETCH
"""Usual intervals between two good stamps, above which time is missing."""


@dataclass(frozen=True, slots=True)
class Point:
    """A sample: seconds from the window's begin, watts as written (None where that is no number), the line of the
    power log, and whether it is a plain reading later than every one before."""

    at_s: float
    watts: float | None
    line: int
    good: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """One run. ``begin_unix_ns`` is the window's begin; the window lasts ``window_s``; ``gaps`` are stretches in
    seconds from there within the window. ``samples`` counts the points before some were left out."""

    phase: str
    path: str
    begin_unix_ns: int
    window_s: float
    points: tuple[Point, ...]
    gaps: tuple[tuple[float, float], ...]
    samples: int

    @property
    def decimated(self) -> bool:
        """Whether points were left out."""
        return self.samples > len(self.points)


def traces(result: Result) -> tuple[Trace, ...]:
    """Ranging and testing, as far as their logs can be read."""
    if not result.has_power:
        return ()
    runs = (("ranging", result.ranging), ("testing", result.run))
    return tuple(t for phase, run in runs if (t := _trace(phase, run)) is not None)


def _trace(phase: str, run: Run) -> Trace | None:
    try:
        found = metrics.samples(run, written=True)
    except Absent:
        return None
    if not found.all_lines:
        return None
    points = tuple(_points(found))
    window = found.window
    return Trace(
        phase,
        run.spl.path,
        int(window.begin_ns),
        window.seconds,
        points,
        gaps(points, window.seconds),
        len(points),
    )


def _points(found: Samples) -> Iterator[Point]:
    begin, latest = int(found.window.begin_ns), None
    for sample in found.all_lines:
        in_time = latest is None or sample.at > latest
        latest = int(sample.at) if in_time else latest
        watts = sample.power_w if math.isfinite(sample.power_w) and abs(sample.power_w) < 1e37 else None
        yield Point((int(sample.at) - begin) / NS_PER_S, watts, sample.line, sample.plain and in_time)


def gaps(points: Sequence[Point], window_s: float) -> tuple[tuple[float, float], ...]:
    """Stretches of the window without a good sample: above one and a half usual intervals between two."""
    stamps = [p.at_s for p in points if p.good]
    try:
        usual = usual_interval_ns([round(s * NS_PER_S) for s in stamps]) / NS_PER_S
    except ValueError:
        return ((0.0, window_s),)
    marks = [*([0.0] if not stamps or stamps[0] > 0 else []), *stamps]
    marks += [window_s] if stamps[-1] < window_s else []
    found = []
    for a, b in itertools.pairwise(marks):
        low, high = max(a, 0.0), min(b, window_s)
        if b - a > GAP_OVER * usual and high > low:
            found.append((low, high))
    return tuple(found)


def decimated(trace: Trace, most: int) -> Trace:
    """At most about ``most`` points: the lowest and the highest of each stretch, and every bad one up to a quarter of
    them, so that no peak and no loss disappears."""
    if len(trace.points) <= most:
        return trace
    bad = [p for p in trace.points if not p.good][: most // 4]
    good = [p for p in trace.points if p.good]
    size = max(1, math.ceil(2 * len(good) / max(2, most - len(bad))))
    kept = set()
    for at in range(0, len(good), size):
        some = good[at : at + size]
        kept |= {min(some, key=_watts), max(some, key=_watts)}
    kept |= {*bad, trace.points[0], trace.points[-1]}
    return replace(trace, points=tuple(sorted(kept, key=lambda p: (p.at_s, p.line))))


def _watts(point: Point) -> float:
    return point.watts or 0.0


BARS = "▁▂▃▄▅▆▇█"


def sparkline(trace: Trace, width: int) -> str:
    """The power of the whole log, idle before and after included, as ``width`` signs from 0 W to its highest; a stretch
    without good sample is blank."""
    if not trace.points:
        return ""
    first = min(p.at_s for p in trace.points)
    length = max(p.at_s for p in trace.points) - first
    sums = [0.0] * width
    counts = [0] * width
    for p in trace.points:
        if p.good and p.watts is not None:
            at = min(width - 1, int((p.at_s - first) / length * width)) if length else 0
            sums[at], counts[at] = sums[at] + p.watts, counts[at] + 1
    means = [s / n if n else None for s, n in zip(sums, counts, strict=True)]
    top = max((m for m in means if m is not None), default=0.0)
    if top <= 0:
        return ""
    return "".join(" " if m is None else BARS[min(7, int(8 * m / top))] for m in means)
