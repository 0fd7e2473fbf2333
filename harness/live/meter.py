"""What is known of the meter while a run goes on, from answers of the daemon's API."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.live.per_query import PerQuery
from harness.live.state import Clock, Energy, Power
from harness.live.text import printable
from powerd.client import ClockTie

TRACE_LENGTH = 400
TOLD_OTHERWISE = frozenset({"disconnected", "error", "garbled", "overrange"})
"""Kinds of the daemon's alarms that say what is shown anyway: the meter is away, or a sample of the window is bad."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ask: a daemon, its meter, and the open window if there is one."""

    url: str
    meter: str
    window: str | None


class Meter:
    """One meter at one daemon."""

    def __init__(self, url: str, meter: str) -> None:
        self._url = url
        self._name = meter
        self.paused = False
        self.problem: str | None = None
        self._window: str | None = None
        self._tie: tuple[ClockTie, float] | None = None
        self._per_query = PerQuery(1)
        self._energy: Energy | None = None
        self._taken: tuple[float, float] | None = None
        self._bad_before: int | None = None
        self._answer: Mapping[str, Any] = {}
        self._trace: deque[float] = deque(maxlen=TRACE_LENGTH)

    def target(self) -> Target | None:
        """Whom to ask now. Nobody while clocks are compared and windows set: we would only stand in the way."""
        return None if self.paused else Target(self._url, self._name, self._window)

    def asks(self, target: Target) -> bool:
        """Whether an answer to this question is still of use."""
        return target == Target(self._url, self._name, self._window)

    def opened(self, window_id: str, clock: ClockTie, per_query: int) -> None:
        """A window is open on it."""
        self._window, self._energy, self._taken = window_id, None, None
        self._bad_before = None
        self._tie = (clock, time.monotonic())
        self._per_query = PerQuery(per_query)

    def counted(self, at_unix_ns: int, completed: int) -> None:
        """So many samples are done at this instant."""
        self._per_query.counted(at_unix_ns, completed)

    def closed(self, window: Mapping[str, Any]) -> None:
        """Its energy stands."""
        self._window, self._energy = None, None
        energy_j, average_w = _number(window.get("energy_j")), _number(window.get("average_w"))
        self._taken = None if energy_j is None or average_w is None else (energy_j, average_w)

    def taken(self) -> tuple[float, float] | None:
        """Joules and mean watts of the window that was closed last; given once."""
        taken, self._taken = self._taken, None
        return taken

    def heard(self, meter: Mapping[str, Any], window: Mapping[str, Any] | None) -> None:
        """Take an answer in."""
        self.problem = None
        power_w = _number((meter.get("latest") or {}).get("power_w"))
        if power_w is not None and meter.get("samples") != self._answer.get("samples"):
            self._trace.append(power_w)
        self._answer = meter
        if window is not None and self._bad_before is None:
            self._bad_before = int(meter.get("bad_samples") or 0)
        so_far = (window or {}).get("so_far")
        if window is not None and so_far is not None:
            self._take_energy(int(window["opened_unix_ns"]), so_far)

    def _take_energy(self, opened_unix_ns: int, so_far: Mapping[str, Any]) -> None:
        energy_j, seconds = float(so_far["energy_j"]), float(so_far["seconds"])
        ahead_s = 0.0 if self._tie is None else self._tie[0].offset_s
        self._per_query.measured(opened_unix_ns + int((seconds - ahead_s) * 1e9), energy_j)
        per = self._per_query
        self._energy = Energy(energy_j, float(so_far["coverage"]), seconds, per.joules, per.watts)

    def shown(self, now_s: float) -> Power:
        """As it is shown; ``now_s`` on CLOCK_MONOTONIC."""
        latest, info = self._answer.get("latest") or {}, self._answer.get("info") or {}
        clock, away = None, self._away()
        if self._tie is not None:
            clock = Clock(self._tie[0].offset_s, self._tie[0].u95_s, now_s - self._tie[1])
        return Power(
            meter=printable(self._name),
            title=printable(" ".join(str(info[k]) for k in ("maker", "model", "serial") if info.get(k))),
            simulated=bool(info.get("simulated")),
            power_w=_number(latest.get("power_w")),
            voltage_v=_number(latest.get("voltage_v")),
            current_a=_number(latest.get("current_a")),
            power_factor=_number(latest.get("power_factor")),
            frequency_hz=_number(latest.get("frequency_hz")),
            ranges=_ranges(latest, self._answer.get("settings") or {}),
            quality=printable(str(latest.get("quality") or "")) if away is None else "not connected",
            trace_w=tuple(self._trace),
            energy=self._energy,
            clock=clock,
            alarms=self._alarms(),
            problem=None if self.problem is None else printable(self.problem),
        )

    def _away(self) -> str | None:
        """Why the meter is not connected; None where it is, or nobody has answered yet."""
        if not self._answer or self._answer.get("connected"):
            return None
        return str(self._answer.get("last_error") or "connecting")

    def _alarms(self) -> tuple[str, ...]:
        """What is wrong now: a meter that is away, bad samples in the open window, what the daemon says of it.

        A sample taken while ranges change is bad and nobody's worry: outside of windows they are not counted.
        """
        now, away = self._answer, self._away()
        found = [] if away is None else [f"the meter is not connected: {away}"]
        bad = 0 if self._bad_before is None else int(now.get("bad_samples") or 0) - self._bad_before
        if bad > 0 and self._window is not None:
            found.append(f"{bad} bad sample{'s' if bad > 1 else ''} in this window")
        for alarm in now.get("alarms") or ():
            if alarm.get("kind") not in TOLD_OTHERWISE and self._concerns_us(alarm):
                found.append(f"{alarm.get('kind')}: {alarm.get('message')}")
        return tuple(map(printable, found))

    def _concerns_us(self, alarm: Mapping[str, Any]) -> bool:
        """Whether an alarm is about our window or about none; that of an earlier window may still be in an answer."""
        return alarm.get("window") in {None, self._window}


def _ranges(latest: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    found = []
    for key, unit in (("voltage_range_v", "V"), ("current_range_a", "A")):
        value = _number(latest.get(key)) or _number(settings.get(key))
        if value is not None:
            found.append(f"{value:g} {unit}" + ("" if settings.get(key) is not None else " auto"))
    return ", ".join(found)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
