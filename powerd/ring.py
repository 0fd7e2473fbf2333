"""The last readings in memory, for eyes: latest per channel, counts, and waiting for the next one."""

from __future__ import annotations

import threading
from collections import deque

from powerd.model import Quality, Reading

LENGTH = 4096


class Ring:
    """The last ``LENGTH`` readings per meter and channel. One writer per meter, many readers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readings: dict[tuple[str, str], deque[Reading]] = {}
        self._counts: dict[str, list[int]] = {}

    def add(self, reading: Reading) -> None:
        """Take a reading in and wake those who wait."""
        with self._changed:
            key = (reading.meter, reading.values.channel)
            self._readings.setdefault(key, deque(maxlen=LENGTH)).append(reading)
            counts = self._counts.setdefault(reading.meter, [0, 0])
            counts[reading.values.quality is not Quality.GOOD] += 1
            self._changed.notify_all()

    def latest(self, meter: str, channel: str) -> Reading | None:
        """The newest reading of a channel."""
        with self._changed:
            readings = self._readings.get((meter, channel))
            return readings[-1] if readings else None

    def last(self, meter: str, channel: str, count: int) -> list[Reading]:
        """The newest ``count`` readings of a channel, oldest first."""
        with self._changed:
            return list(self._readings.get((meter, channel), ()))[-count:]

    def counts(self, meter: str) -> tuple[int, int]:
        """Good and other readings of a meter since the daemon started."""
        with self._changed:
            good, bad = self._counts.get(meter, (0, 0))
            return good, bad

    def wait(self, timeout_s: float) -> None:
        """Return at the next reading of any meter, or after ``timeout_s``."""
        with self._changed:
            self._changed.wait(timeout_s)

    def wake(self) -> None:
        """Wake those who wait, without a reading."""
        with self._changed:
            self._changed.notify_all()
