"""Several channels, or several meters, that measure one system: their sum by time.

Channels of one meter end their intervals together, so an update is added up as it is and there is no skew. Meters run
on clocks of their own, with intervals and phases of their own: each is integrated over the very same stretch of time
and the joules are added, so that no sample has to be put where it does not belong. What their stamps may be off from
each other (the skew) is a term of the budget for each meter; what the stretch's ends cut out of a sample is each
meter's own edge term. ``joined`` gives the power over time, on the stamps of the slowest meter.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from schemas.energy import EnergyResult, EnergySample, Stretch, stretches
from schemas.measured import Quality, Reading, Values
from schemas.units import NS_PER_S

WHOLE = 0.998
"""A joined sample is good where so much of its interval lies within good samples of every meter."""
_GRAVEST = (Quality.OVERRANGE, Quality.NODATA, Quality.GARBLED, Quality.LATE)


def summed(parts: Sequence[Reading]) -> Reading:
    """One reading for the channels of one update; one part is itself.

    A negative channel is a number like any other here (with the two-wattmeter method one channel may well be); only
    the sum must not be negative. Voltage, current and power factor of a sum have no common meaning and are left out;
    ranges stand where they are the same for all.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    values = [p.values for p in parts]
    lost = next((q for q in _GRAVEST if any(v.quality is q for v in values)), None)
    watts = [v.power_w for v in values if v.power_w is not None]
    if lost is None and len(watts) < len(values):
        lost = Quality.NODATA
    power = math.fsum(watts) if lost is None else None
    fine = Quality.GOOD if power is None or power >= 0 else Quality.NEGATIVE
    return replace(
        first,
        end_u95_ns=max(p.end_u95_ns for p in parts),
        values=replace(
            _only_power("+".join(v.channel for v in values), power, lost or fine),
            voltage_range_v=_common_to(v.voltage_range_v for v in values),
            current_range_a=_common_to(v.current_range_a for v in values),
        ),
        simulated=any(p.simulated for p in parts),
    )


def by_update(readings: Iterable[Reading], channels: Sequence[str]) -> list[tuple[Reading, ...]]:
    """Readings of one meter in one boot as updates in order of time, each with all of these channels."""
    found: dict[tuple[int, int], dict[str, Reading]] = {}
    for reading in readings:
        found.setdefault((reading.end_ns, reading.sequence), {})[reading.values.channel] = reading
    return [whole(found[key], channels) for key in sorted(found)]


def whole(rows: Mapping[str, Reading], channels: Sequence[str]) -> tuple[Reading, ...]:
    """One update with all of these channels, those whose record is not there as losses."""
    return tuple(rows.get(c) or missing(next(iter(rows.values())), c) for c in channels)


def missing(reading: Reading, channel: str) -> Reading:
    """The place of a channel whose record of this update is not there."""
    return replace(reading, values=_only_power(channel, None, Quality.NODATA), raw=b"")


def _common_to(values: Iterable[float | None]) -> float | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _only_power(channel: str, power_w: float | None, quality: Quality) -> Values:
    return Values(
        channel=channel,
        power_w=power_w,
        voltage_v=None,
        current_a=None,
        power_factor=None,
        frequency_hz=None,
        voltage_range_v=None,
        current_range_a=None,
        crest_factor=None,
        quality=quality,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One meter's readings with their places on the common time line, and its usual interval."""

    readings: Sequence[Reading]
    samples: Sequence[EnergySample]
    usual_ns: int


def joined(lines: Sequence[Line]) -> tuple[list[Reading], list[EnergySample]]:
    """The sum of several meters over time: a reading for each of the slowest one, with its place.

    The others stand with their mean over its interval. A reading is good where every meter was there all the time.
    """
    lead = max(range(len(lines)), key=lambda i: lines[i].usual_ns)
    others = [_Steps(line) for i, line in enumerate(lines) if i != lead]
    readings, samples = [], []
    previous: int | None = None
    for reading, sample in zip(lines[lead].readings, lines[lead].samples, strict=True):
        begin = sample.end_ns - lines[lead].usual_ns
        if previous is not None:
            begin = max(previous, sample.end_ns - round(1.5 * lines[lead].usual_ns))
        previous = sample.end_ns
        means = [steps.mean_w(begin, sample.end_ns) for steps in others]
        found = [m for m in means if m is not None]
        good = sample.good and len(found) == len(means)
        power = sample.power_w + math.fsum(found) if good else None
        lost = reading.values.quality if not sample.good else Quality.NODATA
        channel = "+".join(line.readings[0].values.channel for line in lines if line.readings)
        values = _only_power(channel, power, Quality.GOOD if good else lost)
        readings.append(replace(reading, values=values))
        samples.append(EnergySample(sample.end_ns, power or 0.0, good, sample.end_u95_ns))
    return readings, samples


class _Steps:
    """Power of one meter as steps: joules and good time up to any instant."""

    def __init__(self, line: Line) -> None:
        stamps = [s.end_ns for s in line.samples]
        begin = (stamps[0] - 2 * line.usual_ns) if stamps else 0
        end = stamps[-1] + 1 if stamps else 1
        self._rows = stretches(line.samples, begin, end, line.usual_ns)
        self._begins = [r.from_ns for r in self._rows]
        self._before = [(0.0, 0)]
        for row in self._rows:
            joules, covered = self._before[-1]
            length = row.to_ns - row.from_ns
            self._before.append((joules + row.power_w * length / NS_PER_S, covered + length))

    def mean_w(self, begin_ns: int, end_ns: int) -> float | None:
        """Mean power over a stretch, None where it was not there nearly all the time."""
        if end_ns <= begin_ns:
            return None
        (e0, c0), (e1, c1) = self._upto(begin_ns), self._upto(end_ns)
        covered = c1 - c0
        return (e1 - e0) * NS_PER_S / covered if covered >= WHOLE * (end_ns - begin_ns) else None

    def _upto(self, at_ns: int) -> tuple[float, int]:
        index = bisect.bisect_right(self._begins, at_ns) - 1
        if index < 0:
            return 0.0, 0
        joules, covered = self._before[index]
        length = min(at_ns, self._rows[index].to_ns) - self._rows[index].from_ns
        return joules + self._rows[index].power_w * length / NS_PER_S, covered + length


def total(
    results: Sequence[EnergyResult], lines: Sequence[Line], samples: Sequence[EnergySample]
) -> EnergyResult:
    """Several meters' results over one stretch as one; ``samples`` is their joined power.

    Joules are added; coverage is the share of time for which every meter was there. ``weights_ns`` is empty.
    """
    first = results[0]
    begin, end = first.begin_ns, first.end_ns
    energy = math.fsum(r.energy_j for r in results)
    inside = [s.power_w for s in samples if s.good and begin < s.end_ns <= end]
    lowest, highest = math.fsum(r.min_w for r in results), math.fsum(r.max_w for r in results)
    common = _common([stretches(line.samples, begin, end, line.usual_ns) for line in lines])
    return EnergyResult(
        begin_ns=begin,
        end_ns=end,
        energy_j=energy,
        measured_j=math.fsum(r.measured_j for r in results),
        bridged_j=math.fsum(r.bridged_j for r in results),
        average_w=energy * NS_PER_S / (end - begin),
        min_w=min(inside, default=lowest),
        max_w=max(inside, default=highest),
        samples=len(inside),
        coverage=common / (end - begin),
        max_gap_s=max(r.max_gap_s for r in results),
        edge_limit_j=math.fsum(r.edge_limit_j for r in results),
        gap_limit_j=math.fsum(r.gap_limit_j for r in results),
        step_begin_w=math.fsum(r.step_begin_w for r in results),
        step_end_w=math.fsum(r.step_end_w for r in results),
        weights_ns=(),
    )


def _common(rows: Sequence[Sequence[Stretch]]) -> int:
    """Nanoseconds that lie within stretches of every row."""
    kept = [(s.from_ns, s.to_ns) for s in rows[0]]
    for row in rows[1:]:
        kept = _overlap(kept, [(s.from_ns, s.to_ns) for s in row])
    return sum(to - begin for begin, to in kept)


def _overlap(a: Sequence[tuple[int, int]], b: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found = []
    i = j = 0
    while i < len(a) and j < len(b):
        low, high = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if high > low:
            found.append((low, high))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return found
