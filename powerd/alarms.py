"""The alarms that stand: each from when its cause came until it ended, for everybody who shows them.

An alarm is about a meter, one of its channels, or the daemon itself; one about a window's range belongs to that window
too. It is published as ``alarm`` when it comes and again when its cause repeats, and as ``alarm-ended``, with the same
``alarm`` number, when its cause has ended. ``/v1/meters`` and the metrics show what stands now.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from powerd.views import exact

OF_LINE = frozenset({"disconnected", "error"})
"""Stand until the meter is connected."""
OF_ANSWER = frozenset({"garbled"})
"""Stand until the meter's next good reading."""
OF_METER = OF_LINE | OF_ANSWER
OF_CHANNEL = frozenset({"overrange"})
"""Stand until the channel's next good reading."""
OF_WINDOW = frozenset({"range", "uncertainty"})
"""Stand until the window is closed or the channel's range is another."""
KINDS = tuple(sorted(OF_METER | OF_CHANNEL | OF_WINDOW))
"""Every kind that a meter can have."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; ``number`` is its own as long as the daemon runs."""

    number: int
    kind: str
    message: str
    since_unix_ns: int
    meter: str | None = None
    channel: str | None = None
    window: str | None = None

    def document(self) -> dict[str, Any]:
        """For the API."""
        about = {"channel": self.channel, "window": self.window}
        return {
            "alarm": self.number,
            "kind": self.kind,
            "message": self.message,
            "since_unix_ns": self.since_unix_ns,
            "since": exact(self.since_unix_ns),
            **{name: value for name, value in about.items() if value is not None},
        }


class Alarms:
    """Thread safe. At most one alarm of a kind stands on a channel, on a meter, or on the daemon."""

    def __init__(self, publish: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._publish = publish
        self._standing: dict[tuple[str | None, str | None, str], Alarm] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def begin(
        self,
        kind: str,
        message: str,
        meter: str | None = None,
        channel: str | None = None,
        window: str | None = None,
    ) -> None:
        """An alarm stands from now on; one of the same kind on the same place goes on with the new message."""
        with self._lock:
            before, now = self._standing.get((meter, channel, kind)), time.time_ns()
            if before is not None and before.window != window:
                self._end(before, "it came again in another window")
                before = None
            number, since = (
                (next(self._numbers), now) if before is None else (before.number, before.since_unix_ns)
            )
            alarm = Alarm(number, kind, message, since, meter, channel, window)
            self._standing[meter, channel, kind] = alarm
            self._publish("alarm", _event(alarm, now))

    def say(self, kind: str, message: str) -> None:
        """Something that happened at one instant, about the daemon: published, and over."""
        now = time.time_ns()
        with self._lock:
            self._publish("alarm", _event(Alarm(next(self._numbers), kind, message, now), now))

    def end(
        self,
        why: str,
        *,
        kinds: Collection[str] | None = None,
        meter: str | None = None,
        channel: str | None = None,
        window: str | None = None,
    ) -> None:
        """The cause of these alarms has ended; what is not given may be any. ``why`` is told."""
        if not self._standing:
            return
        with self._lock:
            for alarm in list(self._standing.values()):
                pairs = ((meter, alarm.meter), (channel, alarm.channel), (window, alarm.window))
                if (kinds is None or alarm.kind in kinds) and all(a is None or a == b for a, b in pairs):
                    self._end(alarm, why)

    def of(self, meter: str) -> list[Alarm]:
        """What stands on a meter and its channels, oldest first."""
        with self._lock:
            return [a for a in self._standing.values() if a.meter == meter]

    def _end(self, alarm: Alarm, why: str) -> None:
        del self._standing[alarm.meter, alarm.channel, alarm.kind]
        self._publish("alarm-ended", {**_event(alarm, time.time_ns()), "reason": why})


def _event(alarm: Alarm, now: int) -> dict[str, Any]:
    about = {} if alarm.meter is None else {"meter": alarm.meter}
    return {**about, **alarm.document(), "at_unix_ns": now, "time": exact(now)}
