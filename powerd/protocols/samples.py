"""From readings of one or more channels to samples of one instrument, and the figures of a run of them.

A sample has a group of four numbers (watts, volts, amperes, power factor) per channel; with several channels the
sum goes before them, as PTDaemon writes it: watts added, volts and amperes averaged, power factor over the vector
sum (ptd-protocol, section 4).
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from powerd.model import Quality, Reading
from schemas.budget import sample_limits
from schemas.metrology import Specification

MOST_SAMPLES = 500_000
"""As in the reply to ``Go``; older samples stay in the store only."""
LIMIT = 0.01
"""SPEC's bound of the uncertainty of a sample, as a share of the watts."""
Place = tuple[str, str]
"""A meter and one of its channels."""


@dataclass(frozen=True, slots=True)
class Group:
    """One channel, or the sum; nan and inf stand for what the meter did not say."""

    watts: float
    volts: float
    amps: float
    power_factor: float

    @property
    def good(self) -> bool:
        """Whether there are watts."""
        return math.isfinite(self.watts)


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: the end of its interval (BOOTTIME, ns), its groups, and its uncertainty as a share of the watts."""

    end_ns: int
    groups: tuple[Group, ...]
    uncertainty: float | None


class Aligner:
    """Puts readings of several channels together by their time. The first place gives the beat."""

    def __init__(
        self, places: Sequence[Place], specifications: Mapping[str, Specification | None], fixed: bool
    ) -> None:
        """``specifications`` by meter; with automatic ranges (not ``fixed``) no uncertainty is said."""
        self._places = tuple(places)
        self._specifications = specifications
        self._fixed = fixed
        self._seen: dict[Place, deque[Reading]] = {place: deque(maxlen=4) for place in places}
        self._beats: deque[Reading] = deque(maxlen=100)

    def put(self, reading: Reading) -> list[Sample]:
        """Samples that this reading completes."""
        place = (reading.meter, reading.values.channel)
        if place not in self._seen:
            return []
        self._seen[place].append(reading)
        if place == self._places[0]:
            self._beats.append(reading)
        done: list[Sample] = []
        while self._beats and (self._complete(self._beats[0]) or self._hopeless(self._beats[0], reading)):
            done.append(self._sample(self._beats.popleft()))
        return done

    def _complete(self, beat: Reading) -> bool:
        least = beat.end_ns - beat.interval_ns // 2
        return all(self._seen[p] and self._seen[p][-1].end_ns >= least for p in self._places)

    @staticmethod
    def _hopeless(beat: Reading, now: Reading) -> bool:
        return now.end_ns >= beat.end_ns + 2 * beat.interval_ns

    def _sample(self, beat: Reading) -> Sample:
        found = [beat, *(self._nearest(p, beat) for p in self._places[1:])]
        groups = tuple(_group(r) for r in found)
        whole = groups if len(groups) == 1 else (_sum(groups), *groups)
        return Sample(beat.end_ns, whole, self._uncertainty(found, whole[0]))

    def _nearest(self, place: Place, beat: Reading) -> Reading | None:
        near = min(self._seen[place], key=lambda r: abs(r.end_ns - beat.end_ns), default=None)
        return near if near is not None and abs(near.end_ns - beat.end_ns) <= beat.interval_ns // 2 else None

    def _uncertainty(self, readings: Sequence[Reading | None], whole: Group) -> float | None:
        """All limits of the meters' specifications added, over the watts; None where one is not known."""
        if not self._fixed or not whole.good or whole.watts <= 0:
            return None
        limit_w = 0.0
        for reading in readings:
            specification = None if reading is None else self._specifications.get(reading.meter)
            if reading is None or specification is None or reading.values.quality is not Quality.GOOD:
                return None
            limit_w += sum(limit for _, limit in sample_limits(reading, specification))
        return limit_w / whole.watts


def _group(reading: Reading | None) -> Group:
    if reading is None:
        return Group(math.nan, math.nan, math.nan, math.nan)
    v = reading.values
    lost = math.inf if v.quality is Quality.OVERRANGE else math.nan
    return Group(*(lost if x is None else x for x in (v.power_w, v.voltage_v, v.current_a, v.power_factor)))


def _sum(groups: Sequence[Group]) -> Group:
    watts = sum(g.watts for g in groups)
    reactive = sum(
        math.sqrt(max(0.0, (g.volts * g.amps) ** 2 - g.watts**2)) if g.good else math.nan for g in groups
    )
    apparent = math.hypot(watts, reactive)
    count = len(groups)
    return Group(
        watts,
        sum(g.volts for g in groups) / count,
        sum(g.amps for g in groups) / count,
        watts / apparent if apparent else math.nan,
    )


def mean(samples: Sequence[Sample]) -> Sample:
    """Several updates as one sample: watts averaged, volts and amperes as root of the mean square."""
    if len(samples) == 1:
        return samples[0]
    groups = tuple(_mean_group(column) for column in zip(*(s.groups for s in samples), strict=True))
    known = [s.uncertainty for s in samples if s.uncertainty is not None]
    return Sample(samples[-1].end_ns, groups, sum(known) / len(known) if len(known) == len(samples) else None)


def _mean_group(column: Sequence[Group]) -> Group:
    count = len(column)
    watts = sum(g.watts for g in column) / count
    volts = math.sqrt(sum(g.volts**2 for g in column) / count)
    amps = math.sqrt(sum(g.amps**2 for g in column) / count)
    return Group(watts, volts, amps, watts / (volts * amps) if volts * amps else math.nan)


class Figures:
    """Average, least and largest of a stream of numbers."""

    def __init__(self) -> None:
        self.count = 0
        self.least = math.inf
        self.largest = -math.inf
        self._sum = 0.0

    def add(self, value: float) -> None:
        """One more."""
        self.count += 1
        self._sum += value
        self.least = min(self.least, value)
        self.largest = max(self.largest, value)

    def text(self) -> str:
        """``avg,min,max``; where nothing is known the three numbers that PTDaemon writes then."""
        if not self.count:
            return "-1.0,10000000.000000,0.000000"
        return f"{self._sum / self.count:.6f},{self.least:.6f},{self.largest:.6f}"


class Run:
    """The samples since ``Go`` and their figures, in some tens of bytes a sample."""

    def __init__(self, groups: int) -> None:
        """``groups`` per sample, the sum included."""
        self._width = 4 * groups
        self._ends = array("q")
        self._numbers = array("d")
        self._read = 0
        self.watts = Figures()
        self.uncertainty = Figures()
        self.samples = self.errors = self.above = 0

    def add(self, sample: Sample) -> None:
        """One more sample."""
        self.samples += 1
        if len(self._ends) < MOST_SAMPLES:
            self._ends.append(sample.end_ns)
            for g in sample.groups:
                self._numbers.extend((g.watts, g.volts, g.amps, g.power_factor))
        if sample.groups[0].good:
            self.watts.add(sample.groups[0].watts)
        else:
            self.errors += 1
        if sample.uncertainty is not None:
            self.uncertainty.add(sample.uncertainty)
            self.above += sample.uncertainty > LIMIT

    @property
    def watts_text(self) -> str:
        """The reply to ``Watts`` behind its word."""
        return f"{self.watts.text()},{self.samples},{self.errors},{self.samples - self.errors}"

    @property
    def uncertainty_text(self) -> str:
        """The reply to ``Uncertainty`` behind its word; the last three counts add up to the fourth field."""
        known = self.uncertainty.count
        return f"{self.uncertainty.text()},{self.samples},{self.above},{known - self.above},{self.samples - known}"

    def unread(self) -> tuple[int, Iterator[tuple[int, tuple[Group, ...]]]]:
        """How many samples were not handed out yet, and they; afterwards they count as read."""
        first, last = self._read, len(self._ends)
        self._read = last
        return last - first, (self._row(i) for i in range(first, last))

    def largest(self) -> tuple[float, float] | None:
        """Largest volts and amperes of any group; None without a good sample."""
        volts, amps = (
            [x for i in range(at, len(self._numbers), 4) if math.isfinite(x := self._numbers[i])]
            for at in (1, 2)
        )
        return (max(volts), max(amps)) if volts and amps else None

    def _row(self, index: int) -> tuple[int, tuple[Group, ...]]:
        edges = range(index * self._width, (index + 1) * self._width + 1, 4)
        return self._ends[index], tuple(Group(*self._numbers[a:b]) for a, b in pairwise(edges))
