"""The energy of an open window so far, for eyes: ``schemas.energy.integrate`` over one stretch after the other.

What stands in a closed window is computed afresh from the store; this is only shown while the window is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from powerd.model import Quality, Reading
from schemas.budget import rectangular, u95
from schemas.energy import MAX_STRETCH, EnergySample, NoSamples, integrate
from schemas.units import NS_PER_S

FOLD = 256
"""So many samples are kept before they are summed up."""
_OVERLAP = 8


@dataclass(frozen=True, slots=True)
class SoFar:
    """Energy from the opening to the latest sample, and the share of that time within good samples.

    ``energy_u95_j`` is what the meter's specification leaves open, None where that is not known; edges, clock and
    losses are added when the window is closed.
    """

    energy_j: float
    coverage: float
    seconds: float
    energy_u95_j: float | None = None


class RunningEnergy:
    """One open window of one channel on BOOTTIME of this boot. Fed by one thread, looked at by others."""

    def __init__(self, begin_ns: int, readings: Iterable[Reading] = ()) -> None:
        self._begin_ns = begin_ns
        self._done_ns = begin_ns
        self._joules = 0.0
        self._covered_ns = 0.0
        self._samples: tuple[EnergySample, ...] = ()
        self._interval_ns = NS_PER_S
        self._limits_j: dict[str, float] = {}
        for reading in readings:
            self.add(reading)

    def add(self, reading: Reading, limits_w: Iterable[tuple[str, float]] = ()) -> None:
        """Take the next reading in, with the limits of its power by the meter's specification."""
        power = reading.values.power_w
        good = reading.values.quality is Quality.GOOD and power is not None
        if self._samples and reading.end_ns < self._samples[-1].end_ns:
            return
        self._interval_ns = reading.interval_ns
        if good:
            before = self._samples[-1].end_ns if self._samples else self._begin_ns
            seconds = (
                max(0, min(reading.end_ns - before, round(MAX_STRETCH * reading.interval_ns))) / NS_PER_S
            )
            for name, limit_w in limits_w:
                self._limits_j[name] = self._limits_j.get(name, 0.0) + limit_w * seconds
        self._samples = (*self._samples, EnergySample(reading.end_ns, power or 0.0, good))
        if len(self._samples) >= FOLD:
            self._fold()

    def so_far(self) -> SoFar | None:
        """What it is now; None before the first sample after the opening."""
        joules, covered_ns = self._stretch()
        end_ns = self._samples[-1].end_ns if self._samples else self._begin_ns
        elapsed_ns = end_ns - self._begin_ns
        if elapsed_ns <= 0:
            return None
        coverage = min(1.0, (self._covered_ns + covered_ns) / elapsed_ns)
        return SoFar(self._joules + joules, coverage, elapsed_ns / NS_PER_S)

    @property
    def limits_j(self) -> Mapping[str, float]:
        """The limits of the specification so far, in joules, term by term: they never fall with more samples."""
        return self._limits_j

    def _fold(self) -> None:
        joules, covered_ns = self._stretch()
        self._joules += joules
        self._covered_ns += covered_ns
        self._done_ns = max(self._done_ns, self._samples[-1].end_ns)
        self._samples = self._samples[-_OVERLAP:]

    def _stretch(self) -> tuple[float, float]:
        """Joules and covered nanoseconds from what is summed up to the latest sample."""
        samples, begin = self._samples, self._done_ns
        if not samples or samples[-1].end_ns <= begin:
            return 0.0, 0.0
        try:
            result = integrate(samples, begin, samples[-1].end_ns, self._interval_ns)
        except NoSamples:
            return 0.0, 0.0
        return result.energy_j, result.coverage * (result.end_ns - result.begin_ns)


class RunningSum:
    """An open window of one or more channels, each integrated by itself: intervals and phases may differ."""

    def __init__(self, begin_ns: int, places: Iterable[tuple[str, str]]) -> None:
        self._parts = {place: RunningEnergy(begin_ns) for place in places}

    def add(self, reading: Reading, limits_w: Iterable[tuple[str, float]] = ()) -> None:
        """Take the next reading of one of the channels in, with the limits of its power."""
        part = self._parts.get((reading.meter, reading.values.channel))
        if part is not None:
            part.add(reading, limits_w)

    def so_far(self) -> SoFar | None:
        """The sum, and the poorest coverage; None before every channel has a sample."""
        found = [part.so_far() for part in self._parts.values()]
        known = [f for f in found if f is not None]
        if len(known) < len(found):
            return None
        return SoFar(
            sum(f.energy_j for f in known),
            min(f.coverage for f in known),
            max(f.seconds for f in known),
            self._u95_j(),
        )

    def _u95_j(self) -> float | None:
        """As in ``schemas.budget``: channels of a meter add up term by term, everything else in quadrature."""
        if not all(part.limits_j for part in self._parts.values()):
            return None
        terms: dict[tuple[str, str], float] = {}
        for (meter, _), part in self._parts.items():
            for name, limit_j in part.limits_j.items():
                terms[meter, name] = terms.get((meter, name), 0.0) + limit_j
        return u95([rectangular(name, limit_j) for (_, name), limit_j in terms.items()])
