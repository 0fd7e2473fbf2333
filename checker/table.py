"""The table of results for a terminal: one row for each, with its numbers and both verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checker.console import safe, say
from checker.model import ResultReport

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment
    from rich.table import Table

NARROW = 110
"""Up to this width the names stand on a line of their own, above the scenarios of the benchmark."""
COLUMNS = (
    "result",
    "metric",
    "accuracy",
    "power",
    "per joule",
    "power over time",
    "coverage",
    "verdict",
    "official",
)
OPTIONAL = ("power", "per joule", "power over time", "coverage")
"""Columns that are left out where nothing stands in them."""
UNITS = {"Latency (ms)": "ms"}
"""Units of the official summary that a table says more shortly."""
Row = tuple[str, ...]
Columns = tuple[dict[int, int], int]
"""Widths by number of the column, and the gap between them."""


More = Mapping[str, tuple[str, str]]
"""By path of a result: what a joule gives, and its power over time as a line of signs."""


def write_table(console: Console, results: Iterable[ResultReport], more: More | None = None) -> None:
    """One row per result, in their order; ``more`` is shown where there is room."""
    found = list(results)
    known = more or {}
    heads = [_head(result) for result in found]
    cells = [_cells(r, known.get(r.path, ("", ""))) for r in found]
    rows = [(f"{head}/{own[0]}", *own[1:]) for head, own in zip(heads, cells, strict=True)]
    narrow = console.width <= NARROW or (known != {} and _room(rows, 2) > console.width)
    if narrow:
        rows = [(f"  {own[0]}", *own[1:]) for own in cells]
    columns = _columns(rows, console.width, gap=1 if narrow else 2)
    if not narrow:
        _print(console, columns, rows, header=True)
        return
    _print(console, columns, [], header=True)
    by_head: dict[str, list[Row]] = {}
    for head, row in zip(heads, rows, strict=True):
        by_head.setdefault(head, []).append(row)
    for head, own in by_head.items():
        say(console, head, style="bold")
        _print(console, columns, own, header=False)


SHRINKING = {"accuracy": 10, "metric": 9, "result": 14, "power": 8}
"""Columns that give way where there is little room, in this order, and how narrow they may become."""


def _columns(rows: Sequence[Row], room: int, gap: int) -> Columns:
    """The columns that say something, each with its width: as wide as its longest text, if there is room."""
    widths = _widths(rows)
    over = _room(rows, gap) - room
    for name, least in SHRINKING.items():
        at = COLUMNS.index(name)
        if over > 0 and at in widths:
            given = max(0, min(over, widths[at] - least))
            widths[at], over = widths[at] - given, over - given
    return widths, gap


def _widths(rows: Sequence[Row]) -> dict[int, int]:
    """The columns that say something, as wide as their longest text."""
    return {
        at: max(len(name), *(len(row[at]) for row in rows), 0)
        for at, name in enumerate(COLUMNS)
        if name not in OPTIONAL or any(row[at] != "-" for row in rows)
    }


def _room(rows: Sequence[Row], gap: int) -> int:
    """Width of the whole table where nothing gives way."""
    widths = _widths(rows)
    return sum(widths.values()) + gap * (len(widths) - 1)


def _print(console: Console, columns: Columns, rows: Sequence[Row], *, header: bool) -> None:
    """The rows, as rich would draw them; where every cell fits its column, far faster."""
    widths, _ = columns
    if not all(row[at].isascii() and len(row[at]) <= width for row in rows for at, width in widths.items()):
        console.print(_table(columns, rows, header=header))
        return
    if header:
        console.print(_table(columns, [], header=True))
    if rows:
        console.print(_Lines(columns, rows), crop=False)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Rows of which every cell fits its column, each with its line end."""

    columns: Columns
    rows: Sequence[Row]

    def __rich_console__(self, console: Console, _options: ConsoleOptions) -> Iterator[Segment]:
        from rich.segment import Segment

        widths, gap = self.columns
        last = max(widths)
        styles = {name: console.get_style(name) for name in STYLES}
        plain: list[str] = []
        for row in self.rows:
            for at, width in widths.items():
                style = _style(at, row[at])
                plain.append(row[at].ljust(width) if not style else "")
                if style:
                    yield Segment("".join(plain))
                    yield Segment(row[at].ljust(width), styles[style])
                    plain.clear()
                plain.append(" " * gap if at != last else "\n")
        yield Segment("".join(plain))


def _table(columns: Columns, rows: Sequence[Row], *, header: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    widths, gap = columns
    table = Table(box=None, pad_edge=False, show_edge=False, show_header=header, padding=(0, gap, 0, 0))
    for at, width in widths.items():
        table.add_column(COLUMNS[at], overflow="fold", width=width)
    for row in rows:
        table.add_row(*(Text(row[at], _style(at, row[at])) for at in widths))
    return table


def _cells(result: ResultReport, more: tuple[str, str]) -> Row:
    metric, power = result.metric, result.power
    return (
        safe(result.scenario),
        f"{number(metric.value)} {safe(UNITS.get(metric.unit, metric.unit))}" if metric else "-",
        " ".join(f"{safe(a.name)} {number(a.value)}" for a in result.accuracy) or "-",
        f"{number(power.metric.value)} {power.metric.unit}" if power else "-",
        *(text or "-" for text in more),
        f"{power.coverage:.4f}" if power else "-",
        "valid" if result.valid else "invalid",
        "valid" if result.reference_valid else "invalid",
    )


STYLES = ("green", "red")


def _style(column: int, text: str) -> str:
    if COLUMNS[column] != "verdict":
        return ""
    return STYLES[text != "valid"]


def _head(result: ResultReport) -> str:
    """Submitter, system and benchmark."""
    return safe("/".join(result.place.names[1:4]))


def number(value: float) -> str:
    """A figure with at most six significant digits."""
    return f"{value:.6g}"
