"""The picture of a window: power over time, where the window lies, its mean, marks, gaps, ranges and over-range.

A sample is drawn as a level over the interval that it stands for. More samples than the picture has columns become the
lowest and the highest of each column, so that no peak is lost.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from powerd.added_up import added_up
from powerd.clock import Instant
from powerd.model import Quality, Reading
from schemas.scene import Box, Path, Scene, Words
from schemas.units import NS_PER_S

WIDTH, HEIGHT = 1120, 520
LEFT, RIGHT, TOP, BOTTOM = 78, 24, 84, 74
POWER, MEAN, INSIDE, EDGE = "#1f5fa8", "#b3541e", "#eef4fb", "#44617f"
GAP, OVER, RANGE, GRID, QUIET = "#f6c9c9", "#f5a623", "#7a3fb0", "#dddddd", "#777777"
_STRETCH = 1.5
_SHAPES = Sequence[Box | Path | Words]


@dataclass(frozen=True, slots=True)
class Level:
    """A sample on the axis: seconds from the window's begin, watts (None for a loss)."""

    begin_s: float
    end_s: float
    power_w: float | None
    quality: Quality
    ranges: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Axes:
    """From seconds and watts to pixels."""

    first_s: float
    last_s: float
    low_w: float
    high_w: float

    def x(self, seconds: float) -> float:
        """Column of an instant, kept within the plot."""
        share = (seconds - self.first_s) / (self.last_s - self.first_s)
        return LEFT + min(1.0, max(0.0, share)) * (WIDTH - LEFT - RIGHT)

    def y(self, watts: float) -> float:
        """Row of a power."""
        share = (watts - self.low_w) / (self.high_w - self.low_w)
        return HEIGHT - BOTTOM - min(1.0, max(0.0, share)) * (HEIGHT - TOP - BOTTOM)


def scene(window: Mapping[str, Any], samples: Iterable[tuple[Instant, Reading]]) -> Scene:
    """The picture of a closed window's document and its samples in order."""
    levels = _levels(added_up(samples), int(window["begin_unix_ns"]))
    axes = _axes(window, levels)
    shapes = [
        Box(
            axes.x(0),
            TOP,
            axes.x(window["duration_s"]) - axes.x(0),
            HEIGHT - TOP - BOTTOM,
            INSIDE,
            "the window",
        ),
        *_grid(axes),
        *_losses(window, levels, axes),
        *_mean(window, axes),
        *_power(levels, axes),
        *_upright(window, levels, axes),
        *_words(window),
        *_legend(window, levels),
    ]
    return Scene(WIDTH, HEIGHT, f"{window['name']} on {window['meter']}", shapes)


def _levels(samples: Iterable[tuple[Instant, Reading]], zero_ns: int) -> list[Level]:
    levels: list[Level] = []
    before: float | None = None
    for at, reading in samples:
        end = (at.ns - zero_ns) / NS_PER_S
        usual = reading.interval_ns / NS_PER_S
        begin = end - usual if before is None else max(before, end - _STRETCH * usual)
        values = reading.values
        good = values.quality is Quality.GOOD and values.power_w is not None
        ranges = (values.voltage_range_v, values.current_range_a)
        levels.append(Level(begin, end, values.power_w if good else None, values.quality, ranges))
        before = end
    return levels


def _axes(window: Mapping[str, Any], levels: Sequence[Level]) -> Axes:
    duration = float(window["duration_s"])
    first = min([0.0, *(level.begin_s for level in levels[:1])])
    last = max([duration, *(level.end_s for level in levels[-1:])])
    powers = [level.power_w for level in levels if level.power_w is not None] or [0.0, 1.0]
    low, high = min(powers), max(powers)
    if low < 0.7 * high:
        low = 0.0
    room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    # Above the highest power the words beside the upright lines have their place.
    return Axes(first, last, low - (room if low else 0.0), high + 2.5 * room)


def _ticks(low: float, high: float, about: int) -> list[float]:
    """Round values between the two, some ``about`` of them."""
    raw = (high - low) / about
    step = 10.0 ** math.floor(math.log10(raw))
    step *= next(m for m in (1, 2, 5, 10) if m * step >= raw)
    count = math.floor(high / step) - math.ceil(low / step)
    return [(math.ceil(low / step) + i) * step for i in range(count + 1)]


def _grid(axes: Axes) -> _SHAPES:
    shapes: list[Box | Path | Words] = []
    bottom = HEIGHT - BOTTOM
    for watts in _ticks(axes.low_w, axes.high_w, 6):
        y = axes.y(watts)
        shapes.append(Path([(LEFT, y), (WIDTH - RIGHT, y)], GRID))
        shapes.append(Words(LEFT - 8, y + 4, f"{watts:.6g}", 12, QUIET, "end"))
    for seconds in _ticks(axes.first_s, axes.last_s, 9):
        x = axes.x(seconds)
        shapes.append(Path([(x, bottom), (x, bottom + 5)], QUIET))
        shapes.append(Words(x, bottom + 19, f"{seconds:.6g}", 12, QUIET, "middle"))
    shapes.append(Path([(LEFT, bottom), (WIDTH - RIGHT, bottom)], QUIET))
    shapes.append(Words(LEFT - 8, TOP - 12, "W", 12, QUIET, "end"))
    shapes.append(
        Words(
            (LEFT + WIDTH - RIGHT) / 2,
            bottom + 36,
            "seconds since the begin of the window",
            12,
            QUIET,
            "middle",
        )
    )
    return shapes


def _losses(window: Mapping[str, Any], levels: Sequence[Level], axes: Axes) -> _SHAPES:
    """Stretches that no good sample stands for, over-range in a colour of its own."""
    height = HEIGHT - TOP - BOTTOM
    at = min(0.0, axes.first_s)
    shapes = []
    for level in [*levels, None]:
        begin = window["duration_s"] if level is None else level.begin_s
        if begin > at + 1e-6:
            shapes.append(_band(axes, at, begin, height, GAP, "no sample"))
        if level is None:
            break
        if level.power_w is None:
            colour = OVER if level.quality is Quality.OVERRANGE else GAP
            shapes.append(_band(axes, level.begin_s, level.end_s, height, colour, level.quality.value))
        at = level.end_s
    return shapes


def _band(axes: Axes, begin: float, end: float, height: float, colour: str, note: str) -> Box:
    return Box(axes.x(begin), TOP, max(1.0, axes.x(end) - axes.x(begin)), height, colour, note)


def _power(levels: Sequence[Level], axes: Axes) -> _SHAPES:
    runs = [
        list(group)
        for good, group in itertools.groupby(levels, lambda level: level.power_w is not None)
        if good
    ]
    return [Path(points, POWER, 1.6) for run in runs for points in _steps(run, axes)]


def _steps(run: Sequence[Level], axes: Axes) -> list[list[tuple[float, float]]]:
    """Levels joined by upright lines, broken where time is missing between two."""
    pieces: list[list[tuple[float, float]]] = []
    before: float | None = None
    for level in run:
        if before is None or level.begin_s > before + 1e-6:
            pieces.append([])
        y = axes.y(level.power_w or 0.0)
        pieces[-1] += [(axes.x(level.begin_s), y), (axes.x(level.end_s), y)]
        before = level.end_s
    return [_thinned(piece) for piece in pieces]


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most the first, lowest, highest and last point of each column."""
    if len(points) < 4 * WIDTH:
        return points
    thin: list[tuple[float, float]] = []
    for _, group in itertools.groupby(points, lambda p: int(p[0])):
        column = list(group)
        thin += [column[0], min(column, key=lambda p: p[1]), max(column, key=lambda p: p[1]), column[-1]]
    return thin


def _mean(window: Mapping[str, Any], axes: Axes) -> _SHAPES:
    average = window["average_w"]
    if average is None:
        return []
    y = axes.y(average)
    return [Path([(axes.x(0), y), (axes.x(window["duration_s"]), y)], MEAN, 1.4, dashed=True)]


def _upright(window: Mapping[str, Any], levels: Sequence[Level], axes: Axes) -> _SHAPES:
    """The window's ends, its marks and every change of range, as upright lines with words."""
    zero = int(window["begin_unix_ns"])
    rows = [(0.0, "begin", EDGE, False), (float(window["duration_s"]), "end", EDGE, False)]
    rows += [
        ((int(m["unix_ns"]) - zero) / NS_PER_S, str(m["text"])[:30], QUIET, True) for m in window["marks"]
    ]
    rows += [(at, text, RANGE, True) for at, text in range_changes(levels)]
    shapes: list[Box | Path | Words] = []
    for place, (at, text, colour, dashed) in enumerate(sorted(rows)):
        if axes.first_s <= at <= axes.last_s:
            x = axes.x(at)
            right = x > WIDTH - RIGHT - 110
            shapes.append(Path([(x, TOP), (x, HEIGHT - BOTTOM)], colour, 1.2, dashed))
            y = TOP + 14 + 15 * (place % 3)
            shapes.append(Words(x + (-4 if right else 4), y, text, 11, colour, "end" if right else "start"))
    return shapes


def range_changes(levels: Sequence[Level]) -> list[tuple[float, str]]:
    """Where the ranges became others: seconds, and what they are from there on."""
    known = [level for level in levels if None not in level.ranges]
    return [
        (b.begin_s, f"{b.ranges[0]:g} V, {b.ranges[1]:g} A")
        for a, b in itertools.pairwise(known)
        if a.ranges != b.ranges
    ]


def _words(window: Mapping[str, Any]) -> _SHAPES:
    mark = "   SIMULATED" if window["simulated"] else ""
    info = window.get("meter_info") or {}
    who = " ".join(str(info[k]) for k in ("maker", "model", "serial") if info.get(k))
    title = f"{str(window['name'])[:70]}{mark}"
    if window["energy_j"] is None:
        facts = f"energy not known over {window['duration_s']:.3f} s, quality {window['quality']}"
    else:
        facts = (
            f"{window['energy_j']:.6g} ± {_short(window['energy_u95_j'])} J (95 %) in {window['duration_s']:.3f} s, "
            f"average {window['average_w']:.5g} ± {_short(window['average_u95_w'])} W, "
            f"coverage {100 * window['coverage']:.2f} %, quality {window['quality']}"
        )
    place = f"{window['meter']}: {who}"[:70]
    return [
        Words(LEFT, 26, title, 17, "#111111", bold=True),
        Words(LEFT, 48, facts, 13),
        Words(WIDTH - RIGHT, 26, place, 12, QUIET, "end"),
        Words(WIDTH - RIGHT, HEIGHT - 10, f"from {window['begin']} to {window['end']}", 11, QUIET, "end"),
    ]


def _short(value: float) -> str:
    """Two figures, without an exponent for what people measure."""
    return f"{float(f'{value:.2g}'):g}"


def _legend(window: Mapping[str, Any], levels: Sequence[Level]) -> _SHAPES:
    """Only what is in the picture."""
    lost = {level.quality for level in levels if level.power_w is None}
    rows = [("power", POWER), ("average in the window", MEAN)]
    if lost - {Quality.OVERRANGE} or window["coverage"] < 1:
        rows.append(("no good sample", GAP))
    if Quality.OVERRANGE in lost:
        rows.append(("over range", OVER))
    if range_changes(levels):
        rows.append(("change of range", RANGE))
    shapes: list[Box | Path | Words] = []
    x = float(LEFT)
    for text, colour in rows:
        shapes.append(Box(x, HEIGHT - 20, 14, 9, colour))
        shapes.append(Words(x + 19, HEIGHT - 11, text, 11, QUIET))
        x += 34 + 6.2 * len(text)
    return shapes
