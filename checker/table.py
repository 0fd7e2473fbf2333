"""The table of results for a terminal: one row for each, with its numbers and both verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from checker.console import safe
from checker.model import ResultReport

if TYPE_CHECKING:
    from rich.console import Console

NARROW = 110
"""Up to this width the table breaks the names of results in three."""
COLUMNS = ("result", "metric", "accuracy", "power", "coverage", "verdict", "official")


def write_table(console: Console, results: Iterable[ResultReport]) -> None:
    """One row per result: its numbers and both verdicts. A column that says nothing at all is left out."""
    from rich.table import Table
    from rich.text import Text

    rows = [_cells(result, console.width) for result in results]
    kept = [at for at, _ in enumerate(COLUMNS) if at < 2 or any(row[at] != "-" for row in rows)]
    table = Table(box=None, pad_edge=False, show_edge=False)
    for at in kept:
        table.add_column(COLUMNS[at], overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[at], _style(at, row[at])) for at in kept))
    console.print(table)


def _cells(result: ResultReport, width: int) -> tuple[str, ...]:
    metric, power = result.metric, result.power
    return (
        _name(result, width),
        f"{number(metric.value)} {safe(metric.unit)}" if metric else "-",
        " ".join(f"{safe(a.name)} {number(a.value)}" for a in result.accuracy) or "-",
        f"{number(power.metric.value)} {power.metric.unit}" if power else "-",
        f"{power.coverage:.4f}" if power else "-",
        "valid" if result.valid else "invalid",
        "valid" if result.reference_valid else "invalid",
    )


def _style(column: int, text: str) -> str:
    if COLUMNS[column] != "verdict":
        return ""
    return "green" if text == "valid" else "red"


def _name(result: ResultReport, width: int) -> str:
    """Submitter, system, benchmark and scenario, on three lines where there is little room."""
    system, benchmark = result.place.names[2:4]
    between = "/" if width > NARROW else "/\n"
    first = safe(f"{result.place.submitter}/{system}")
    return between.join((first, safe(benchmark), safe(result.scenario)))


def number(value: float) -> str:
    """A figure with at most six significant digits."""
    return f"{value:.6g}"
