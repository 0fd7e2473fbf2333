"""Looks at every reading for channels over their range and for windows whose range will not do, and ends what it said.

What is said of a window's range ends with the window, or with the range.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from powerd.alarms import OF_ANSWER, OF_CHANNEL, OF_WINDOW, Alarms
from powerd.model import Quality, Reading
from powerd.range_guard import RangeAlarm, RangeGuard
from schemas.metrology import Specification

Place = tuple[str, str]
"""A meter and one of its channels."""
Holder = Callable[[str, str], str | None]
"""The window that is open on a place."""


@dataclass(slots=True)
class _Guarded:
    window: str
    guard: RangeGuard


class RangeWatch:
    """Fed with every reading, channel by channel, on the threads of the meters."""

    def __init__(
        self,
        alarms: Alarms,
        holder: Holder,
        specification: Callable[[str], Specification],
        note: Callable[[Reading, RangeAlarm], None],
    ) -> None:
        """``specification`` is that of a meter by its name; ``note`` keeps what is said of a range."""
        self._alarms = alarms
        self._holder = holder
        self._specification = specification
        self._note = note
        self._guards: dict[Place, _Guarded] = {}
        self._changing = threading.Lock()

    def look(self, reading: Reading) -> None:
        """Begin and end what this reading begins and ends."""
        self._over_range(reading)
        meter, channel = reading.meter, reading.values.channel
        window = self._holder(meter, channel)
        guarded = self._guarded((meter, channel), window)
        if guarded is None:
            return
        look = guarded.guard.look(reading)
        if look.range_changed:
            self._alarms.end("the range is another now", kinds=OF_WINDOW, meter=meter, channel=channel)
        for alarm in look.alarms:
            said = f"channel {channel}: {alarm.message}"
            with self._changing:
                if self._holder(meter, channel) == window:  # it may have been closed since
                    self._alarms.begin(alarm.kind, said, meter, channel, window)
                    self._note(reading, alarm)

    def window_changed(self, window: Mapping[str, Any]) -> None:
        """A window that is no more open has no range that could be wrong."""
        if window.get("state") != "open":
            with self._changing:
                self._alarms.end("the window is closed", kinds=OF_WINDOW, window=str(window["id"]))

    def _guarded(self, place: Place, window: str | None) -> _Guarded | None:
        known = self._guards.get(place)
        if window is None:
            self._guards.pop(place, None)
            return None
        if known is None or known.window != window:
            known = self._guards[place] = _Guarded(window, RangeGuard(self._specification(place[0])))
        return known

    def _over_range(self, reading: Reading) -> None:
        """Say once when a channel goes over its range; a good reading ends that, and what was garbled before."""
        meter, values = reading.meter, reading.values
        if values.quality is Quality.OVERRANGE:
            if not any(a.kind in OF_CHANNEL and a.channel == values.channel for a in self._alarms.of(meter)):
                message = f"channel {values.channel} is over its range: take the next range up"
                self._alarms.begin("overrange", message, meter, values.channel)
        elif values.quality is Quality.GOOD:
            why = "a good reading came"
            self._alarms.end(why, kinds=OF_CHANNEL, meter=meter, channel=values.channel)
            self._alarms.end(why, kinds=OF_ANSWER, meter=meter)
