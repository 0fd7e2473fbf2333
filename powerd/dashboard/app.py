"""Puts the panels together: a screen for a terminal, never wider or higher than it, or plain lines elsewhere.

Every meter has a panel of its own where all of them fit; otherwise each has a line, and the chosen one a panel.
"""

from __future__ import annotations

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from powerd.dashboard.panels.foot import foot, help_panel
from powerd.dashboard.panels.head import head
from powerd.dashboard.panels.meter import SMALLEST, meter
from powerd.dashboard.panels.rows import rows
from powerd.dashboard.panels.windows import windows
from powerd.dashboard.snapshot import MeterView, Snapshot, WindowView
from powerd.dashboard.text import plain, watts
from powerd.dashboard.view import View

NARROW = 100
"""Below this many columns a screen counts as narrow."""
LARGEST = 16
"""Lines of the largest panel of one of several meters."""
_WINDOWS = 5
"""Lines that the windows get at least: a rule, the heading and three of them."""


def screen(
    snapshot: Snapshot, width: int, height: int, view: View | None = None, *, replayed: bool = False
) -> RenderableType:
    """The whole screen for a terminal of this size."""
    chosen = view or View()
    if chosen.helped:
        return Group(*_cut(head(snapshot, chosen, 1)), help_panel())
    top = _cut(head(snapshot, chosen, 2 if height < 40 else 5))
    bottom = _cut([foot(chosen, len(snapshot.meters), replayed)])
    room = max(SMALLEST, height - len(top) - len(bottom))
    ordered = _ordered(snapshot.windows)
    wanted = min(max(_WINDOWS, len(ordered) + 2), max(_WINDOWS, room // 3))
    parts, used = _meters(snapshot.meters, width, room - wanted, chosen)
    shown = ordered[: max(0, room - used - 2)]
    table = windows(shown, width, chosen.watt_hours, narrow=width < NARROW)
    return Group(*top, *parts, Rule(style="dim"), table, *bottom)


def _meters(
    views: tuple[MeterView, ...], width: int, room: int, chosen: View
) -> tuple[list[RenderableType], int]:
    """The meters within ``room`` lines, and how many they take."""
    if not views:
        return [], 0
    selected = chosen.selected % len(views)
    columns = 1 if width < NARROW or len(views) == 1 else 2 if width < 240 else 3
    lines = -(-len(views) // columns)
    if lines * SMALLEST <= room:
        each = min(room // lines, LARGEST if len(views) > 1 else 30)
        wide = width // columns - (1 if columns > 1 else 0)
        panels = [
            meter(v, wide, each, chosen.span_s, chosen=n == selected and len(views) > 1)
            for n, v in enumerate(views)
        ]
        return [Columns(panels, padding=(0, 1))] if columns > 1 else list(panels), lines * each
    listed = rows(views, width, selected, chosen.span_s, max(2, min(len(views) + 1, room - SMALLEST)))
    large = max(3, min(LARGEST, room - len(listed)))
    return [*listed, meter(views[selected], width, large, chosen.span_s)], len(listed) + large


def _ordered(views: tuple[WindowView, ...]) -> tuple[WindowView, ...]:
    """Open windows first."""
    return tuple(sorted(views, key=lambda v: v.state == "closed"))


def _cut(lines: list[Text]) -> list[Text]:
    """Each of them stays one line."""
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return lines


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
