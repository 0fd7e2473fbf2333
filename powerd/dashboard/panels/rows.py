"""Many meters, one line each; the chosen one is marked."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from powerd.dashboard.snapshot import MeterView
from powerd.dashboard.text import plain, quantity, sampled, sparkline, watts

_NAME = 12
_FIXED = 2 + _NAME + 11 + 10 + 10 + 7 + 7 + 12


def rows(views: Sequence[MeterView], width: int, selected: int, span_s: float, most: int) -> list[Text]:
    """A heading and at most ``most - 1`` lines, of which the chosen one is always among them."""
    room = max(1, most - 1)
    first = min(max(0, selected - room // 2), max(0, len(views) - room))
    graph = max(0, width - _FIXED - 1)
    heading = f"  {'meter':<{_NAME}}{'W':>10} {'V':>9} {'A':>9} {'PF':>6} {'range':>6}  {'quality':<10}"
    hidden = len(views) - room
    more = f"  {len(views)} meters, {hidden} not shown" if hidden > 0 else ""
    found = [Text((heading + more)[:width], "dim")]
    for number, view in enumerate(views[first : first + room], start=first):
        found.append(_row(view, number == selected, graph, span_s))
    for line in found:
        line.no_wrap, line.overflow = True, "ellipsis"
    return found


def _row(view: MeterView, chosen: bool, graph: int, span_s: float) -> Text:
    name = plain(view.name)
    name = name if len(name) < _NAME else name[: _NAME - 2] + "…"
    factor = "--" if view.power_factor is None else f"{view.power_factor:.3f}"
    use = "--" if view.use is None else f"{100 * view.use:.0f} %"
    word = "LOST" if not view.connected else plain(view.quality)
    style = "bold red" if not view.connected else "green" if view.quality == "good" else "yellow"
    line = Text.assemble(
        ("▶ " if chosen else "  ", "bold cyan"),
        (f"{name:<{_NAME}}", "bold" if chosen else ""),
        (f"{watts(view.power_w):>10} ", style),
        f"{quantity(view.voltage_v, ''):>9} {quantity(view.current_a, '', 4):>9} {factor:>6} ",
        (f"{use:>6}", "bold red" if (view.use or 0) > 1 else ""),
        "  ",
        (f"{word[:10]:<10}", style),
    )
    if graph >= 8:
        line.append(" " + sparkline(sampled(view.trace, span_s, graph), graph).rjust(graph), "cyan")
    return line
