"""Running totals of each channel since the daemon started: energy, samples by quality, time without a good one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from powerd.model import Quality, Reading
from schemas.energy import MAX_STRETCH
from schemas.units import NS_PER_S

_RUNNING_GAP = MAX_STRETCH + 1.0
"""Intervals after which silence counts as a gap before its end is known; later than the end would, so that the
total never goes back when the next sample comes."""


@dataclass(frozen=True, slots=True)
class Count:
    """Totals of one channel. Energy and gaps together cover the time from the first sample to the last."""

    energy_j: float = 0.0
    gap_ns: int = 0
    last_end_ns: int = 0
    interval_ns: int = 0
    samples: Mapping[Quality, int] = field(default_factory=dict)

    def gap_s(self, now_ns: int) -> float:
        """Time that no good sample stands for, in seconds, with the silence that is going on."""
        silent = now_ns - self.last_end_ns - round(_RUNNING_GAP * self.interval_ns)
        return (self.gap_ns + max(0, silent)) / NS_PER_S if self.samples else 0.0

    def plus(self, reading: Reading) -> Count:
        """With one reading more; one that is not newer than the last counts as a sample only."""
        quality, power = reading.values.quality, reading.values.power_w
        samples = {**self.samples, quality: self.samples.get(quality, 0) + 1}
        passed = reading.end_ns - self.last_end_ns if self.samples else reading.interval_ns
        if passed <= 0:
            return replace(self, samples=samples)
        good = quality is Quality.GOOD and power is not None
        covered = min(passed, round(MAX_STRETCH * reading.interval_ns)) if good else 0
        return Count(
            energy_j=self.energy_j + (power or 0.0) * covered / NS_PER_S,
            gap_ns=self.gap_ns + passed - covered,
            last_end_ns=reading.end_ns,
            interval_ns=reading.interval_ns,
            samples=samples,
        )


class Counters:
    """Totals by meter and channel; one writer per meter, many readers, nothing waits."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], Count] = {}

    def put(self, reading: Reading) -> None:
        """Count a reading; called on the thread of its meter."""
        key = (reading.meter, reading.values.channel)
        self._counts[key] = self._counts.get(key, Count()).plus(reading)

    def get(self, meter: str, channel: str) -> Count:
        """Totals of a channel."""
        return self._counts.get((meter, channel), Count())
