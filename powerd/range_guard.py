"""The range guard: in an open window, whether the range clips or the uncertainty of power will exceed 1 %.

A reading over range, also one whose peaks clip, is a ``range`` alarm at once; so is an effective value close to where
the meter gives up. The expanded uncertainty (95 %) of the mean power of the last seconds by the specification, above
1 % by more than its guard band, is an ``uncertainty`` alarm. Each comes once for a range and proposes ranges: the next
one up for what clips, else the smallest that holds what was seen and a tenth more (as in ranging). On another range all
is looked at anew.

How far peaks are from clipping cannot be told from effective values: published windows with the same current, range and
power factor clip or do not. So nothing is guessed from the power factor; the meter's own sign for clipped peaks counts.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from powerd.model import Quality, Reading
from schemas.budget import COVERAGE_FACTOR, sample_limits
from schemas.metrology import Specification
from schemas.statements import ONE_PERCENT
from schemas.units import NS_PER_S

CLOSE = 0.95
"""Share of the largest measurable value (``over_range_share`` of the range) from which on the range will not do."""
MARGIN = 1.1
"""The proposed current range holds what was seen and this much more."""
LOOK_BACK_NS = 10 * NS_PER_S
FIRST_LOOK_NS = 15 * NS_PER_S
LOOK_EVERY_NS = NS_PER_S
"""Uncertainty is judged over the last ten seconds, from second fifteen of the window on: before it often idles."""


@dataclass(frozen=True, slots=True)
class RangeAlarm:
    """``kind`` is ``range`` or ``uncertainty``; the proposed ranges are None where none would help."""

    kind: str
    message: str
    voltage_range_v: float | None
    current_range_a: float | None


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be said on a reading, usually nothing; ``range_changed``: nothing said before holds any more."""

    alarms: tuple[RangeAlarm, ...]
    range_changed: bool


class RangeGuard:
    """Guards one channel for one window. Fed with its readings in order; ``specification`` is its meter's."""

    def __init__(self, specification: Specification) -> None:
        self._specification = specification
        self._raised: set[str] = set()
        self._recent: deque[Reading] = deque()
        self._begin_ns: int | None = None
        self._judged_ns = 0
        self._highest_v = self._highest_a = 0.0
        self._ranges_now: tuple[float, float] | None = None

    def look(self, reading: Reading) -> Look:
        """What is to be said on this reading."""
        if self._begin_ns is None:
            self._begin_ns = reading.end_ns
        changed = self._on_other_range(reading)
        values = reading.values
        self._highest_v = max(self._highest_v, values.voltage_v or 0.0)
        self._highest_a = max(self._highest_a, values.current_a or 0.0)
        if values.quality is Quality.GOOD and values.power_w is not None:
            self._recent.append(reading)
        while self._recent and self._recent[0].end_ns <= reading.end_ns - LOOK_BACK_NS:
            self._recent.popleft()
        found = [self._clips(reading), self._uncertain(reading.end_ns - self._begin_ns)]
        fresh = [alarm for alarm in found if alarm is not None and alarm.kind not in self._raised]
        self._raised |= {alarm.kind for alarm in fresh}
        return Look(tuple(fresh), changed)

    def _on_other_range(self, reading: Reading) -> bool:
        """Whether the range changed; what was seen and said on the one before is then forgotten."""
        volts, amperes = reading.values.voltage_range_v, reading.values.current_range_a
        if volts is None or amperes is None:
            return False
        before, self._ranges_now = self._ranges_now, (volts, amperes)
        if before is None or before == self._ranges_now:
            return False
        self._raised.clear()
        self._recent.clear()
        return True

    def _clips(self, reading: Reading) -> RangeAlarm | None:
        values, spec = reading.values, self._specification
        over = values.quality is Quality.OVERRANGE
        rows = (
            ("V", values.voltage_v, values.voltage_range_v, self._ranges(spec.voltage_ranges_v, reading)),
            ("A", values.current_a, values.current_range_a, self._ranges(spec.current_ranges_a, reading)),
        )
        proposed: dict[str, float | None] = {}
        said: list[str] = []
        for unit, value, range_, ranges in rows:
            if range_ is None:
                continue
            close = value is not None and value > CLOSE * spec.over_range_share * range_
            if close or (over and value is None):
                what = (
                    f"{value:.4g} {unit}"
                    if value is not None
                    else f"{'voltage' if unit == 'V' else 'current'} over range"
                )
                higher = [r for r in ranges if r > range_ * (1 + 1e-6)]
                proposed[unit] = min(higher, default=None)
                hint = "there is no higher one" if not higher else f"take {min(higher):g} {unit}"
                said.append(f"{what} on the range of {range_:g} {unit}: {hint}")
        if not said and not over:
            return None
        message = "; ".join(said) or "the channel is over its range: take the next range up"
        return RangeAlarm("range", message, proposed.get("V"), proposed.get("A"))

    def _ranges(self, ranges: tuple[float, ...], reading: Reading) -> list[float]:
        """Ranges at the crest factor in force, ascending."""
        half = (reading.values.crest_factor or 3) != 3
        return sorted(r / 2 if half else r for r in ranges)

    def _uncertain(self, since_ns: int) -> RangeAlarm | None:
        if since_ns < FIRST_LOOK_NS or len(self._recent) < 3 or "uncertainty" in self._raised:
            return None
        if since_ns < self._judged_ns + LOOK_EVERY_NS:
            return None
        self._judged_ns = since_ns
        share, mean_w = self._share(None, None)
        if mean_w <= 0 or share < ONE_PERCENT or share - share * share / max(1 - share, 0.01) <= ONE_PERCENT:
            return None
        first = self._recent[-1]
        volts = self._smallest(self._ranges(self._specification.voltage_ranges_v, first), self._highest_v)
        amperes = self._smallest(
            self._ranges(self._specification.current_ranges_a, first), MARGIN * self._highest_a
        )
        best, _ = self._share(volts, amperes)
        said = f"at this load the power of {mean_w:.4g} W is known to ± {100 * share:.2g} % only"
        if best >= 0.95 * share:
            return RangeAlarm(
                "uncertainty", f"{said}, and no range of this meter would give less", None, None
            )
        hint = f"{volts:g} V and {amperes:g} A would give ± {100 * best:.2g} %"
        return RangeAlarm("uncertainty", f"{said}: {hint}", volts, amperes)

    @staticmethod
    def _smallest(ranges: list[float], value: float) -> float:
        return next((r for r in ranges if r >= value), ranges[-1])

    def _share(self, voltage_range_v: float | None, current_range_a: float | None) -> tuple[float, float]:
        """Expanded uncertainty of the mean power as a share of it, and that power; None: on the ranges as they were."""
        sums: dict[str, float] = {}
        for reading in self._recent:
            moved = reading if voltage_range_v is None else _on(reading, voltage_range_v, current_range_a)
            for name, limit_w in sample_limits(moved, self._specification):
                sums[name] = sums.get(name, 0.0) + limit_w
        total = math.fsum(r.values.power_w or 0.0 for r in self._recent)
        spread = COVERAGE_FACTOR * math.sqrt(sum(s * s for s in sums.values()) / 3)
        return (spread / total if total > 0 else math.inf), total / len(self._recent)


def _on(reading: Reading, voltage_range_v: float, current_range_a: float | None) -> Reading:
    """The same reading as if it had been taken on other ranges."""
    values = replace(reading.values, voltage_range_v=voltage_range_v, current_range_a=current_range_a)
    return replace(reading, values=values)
