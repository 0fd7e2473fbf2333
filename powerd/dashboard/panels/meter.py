"""One meter: watts large, the other quantities, range, quality, recent power and events."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from powerd.dashboard.snapshot import MeterView
from powerd.dashboard.text import duration, plain, quantity, sparkline, watts

_LOUD = frozenset({"range", "uncertainty"})
"""Kinds of events that spoil the window that is open."""


def meter(view: MeterView, width: int, roomy: bool) -> RenderableType:
    """A panel of ``width`` columns; ``roomy`` shows more events."""
    lines: list[RenderableType] = [_power(view), _quantities(view), _state(view)]
    graph = sparkline(view.trace_w, max(10, width - 26))
    if graph:
        low, high = min(view.trace_w[-len(graph) :]), max(view.trace_w[-len(graph) :])
        lines.append(Text.assemble((graph, "cyan"), f"  {watts(low)} to {watts(high)} W"))
    if view.last_error is not None and not view.connected:
        lines.append(Text(plain(view.last_error), "red"))
    shown = view.events[-(5 if roomy else 2) :]
    lines += [Text(plain(e), _event_style(e), no_wrap=True, overflow="ellipsis") for e in shown]
    name = Text.assemble((plain(view.name), "bold"), f"  {plain(view.title)}")
    if view.simulated:
        name.append("  SIMULATED", "bold magenta")
    return Panel(Group(*lines), title=name, title_align="left", border_style=_colour(view), width=width)


def _event_style(event: str) -> str:
    return "bold red" if event.split(":", maxsplit=1)[0] in _LOUD else "dim"


def _colour(view: MeterView) -> str:
    if not view.connected:
        return "red"
    return "green" if view.quality == "good" else "yellow"


def _power(view: MeterView) -> Text:
    style = "bold green" if view.connected and view.quality == "good" else "bold yellow"
    line = Text.assemble((f"{watts(view.power_w):>10} W", style), f"   {plain(view.quality)}")
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
    return Text("  ".join(parts) + f"   range {view.voltage_range}, {view.current_range}")


def _state(view: MeterView) -> Text:
    line = "connected" if view.connected else "not connected"
    rate = "" if view.interval_s is None else f"every {view.interval_s:g} s, "
    age = "" if view.age_s is None else f", last {duration(view.age_s)} ago"
    back = f", {view.reconnects} reconnects" if view.reconnects else ""
    bad = f", {view.bad_samples} bad" if view.bad_samples else ""
    return Text(f"{line}, {rate}{view.samples} samples{bad}{age}{back}", "dim")
