"""Puts the panels together: a screen for a terminal, or one plain line per update elsewhere."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.rule import Rule

from powerd.dashboard.panels.head import head
from powerd.dashboard.panels.meter import meter
from powerd.dashboard.panels.windows import windows
from powerd.dashboard.snapshot import MeterView, Snapshot
from powerd.dashboard.text import plain, watts

NARROW = 100
"""Below this many columns a screen counts as narrow."""


def screen(snapshot: Snapshot, width: int, height: int) -> RenderableType:
    """The whole screen for a terminal of this size."""
    from rich.columns import Columns

    narrow = width < NARROW
    each = width if narrow or len(snapshot.meters) < 2 else width // 2 - 1
    roomy = height >= 40
    panels = [meter(view, each, roomy) for view in snapshot.meters]
    shown = snapshot.windows[: max(3, height - 6 - 9 * max(1, len(panels)))]
    return Group(head(snapshot), Columns(panels, padding=(0, 1)), Rule(style="dim"), windows(shown, narrow))


def plain_lines(snapshot: Snapshot) -> list[str]:
    """What there is to say without a terminal, one line per meter."""
    if snapshot.problem is not None:
        return [plain(snapshot.problem)]
    return [_plain(view) for view in snapshot.meters] or ["no meter"]


def _plain(view: MeterView) -> str:
    marks = " simulated" if view.simulated else ""
    if not view.connected:
        return plain(f"{view.name}: not connected{marks}: {view.last_error or 'no reason known'}")
    return plain(f"{view.name}: {watts(view.power_w)} W {view.quality}{marks}")
