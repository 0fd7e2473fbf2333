"""The latest windows: how long, how many joules, how sure, how much of it was covered."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from powerd.dashboard.snapshot import WindowView
from powerd.dashboard.text import duration, energy, plain

_STYLES = {"good": "green", "degraded": "yellow", "bad": "red"}


def windows(views: tuple[WindowView, ...], narrow: bool, watt_hours: bool = False) -> RenderableType:
    """A table, open ones first; the narrow form leaves out the meter and the average."""
    if not views:
        return Text("no window yet", "dim")
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("window", no_wrap=True, overflow="ellipsis", ratio=1)
    for name in ("meter", "state", "length", "energy", "average", "coverage", "quality"):
        if not (narrow and name in {"meter", "average"}):
            table.add_column(
                name, no_wrap=True, justify="left" if name in {"meter", "state", "quality"} else "right"
            )
    for view in views:
        cells = [plain(view.name), plain(view.meter), plain(view.state), duration(view.duration_s),
                 energy(view.energy_j, watt_hours, view.energy_u95_j),
                 "--" if view.average_w is None else f"{view.average_w:.2f} W",
                 "--" if view.coverage is None else f"{100 * view.coverage:.1f} %"]  # fmt: skip
        if narrow:
            del cells[5], cells[1]
        table.add_row(*cells, Text(plain(view.quality), _STYLES.get(view.quality, "")))
    return table
