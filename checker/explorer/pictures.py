"""Power over time of a result as a picture for papers and reviews: what the page shows, as SVG or PNG."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from checker.explorer.book import Book
from checker.explorer.rows import Row, accuracy_text
from checker.explorer.traces import Point, Trace, decimated
from schemas.errors import UserError
from schemas.scene import Box, Scene, Words, png, svg
from schemas.scene import Path as Line

WIDTH, HEIGHT = 1120, 520
LEFT, RIGHT, TOP, BOTTOM = 78, 24, 84, 74
POWER, RANGING, MEAN, INSIDE, EDGE = "#1f5fa8", "#a8b3bd", "#b3541e", "#eef4fb", "#44617f"
DOUBT = "#f0d9c8"
GAP, BAD, GRID, QUIET = "#f6c9c9", "#c62828", "#dddddd", "#666666"
Shape = Box | Line | Words
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def need_pillow() -> None:
    """UserError when there is nothing to make a PNG with."""
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise UserError(
            "a PNG needs the package Pillow: pip install 'edgewatt[export]'; --svg needs nothing"
        ) from None


def write_all(book: Book, folder: Path, form: Literal["png", "svg"] | str) -> Iterator[Path]:
    """One file for each result with power, named after its place; raises OSError."""
    taken: set[str] = set()
    for volume in book:
        for row in volume.rows:
            found = volume.traces.get(row.path)
            if not found:
                continue
            path = folder / f"{_name(volume.name, row, taken)}.{form}"
            drawn = scene(row, found)
            path.write_bytes(png(drawn) if form == "png" else svg(drawn).encode("utf-8"))
            yield path


def _name(tree: str, row: Row, taken: set[str]) -> str:
    """A file name of plain signs, of its own also where other signs were replaced."""
    plain = _UNSAFE.sub("_", "-".join((tree, *row.place))).strip(".")[:180]
    name = next(
        n for n in itertools.chain((plain,), (f"{plain}-{i}" for i in itertools.count(2))) if n not in taken
    )
    taken.add(name)
    return name


def scene(row: Row, traces: Sequence[Trace]) -> Scene:
    """The picture of one result: testing with its window, gaps and bad samples, ranging behind it."""
    testing = next((t for t in traces if t.phase == "testing"), traces[-1])
    others = [t for t in traces if t is not testing]
    axes = _Axes([testing, *others])
    shapes: list[Shape] = [_band(axes, 0.0, testing.window_s, INSIDE, "window of LoadGen")]
    shapes += _grid(axes)
    shapes += [_band(axes, a, b, GAP, "no good sample") for a, b in testing.gaps]
    for trace, colour, width in (*((t, RANGING, 1.0) for t in others), (testing, POWER, 1.6)):
        shapes += [Line(points, colour, width) for points in _lines(axes, decimated(trace, 2 * WIDTH))]
    shapes += [_mark(axes, p) for p in testing.points if not p.good]
    if row.average_watts is not None:
        if row.average_u95_w is not None:
            shapes.append(_doubt(axes, testing.window_s, row.average_watts, row.average_u95_w))
        y = axes.y(row.average_watts)
        shapes.append(Line([(axes.x(0), y), (axes.x(testing.window_s), y)], MEAN, 1.4, dashed=True))
    for at, word in ((0.0, "power_begin"), (testing.window_s, "power_end")):
        x, right = axes.x(at), at > 0
        shapes.append(Line([(x, TOP), (x, HEIGHT - BOTTOM)], EDGE, 1.2))
        shapes.append(Words(x + (-4 if right else 4), TOP + 14, word, 11, EDGE, "end" if right else "start"))
    shapes += [*_words(row, testing), *_legend(testing, bool(others), row.average_watts is not None)]
    return Scene(WIDTH, HEIGHT, f"{row.model} {row.scenario} on {row.system_name}", shapes)


class _Axes:
    """From seconds and watts to pixels."""

    def __init__(self, traces: Sequence[Trace]) -> None:
        points = [p for t in traces for p in t.points]
        powers = [p.watts for p in points if p.good and p.watts is not None] or [0.0, 1.0]
        self.first_s = min(0.0, *(p.at_s for p in points))
        self.last_s = max(traces[0].window_s, *(p.at_s for p in points))
        low, high = min(powers), max(powers)
        low = 0.0 if low < 0.7 * high else low
        room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
        self.low_w, self.high_w = low - (room if low else 0.0), high + 2.5 * room

    def x(self, seconds: float) -> float:
        """Column of an instant, within the plot."""
        share = (seconds - self.first_s) / (self.last_s - self.first_s)
        return LEFT + min(1.0, max(0.0, share)) * (WIDTH - LEFT - RIGHT)

    def y(self, watts: float) -> float:
        """Row of a power, within the plot."""
        share = (watts - self.low_w) / (self.high_w - self.low_w)
        return HEIGHT - BOTTOM - min(1.0, max(0.0, share)) * (HEIGHT - TOP - BOTTOM)


def _band(axes: _Axes, begin: float, end: float, colour: str, note: str) -> Box:
    left = axes.x(begin)
    return Box(left, TOP, max(1.0, axes.x(end) - left), HEIGHT - TOP - BOTTOM, colour, note)


def _doubt(axes: _Axes, window_s: float, watts: float, u95_w: float) -> Box:
    """What the average may be with 95 % probability."""
    left, top = axes.x(0), axes.y(watts + u95_w)
    height = max(1.0, axes.y(watts - u95_w) - top)
    return Box(left, top, axes.x(window_s) - left, height, DOUBT, f"average ± {u95_w:.2g} W (95 %)")


def _mark(axes: _Axes, point: Point) -> Box:
    watts = point.watts if point.watts is not None else axes.low_w
    note = f"line {point.line}: no reading"
    return Box(axes.x(point.at_s) - 2.5, axes.y(watts) - 2.5, 5, 5, BAD, note)


def _lines(axes: _Axes, trace: Trace) -> Iterator[list[tuple[float, float]]]:
    """A level from stamp to stamp, broken at gaps and bad samples."""
    ends = {b for _, b in trace.gaps}
    piece: list[tuple[float, float]] = []
    for before, point in itertools.pairwise((None, *trace.points)):
        if point is None or not point.good or point.watts is None or point.at_s in ends:
            yield from [piece] if len(piece) > 1 else []
            piece = []
        if point is not None and point.good and point.watts is not None:
            y = axes.y(point.watts)
            if piece and before is not None:
                piece.append((axes.x(before.at_s), y))
            piece.append((axes.x(point.at_s), y))
    yield from [piece] if len(piece) > 1 else []


def _ticks(low: float, high: float, about: int) -> list[float]:
    raw = (high - low) / about
    step = 10.0 ** math.floor(math.log10(raw))
    step *= next(m for m in (1, 2, 5, 10) if m * step >= raw * 0.999999)
    first = math.ceil(low / step)
    return [(first + i) * step for i in range(math.floor(high / step) - first + 1)]


def _grid(axes: _Axes) -> list[Shape]:
    shapes: list[Shape] = []
    bottom, middle = HEIGHT - BOTTOM, (LEFT + WIDTH - RIGHT) / 2
    for watts in _ticks(axes.low_w, axes.high_w, 6):
        shapes.append(Line([(LEFT, axes.y(watts)), (WIDTH - RIGHT, axes.y(watts))], GRID))
        shapes.append(Words(LEFT - 8, axes.y(watts) + 4, f"{watts:.6g}", 12, QUIET, "end"))
    for seconds in _ticks(axes.first_s, axes.last_s, 9):
        shapes.append(Line([(axes.x(seconds), bottom), (axes.x(seconds), bottom + 5)], QUIET))
        shapes.append(Words(axes.x(seconds), bottom + 19, f"{seconds:.6g}", 12, QUIET, "middle"))
    shapes.append(Line([(LEFT, bottom), (WIDTH - RIGHT, bottom)], QUIET))
    shapes.append(Words(LEFT - 8, TOP - 12, "W", 12, QUIET, "end"))
    shapes.append(Words(middle, bottom + 36, "seconds since the window's begin", 12, QUIET, "middle"))
    return shapes


def _words(row: Row, testing: Trace) -> list[Shape]:
    title = f"{row.model} {row.scenario}: {row.system_name}"[:96]
    facts = [] if row.value is None else [f"{row.value:.6g} {row.unit}"]
    if row.power_value is not None:
        facts.append(f"{row.power_name.replace('_', ' ')} {row.power_value:.6g} {row.power_unit}")
    if row.average_watts is not None and row.average_u95_w is not None:
        facts.append(f"average {row.average_watts:.5g} ± {row.average_u95_w:.2g} W (95 %)")
    facts += [f"coverage {row.coverage:.2%}"] if row.coverage is not None else []
    facts += [text] if (text := accuracy_text(row.accuracy)) else []
    side = f"{row.round}, {row.submitter}, {row.division}, {'valid' if row.valid else 'INVALID'}"[:80]
    on = f" on {row.ranges[0]:g} V, {row.ranges[1]:g} A" if row.ranges is not None else ""
    meter = f"{testing.samples} samples, {row.meter[:60]}{on}"
    return [
        Words(LEFT, 26, title, 17, "#111111", bold=True),
        Words(LEFT, 48, ", ".join(facts)[:150], 13),
        Words(LEFT, 66, side, 12, QUIET),
        Words(WIDTH - RIGHT, HEIGHT - 10, meter, 11, QUIET, "end"),
    ]


def _legend(testing: Trace, ranging: bool, mean: bool) -> list[Shape]:
    """Only what is in the picture."""
    rows = [("testing", POWER)]
    rows += [("ranging", RANGING)] if ranging else []
    rows += [("average in the window", MEAN)] if mean else []
    rows += [("no good sample", GAP)] if testing.gaps else []
    rows += [("no reading", BAD)] if any(not p.good for p in testing.points) else []
    shapes: list[Shape] = []
    x = float(LEFT)
    for text, colour in rows:
        shapes += [Box(x, HEIGHT - 20, 14, 9, colour), Words(x + 19, HEIGHT - 11, text, 11, QUIET)]
        x += 34 + 6.2 * len(text)
    return shapes
