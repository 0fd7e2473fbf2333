"""The latest windows: how long, how many joules, how sure, how much of it was covered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from powerd.dashboard.snapshot import WindowView
from powerd.dashboard.text import duration, energy, plain

_STYLES = {"good": "green", "degraded": "yellow", "bad": "red"}


_LEFT = frozenset({"meter", "state", "quality"})
"""Columns with words, which stand to the left; figures stand to the right."""
_LOST = ("coverage", "length", "state", "quality", "energy")
"""Columns that go, one after the other, where the names have no room."""
_NAMED = 16
"""Characters of a name that are to be seen before any figure is."""


def windows(
    views: tuple[WindowView, ...], width: int, watt_hours: bool = False, *, narrow: bool = False
) -> RenderableType:
    """A table, open ones first; the narrow form leaves out the meter and the average, and what takes the room of the
    names."""
    if not views:
        return Text("no window yet", "dim")
    columns = {
        "window": [plain(v.name) for v in views],
        "meter": [plain(v.meter) for v in views],
        "state": [plain(v.state) for v in views],
        "length": [duration(v.duration_s) for v in views],
        "energy": [energy(v.energy_j, watt_hours, v.energy_u95_j) for v in views],
        "average": ["--" if v.average_w is None else f"{v.average_w:.2f} W" for v in views],
        "coverage": ["--" if v.coverage is None else f"{100 * v.coverage:.1f} %" for v in views],
        "quality": [plain(v.quality) for v in views],
    }
    if narrow:
        del columns["meter"], columns["average"]
    for name in _LOST:
        if _room(columns, width) < min(_NAMED, max(map(cell_len, columns["window"]))):
            del columns[name]
    table = Table(box=None, pad_edge=False, expand=True)
    for name in columns:
        if name == "window":
            table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=1)
        else:
            table.add_column(name, no_wrap=True, justify="left" if name in _LEFT else "right")
    for view, cells in zip(views, zip(*columns.values(), strict=True), strict=True):
        styles = [_STYLES.get(view.quality, "") if name == "quality" else "" for name in columns]
        table.add_row(*map(Text, cells, styles))
    return table


def _room(columns: Mapping[str, Sequence[str]], width: int) -> int:
    """Characters that the other columns leave to the names, with two between each."""
    others = [max(map(cell_len, (name, *cells))) + 2 for name, cells in columns.items() if name != "window"]
    return width - sum(others)
