"""One meter: watts large, the other quantities, use of the range, power over time, what happened to it lately."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from powerd.dashboard.snapshot import MeterView
from powerd.dashboard.text import bar, chart, duration, plain, quantity, sampled, watts

SMALLEST = 7
"""Lines of the smallest panel: a frame, power, quantities, range, state and one line of graph."""
_FRAME = 2
_FULL = 0.95
"""Of a range: more than that is close to its end."""


def meter(view: MeterView, width: int, height: int, span_s: float, *, chosen: bool = False) -> RenderableType:
    """A panel of ``width`` columns and ``height`` lines."""
    inner, room = width - 4, height - _FRAME
    lines = [_power(view), _quantities(view), _range(view, inner), _state(view)]
    if view.last_error is not None and not view.connected:
        lines.insert(1, Text(plain(view.last_error), "red"))
    spare = room - len(lines)
    events = view.events[-min(5, max(0, (spare - 1) // 3)) :] if spare > 3 else ()
    graph = _graph(view, inner, max(1, spare - len(events)), span_s)
    if graph:
        lines[-1:-1] = graph
    lines += [Text(plain(e.text), "bold red" if e.loud else "dim") for e in events]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    name = Text.assemble((plain(view.name), "bold"), f"  {plain(view.title)}")
    if view.simulated:
        name.append("  SIMULATED", "bold magenta")
    name.truncate(max(1, inner - 2), overflow="ellipsis")
    style = _colour(view)
    return Panel(
        Group(*lines[:room]),
        title=name,
        title_align="left",
        border_style=f"bold {style}" if chosen else style,
        width=width,
        height=height,
    )


def _graph(view: MeterView, width: int, height: int, span_s: float) -> list[Text]:
    """Bars with the watts of their top and bottom beside them."""
    label = 10 if height > 1 else 18
    values = sampled(view.trace, span_s, max(10, width - label))
    if not values:
        return []
    low, high = watts(min(values)), watts(max(values))
    rows = chart(values, max(10, width - label), height)
    found = []
    for number, row in enumerate(rows):
        beside = (
            f"{low}–{high}"
            if height == 1
            else high
            if number == 0
            else low
            if number == len(rows) - 1
            else ""
        )
        found.append(
            Text.assemble((row.rjust(max(10, width - label)), "cyan"), (f" {beside}"[:label], "dim"))
        )
    return found


def _colour(view: MeterView) -> str:
    if not view.connected:
        return "red"
    return "green" if view.quality == "good" else "yellow"


def _power(view: MeterView) -> Text:
    style = "bold green" if view.connected and view.quality == "good" else "bold yellow"
    quality = view.quality if view.connected else "not connected, this was its last"
    line = Text.assemble((f"{watts(view.power_w):>10} W", style), f"   {plain(quality)}")
    if len(view.channels_w) > 1:
        line.append("   " + "  ".join(f"{plain(name)}: {watts(w)} W" for name, w in view.channels_w), "dim")
    return line


def _quantities(view: MeterView) -> Text:
    parts = [
        quantity(view.voltage_v, "V"),
        quantity(view.current_a, "A", 4),
        f"PF {'--' if view.power_factor is None else f'{view.power_factor:.3f}'}",
        quantity(view.frequency_hz, "Hz", 4),
    ]
    return Text("  ".join(parts))


def _range(view: MeterView, width: int) -> Text:
    """How much of each range is in use."""
    each = max(4, min(20, (width - 48) // 2))
    line = Text("range ")
    for words, use in ((view.voltage_range, view.voltage_use), (view.current_range, view.current_use)):
        style = "dim" if use is None else "bold red" if use > 1 else "yellow" if use > _FULL else "green"
        share = "  -- %" if use is None else f"{100 * use:4.0f} %"
        line.append(f"{words} ")
        line.append(bar(use, each), style)
        line.append(f"{share}   ")
    return line


def _state(view: MeterView) -> Text:
    line = "connected" if view.connected else "not connected"
    rate = "" if view.interval_s is None else f"every {view.interval_s:g} s, "
    age = "" if view.age_s is None else f", last {duration(view.age_s)} ago"
    back = f", {view.reconnects} reconnects" if view.reconnects else ""
    bad = f", {view.bad_samples} bad" if view.bad_samples else ""
    return Text(f"{line}, {rate}{view.samples} samples{bad}{age}{back}", "dim")
