"""What the dashboard shows at one instant, taken from answers of the daemon's API. No drawing, no I/O."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from powerd.dashboard.text import duration

TRACE_LENGTH = 7200
"""Readings of power that are kept for the graph: an hour of two a second."""
Trace = tuple[tuple[float, float], ...]
"""Unix seconds and watts."""


@dataclass(frozen=True, slots=True)
class EventView:
    """Something that happened to a meter; ``loud`` while its alarm stands."""

    text: str
    loud: bool


@dataclass(frozen=True, slots=True)
class MeterView:
    """One meter: who it is, its latest reading, its recent power and what happened to it lately.

    Of several channels the reading is the sum, and ``channels_w`` has the watts of each.
    """

    name: str
    title: str
    connected: bool
    simulated: bool
    last_error: str | None
    reconnects: int
    interval_s: float | None
    power_w: float | None
    voltage_v: float | None
    current_a: float | None
    power_factor: float | None
    frequency_hz: float | None
    voltage_range: str
    current_range: str
    quality: str
    age_s: float | None
    samples: int
    bad_samples: int
    trace: Trace
    events: tuple[EventView, ...]
    channels_w: tuple[tuple[str, float | None], ...] = ()
    voltage_use: float | None = None
    current_use: float | None = None

    @property
    def use(self) -> float | None:
        """Share of its range that the fuller of voltage and current takes; None where the range is not known."""
        known = [u for u in (self.voltage_use, self.current_use) if u is not None]
        return max(known) if known else None


@dataclass(frozen=True, slots=True)
class WindowView:
    """One window, open or closed."""

    name: str
    meter: str
    state: str
    duration_s: float | None
    energy_j: float | None
    energy_u95_j: float | None
    average_w: float | None
    coverage: float | None
    quality: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything on the screen. ``problem`` is set when the daemon does not answer."""

    url: str
    status: str
    version: str
    clock: str
    problems: tuple[str, ...] = ()
    meters: tuple[MeterView, ...] = ()
    windows: tuple[WindowView, ...] = ()
    problem: str | None = None
    traces: Mapping[str, Trace] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    note: str = ""


def unreachable(url: str, problem: str, before: Snapshot | None) -> Snapshot:
    """The daemon did not answer: what was known stays, with the reason above it."""
    if before is None:
        return Snapshot(url, "unreachable", "", "", problem=problem)
    return Snapshot(
        url, "unreachable", before.version, before.clock, before.problems, before.meters, before.windows, problem,
        before.traces, before.alarms, before.note,
    )  # fmt: skip


def take(
    url: str,
    health: Mapping[str, Any],
    meters: Sequence[Mapping[str, Any]],
    windows: Sequence[Mapping[str, Any]],
    now_unix_ns: int,
    before: Snapshot | None = None,
    history: Mapping[str, Trace] | None = None,
    note: str = "",
) -> Snapshot:
    """A snapshot from the answers of ``/v1/health``, ``/v1/meters`` and ``/v1/windows``.

    ``history`` is what was measured before the first one; ``note`` stands at the top.
    """
    traces = dict(before.traces) if before else dict(history or {})
    views = []
    for meter in meters:
        view = _meter(meter, traces.get(str(meter["name"]), ()), now_unix_ns, before)
        traces[view.name] = view.trace
        views.append(view)
    return Snapshot(
        url=url,
        status=str(health.get("status", "unknown")),
        version=str(health.get("version", "")),
        clock=_clock(health.get("clock") or {}),
        problems=tuple(_problems(health, meters)),
        meters=tuple(views),
        windows=tuple(window_view(w, now_unix_ns) for w in windows),
        traces=traces,
        alarms=tuple(_alarms(meters)),
        note=note,
    )


def _standing(meter: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The alarms that stand on a meter, without those that another says better.

    The range of a window says more than that the channel is over it; why the meter cannot be reached now says more than
    why it was lost.
    """
    alarms = list(meter.get("alarms") or ())
    there = {(alarm.get("kind"), alarm.get("channel")) for alarm in alarms}
    better = {"overrange": "range", "disconnected": "error"}
    return [a for a in alarms if (better.get(str(a.get("kind"))), a.get("channel")) not in there]


def _alarms(meters: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with a meter now."""
    for meter in meters:
        for alarm in _standing(meter):
            yield f"{meter['name']}: {alarm.get('message')}"


def _problems(health: Mapping[str, Any], meters: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the daemon finds wrong, but for the lost meters that alarms tell of."""
    told = {f"meter {m['name']} is not connected: {a.get('message')}" for m in meters for a in _standing(m)}
    for problem in health.get("problems") or ():
        if str(problem) not in told:
            yield str(problem)


def _clock(clock: Mapping[str, Any]) -> str:
    u95, offset, utc = (_number(clock.get(name)) for name in ("u95_s", "offset_s", "bound_s"))
    source = clock.get("source", "unknown")
    if utc is not None:
        off = "" if offset is None else f"{offset * 1e3:+.2g} "
        return f"{source} {off}± {utc * 1e3:.2g} ms"
    bound = "unbounded" if u95 is None else f"± {u95 * 1e3:.2g} ms" if u95 >= 1e-4 else "± < 0.1 ms"
    return f"{source} {bound}"


def _meter(meter: Mapping[str, Any], trace: Trace, now: int, before: Snapshot | None) -> MeterView:
    info, settings, latest = meter.get("info") or {}, meter.get("settings") or {}, meter.get("latest") or {}
    power, stamp = _number(latest.get("power_w")), latest.get("unix_ns")
    name = str(meter["name"])
    known = next((m for m in before.meters if m.name == name), None) if before else None
    fresh = power is not None and (known is None or known.samples != int(meter.get("samples") or 0))
    if fresh and power is not None:
        trace = (*trace, ((now if stamp is None else int(stamp)) / 1e9, power))[-TRACE_LENGTH:]
    identity = " ".join(str(info[k]) for k in ("maker", "model", "serial", "firmware") if info.get(k))
    return MeterView(
        name=name,
        title=f"{identity or meter.get('driver', '')} on {meter.get('port', '?')}",
        connected=bool(meter.get("connected")),
        simulated=bool(info.get("simulated")),
        last_error=None if meter.get("last_error") is None else str(meter["last_error"]),
        reconnects=int(meter.get("reconnects") or 0),
        interval_s=_number(settings.get("interval_s")),
        power_w=power,
        voltage_v=_number(latest.get("voltage_v")),
        current_a=_number(latest.get("current_a")),
        power_factor=_number(latest.get("power_factor")),
        frequency_hz=_number(latest.get("frequency_hz")),
        voltage_range=_range(settings.get("voltage_range_v"), latest.get("voltage_range_v"), "V"),
        current_range=_range(settings.get("current_range_a"), latest.get("current_range_a"), "A"),
        quality=str(latest.get("quality", "no sample yet")),
        age_s=None if stamp is None else max(0.0, (now - int(stamp)) / 1e9),
        samples=int(meter.get("samples") or 0),
        bad_samples=int(meter.get("bad_samples") or 0),
        trace=trace,
        channels_w=tuple(
            (str(c.get("channel")), _number((c.get("latest") or {}).get("power_w")))
            for c in meter.get("channels") or ()
        ),
        voltage_use=_use(latest.get("voltage_v"), latest.get("voltage_range_v")),
        current_use=_use(latest.get("current_a"), latest.get("current_range_a")),
        events=tuple(_events(meter, now)),
    )


def _events(meter: Mapping[str, Any], now: int) -> Iterator[EventView]:
    """What happened lately, and how long ago."""
    loud = {(alarm.get("kind"), alarm.get("message")) for alarm in meter.get("alarms") or ()}
    for event in meter.get("events") or ():
        what, at = (event.get("kind"), event.get("message")), event.get("at_unix_ns")
        ago = "" if at is None else f"{duration(max(0.0, (now - int(at)) / 1e9))} ago  "
        yield EventView(f"{ago}{what[0]}: {what[1]}", what in loud)


def _use(value: Any, of: Any) -> float | None:
    number, whole = _number(value), _number(of)
    return None if number is None or not whole else abs(number) / whole


def _range(wanted: Any, now: Any, unit: str) -> str:
    fixed, current = _number(wanted), _number(now)
    shown = (
        "?" if current is None and fixed is None else f"{current if current is not None else fixed:g} {unit}"
    )
    return shown if fixed is not None else f"{shown} (auto)"


def window_view(window: Mapping[str, Any], now: int) -> WindowView:
    """One window from its document; ``now`` (Unix ns) gives an open one its length so far."""
    opened = window.get("opened_unix_ns")
    so_far = window.get("so_far") or {}
    duration = _number(window.get("duration_s"))
    if duration is None and opened is not None and window.get("state") == "open":
        duration = max(0.0, (now - int(opened)) / 1e9)
    return WindowView(
        name=str(window.get("name") or window.get("id") or "?"),
        meter=str(window.get("meter", "?")),
        state=str(window.get("state", "?")),
        duration_s=duration,
        energy_j=_number(window.get("energy_j", so_far.get("energy_j"))),
        energy_u95_j=_number(window.get("energy_u95_j", so_far.get("energy_u95_j"))),
        average_w=_number(window.get("average_w", _mean(so_far))),
        coverage=_number(window.get("coverage", so_far.get("coverage"))),
        quality=str(window.get("quality") or ""),
    )


def _mean(so_far: Mapping[str, Any]) -> float | None:
    joules, seconds = _number(so_far.get("energy_j")), _number(so_far.get("seconds"))
    return None if joules is None or not seconds else joules / seconds


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
