"""A snapshot as a panel that fits a terminal of a given size: never wider, never higher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from harness.live.charts import bar, chart, limits
from harness.live.state import Clock, Count, Power, RunRow, Snapshot
from harness.live.text import duration, fixed, offset, quantity, rough, watts

WIDE = 160
"""From so many columns, power stands beside the run."""
LOG_LINES = 5
"""So many lines above the panel stay for what was said."""
MARGIN = 2
"""Columns left free at the right: the ``^C`` of a terminal goes there without a new line."""
TALLEST = 8
"""Lines of a graph where there is room."""
_FRAME = 4
_LABEL = 9
_READABLE = 80
_MARKS = {
    "done": ("✓", "green"),
    "running": ("●", "bold cyan"),
    "invalid": ("✗", "bold red"),
    "waiting": ("·", "dim"),
}


@dataclass(frozen=True, slots=True)
class _Line:
    """One line; of two that do not both fit, the one with the larger ``rank`` goes."""

    rank: int
    text: Text


def panel(snapshot: Snapshot, width: int, height: int) -> RenderableType:
    """The panel for ``width`` columns and ``height`` lines of terminal."""
    outer = max(20, width - MARGIN)
    inner, lines = outer - _FRAME, max(1, height - LOG_LINES - 2)
    body = _wide(snapshot, inner, lines) if width >= WIDE else _narrow(snapshot, inner, lines)
    return Panel(
        body,
        title=_fitted(_title(snapshot), inner - 2),
        title_align="left",
        subtitle=_fitted(_plan_left(snapshot), inner - 2),
        subtitle_align="right",
        border_style="red" if _alarms(snapshot) else "cyan",
        width=outer,
    )


def _narrow(snapshot: Snapshot, width: int, lines: int) -> RenderableType:
    above = [*_runs(snapshot, width), _Line(7, Text("")), *_run(snapshot, width)]
    below = [*_power(snapshot, width, 1), *_around(snapshot)]
    spare = lines - len(above) - len(below)
    if snapshot.power is not None and spare >= 3:
        below = [*_power(snapshot, width, min(TALLEST, spare)), *_around(snapshot)]
    return _stack([*above, *below], width, lines)


def _wide(snapshot: Snapshot, width: int, lines: int) -> RenderableType:
    gap = 4
    left = (width - gap) // 2
    right = width - gap - left
    tall = max(1, min(TALLEST, lines - 12))
    begin = [*_runs(snapshot, left), _Line(7, Text("")), *_run(snapshot, left)]
    rates = _graph(snapshot.count.trace_per_s, "/s", "green", left, tall, "rate")
    beside = [*_power(snapshot, right, tall), *_around(snapshot)]
    if snapshot.power is None:
        beside = [*rates, *beside]
    else:
        begin += rates
    table = Table.grid(padding=(0, 0))
    for each in (left, gap, right):
        table.add_column(width=each, no_wrap=True)
    table.add_row(_stack(begin, left, lines), "", _stack(beside, right, lines))
    return table


def _stack(rows: Sequence[_Line], width: int, lines: int) -> RenderableType:
    """The rows in their order, without those that there is no room for."""
    kept = sorted(range(len(rows)), key=lambda place: (rows[place].rank, place))[:lines]
    return Group(*(_fitted(rows[place].text, width) for place in sorted(kept)))


def _fitted(text: Text, width: int) -> Text:
    text.truncate(max(1, width), overflow="ellipsis")
    text.no_wrap = True
    return text


def _title(snapshot: Snapshot) -> Text:
    title = Text.assemble((snapshot.benchmark, "bold"), " ", (snapshot.scenario, "bold"))
    if snapshot.part:
        title.append(f" ({snapshot.part})")
    if snapshot.number is not None:
        title.append(f" · run {snapshot.number} of {snapshot.runs}")
    if snapshot.label:
        title.append(f" · {snapshot.label}", "bold cyan")
    return title


def _plan_left(snapshot: Snapshot) -> Text:
    said = f"{duration(snapshot.elapsed_s)} since the beginning"
    if snapshot.plan_left_s is not None and snapshot.plan_left_s > 0:
        word = "about" if snapshot.plan_left_whole else "at least"
        said += f", all runs done in {word} {rough(snapshot.plan_left_s)}"
    return Text(said)


def _runs(snapshot: Snapshot, width: int) -> list[_Line]:
    names = max((len(row.label) for row in snapshot.rows), default=0)
    going = next((i for i, row in enumerate(snapshot.rows) if row.state == "running"), len(snapshot.rows))
    return [
        _Line(4 + abs(place - going), _run_row(row, names, width)) for place, row in enumerate(snapshot.rows)
    ]


def _run_row(row: RunRow, names: int, width: int) -> Text:
    mark, style = _MARKS[row.state]
    said = row.figure if row.state in ("done", "invalid") else "" if row.state == "running" else "waiting"
    line = Text.assemble(
        (f"{mark} ", style), (f"{row.label:<{names}}  ", style if row.state != "done" else "")
    )
    line.append(said, "dim" if row.state == "waiting" else "red" if row.state == "invalid" else "")
    if row.seconds is not None:
        took = duration(row.seconds)
        line.pad_right(max(1, min(width, _READABLE) - line.cell_len - len(took)))
        line.append(took, "dim")
    return line


def _run(snapshot: Snapshot, width: int) -> list[_Line]:
    """How far the present run is."""
    count = snapshot.count
    if not snapshot.running:
        return [_Line(0, _labelled("now", Text(snapshot.now, "bold"))), _Line(6, Text(""))]
    return [_Line(0, _labelled("time", _time(count, width))), _Line(1, _labelled("samples", _samples(count)))]


def _time(count: Count, width: int) -> Text:
    gone = duration(count.elapsed_s)
    if count.share is None or count.left_s is None:
        return Text(f"{gone} gone")
    said = f" {100 * count.share:3.0f} %  {gone} gone, {duration(count.left_s)} left"
    done, todo = bar(count.share, max(5, min(_READABLE, width) - _LABEL - len(said)))
    return Text.assemble((done, "green"), (todo, "dim"), said)


def _samples(count: Count) -> Text:
    line = Text(f"{count.completed:,}", "bold")
    if count.wanted is not None and (count.exact or count.completed < count.wanted):
        line.append(f" of {'' if count.exact else 'at least '}{count.wanted:,}")
    if count.rate_per_s is not None:
        line.append(f"   {fixed(count.rate_per_s)}/s now")
    if count.mean_per_s is not None:
        line.append(f"   {fixed(count.mean_per_s)}/s in the mean", "dim")
    return line


def _power(snapshot: Snapshot, width: int, tall: int) -> list[_Line]:
    power = snapshot.power
    if power is None:
        return []
    alarms = [_Line(0, _labelled("alarm", Text(alarm, "bold red"))) for alarm in _alarms(snapshot)[:2]]
    meter = [_Line(5, _labelled("meter", _identity(power)))] if tall > 1 else []
    graph = _graph(power.trace_w, "W", "yellow", width, tall)
    rows = [
        _Line(1, _labelled("power", _watts(power))),
        *graph,
        _Line(2, _labelled("energy", _energy(snapshot, power))),
    ]
    if power.clock is not None:
        rows.append(_Line(3, _labelled("clock", _clock(power.clock))))
    return [*alarms, *meter, *rows]


def _clock(clock: Clock) -> Text:
    ahead, age = offset(clock.offset_s), duration(clock.age_s)
    return Text(f"powerd {ahead} ± {clock.u95_s * 1e3:.3f} ms to this machine, compared {age} ago")


def _alarms(snapshot: Snapshot) -> tuple[str, ...]:
    power = snapshot.power
    if power is None:
        return ()
    return power.alarms if power.problem is None else (power.problem, *power.alarms)


def _identity(power: Power) -> Text:
    line = Text(power.title or power.meter)
    if power.simulated:
        line.append("  SIMULATED", "bold magenta")
    return line.append(f"  ranges {power.ranges}", "dim") if power.ranges else line


def _watts(power: Power) -> Text:
    stale = power.problem is not None
    good = power.quality == "good" and not stale
    line = Text(watts(power.power_w), "bold green" if good else "dim" if stale else "bold yellow")
    for value, unit in ((power.voltage_v, "V"), (power.current_a, "A")):
        if value is not None:
            line.append(f"   {quantity(value, unit)}")
    if power.power_factor is not None:
        line.append(f"   PF {power.power_factor:.3f}")
    if stale:
        return line.append("   the last that was heard", "dim")
    line.append(f"   {power.quality}", "green" if good else "yellow")
    return line.append("   simulated", "magenta") if power.simulated else line


def _energy(snapshot: Snapshot, power: Power) -> Text:
    if power.energy is None:
        return Text("no window is open", "dim")
    line = Text(quantity(power.energy.energy_j, "J"), "bold")
    each = power.energy.per_query_j
    if snapshot.running and each is not None:
        line.append(f"   {quantity(each, 'J')} per {snapshot.unit}", "bold")
    if snapshot.running and power.energy.mean_w is not None:
        line.append(f"   mean {watts(power.energy.mean_w)}")
    whole = power.energy.coverage >= 0.99
    return line.append(f"   coverage {power.energy.coverage:.4f}", "green" if whole else "bold yellow")


def _graph(
    values: Sequence[float], unit: str, colour: str, width: int, tall: int, label: str = ""
) -> list[_Line]:
    """The latest values as a graph with its limits at the right; nothing before there are two."""
    room = width - _LABEL - (20 if tall == 1 else 12)
    if len(values) < 2 or room < 8:
        return []
    shown = values[-room:]
    low, high = (fixed(value, 3 if tall == 1 else 4) for value in limits(shown))
    edges = [f"{low} to {high} {unit}"] if tall == 1 else [high, *[""] * (tall - 2), f"{low} {unit}"]
    return [
        _Line(
            4 if place == 0 else 6,
            _labelled("" if place else label, Text.assemble((row, colour), (f"  {edge}", "dim"))),
        )
        for place, (row, edge) in enumerate(zip(chart(shown, room, tall), edges, strict=True))
    ]


def _around(snapshot: Snapshot) -> list[_Line]:
    """The machine, in one line."""
    machine = snapshot.machine
    if machine is None:
        return []
    said = f"CPU {100 * machine.cpu_share:.0f} %"
    if machine.frequency_hz is not None:
        said += f"   {machine.frequency_hz / 1e9:.2f} GHz"
    if machine.temperature_c is not None:
        said += f"   {machine.temperature_c:.0f} °C"
    said += f"   memory {100 * machine.memory_share:.0f} %"
    if machine.load_1m is not None:
        said += f"   load {machine.load_1m:.1f}"
    line = Text(said)
    if machine.throttled:
        line.append(f"   throttled {machine.throttled} times", "bold red")
    return [_Line(3, _labelled("machine", line))]


def _labelled(label: str, text: Text) -> Text:
    return Text.assemble((f"{label:<{_LABEL}}", "dim"), text)
