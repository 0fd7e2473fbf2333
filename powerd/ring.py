"""The last readings of each meter in memory: one writer per meter, many readers, nothing waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from powerd.model import Quality, Reading

LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Tally:
    """How many readings came since the daemon started, and how many were not good."""

    samples: int = 0
    bad_samples: int = 0


class Ring:
    """Readings by meter and channel."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], deque[Reading]] = {}
        self._tallies: dict[str, Tally] = {}

    def put(self, reading: Reading) -> None:
        """Keep a reading; called on the thread of its meter."""
        key = (reading.meter, reading.values.channel)
        if key not in self._rows:
            self._rows[key] = deque(maxlen=LENGTH)
        self._rows[key].append(reading)
        tally = self._tallies.get(reading.meter, Tally())
        bad = reading.values.quality is not Quality.GOOD
        self._tallies[reading.meter] = Tally(tally.samples + 1, tally.bad_samples + bad)

    def latest(self, meter: str, channel: str) -> Reading | None:
        """The newest reading of a channel."""
        rows = self._rows.get((meter, channel))
        return rows[-1] if rows else None

    def newest_update(self, meter: str, channels: Sequence[str]) -> tuple[Reading, ...] | None:
        """The newest update that every one of these channels has; None before there is one."""
        rows = [list(self._rows.get((meter, channel), ()))[-2:] for channel in channels]
        if not all(rows):
            return None
        # The channels of an update come one after the other, so one may be an update ahead of another.
        sequence = min(own[-1].sequence for own in rows)
        found = [next((r for r in own if r.sequence == sequence), None) for own in rows]
        known = tuple(r for r in found if r is not None)
        return known if len(known) == len(channels) else None

    def tally(self, meter: str) -> Tally:
        """Counts of a meter."""
        return self._tallies.get(meter, Tally())
