"""What happened to the system clock between fixes: set, a leap second, slewed, asleep; each as a sentence with a name.

BOOTTIME and UTC come from one time keeper: what a time service slews, both follow; only a step parts them. So a slew is
seen against CLOCK_MONOTONIC_RAW, which nobody corrects, and sleep where BOOTTIME went on and CLOCK_MONOTONIC did not.
Sources: clock_gettime(2), adjtimex(2).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.clocks import ClockFix, Tie, is_step
from schemas.units import NS_PER_S

LEAP_SLACK_NS = 20 * 1_000_000
ASLEEP_NS = 10 * 1_000_000
"""Less than this is no sleep but the time between two looks."""
USUAL_SLEW = 500e-6
"""The kernel slews no faster by itself (adjtimex); beyond it BOOTTIME's own seconds are too long or too short."""
CRYSTAL = 150e-6
"""A quartz and the usual correction of it; what is below is no slew."""
SHORTEST_NS = NS_PER_S
"""Over less, the rate between two fixes says nothing."""


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """``name`` is clock-step, leap-second, clock-slew or suspend; ``spoils`` says that a window suffers from it."""

    name: str
    text: str
    spoils: bool = True

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


def events(fixes: Sequence[ClockFix]) -> Iterator[ClockEvent]:
    """Everything that happened between the first and the last of these fixes of one boot, in order of time."""
    worst = 0.0
    for before, after in itertools.pairwise(fixes):
        yield from _asleep(before, after)
        yield from _set(before, after)
        rate = slew(before, after)
        worst = rate if abs(rate) > abs(worst) else worst
    if worst:
        spoils = abs(worst) > USUAL_SLEW
        yield ClockEvent("clock-slew", f"the system clock was slewed by up to {1e6 * worst:+.0f} ppm", spoils)


def slew(before: ClockFix, after: ClockFix) -> float:
    """Share by which BOOTTIME ran faster than the clock nobody corrects; 0 where that is no more than usual."""
    if None in (before.raw_ns, after.raw_ns, before.asleep_ns, after.asleep_ns):
        return 0.0
    passed = (after.raw_ns or 0) - (before.raw_ns or 0)
    if passed < SHORTEST_NS:
        return 0.0
    asleep = (after.asleep_ns or 0) - (before.asleep_ns or 0)
    if abs(asleep) <= ASLEEP_NS:
        asleep = 0  # only the time between two looks
    more = after.boottime_ns - before.boottime_ns - asleep - passed
    # Waking up is not seen to the microsecond.
    noise = before.u95_ns + after.u95_ns + (ASLEEP_NS if asleep else 0)
    rate = max(0, abs(more) - noise) / passed
    return 0.0 if rate <= CRYSTAL else rate if more > 0 else -rate


def _asleep(before: ClockFix, after: ClockFix) -> Iterator[ClockEvent]:
    if before.asleep_ns is None or after.asleep_ns is None:
        return
    slept = after.asleep_ns - before.asleep_ns
    if slept > ASLEEP_NS + before.u95_ns + after.u95_ns:
        yield ClockEvent("suspend", f"this machine slept for {slept / NS_PER_S:.3f} s")


def _set(before: ClockFix, after: ClockFix) -> Iterator[ClockEvent]:
    if not is_step(_tie(before), _tie(after)):
        return
    by = _tie(after).offset_ns - _tie(before).offset_ns
    if before.leap and abs(by + before.leap * NS_PER_S) <= LEAP_SLACK_NS:
        word = "inserted" if before.leap > 0 else "left out"
        yield ClockEvent("leap-second", f"a leap second was {word} in UTC")
    else:
        yield ClockEvent("clock-step", f"the system clock was set by {by / NS_PER_S:+.3f} s")


def _tie(fix: ClockFix) -> Tie:
    return Tie(fix.boottime_ns, fix.utc_ns, fix.u95_ns)


def around(fixes: Sequence[ClockFix], begin_ns: int, end_ns: int) -> list[ClockEvent]:
    """What happened from the last fix before a stretch of BOOTTIME to the first one after it."""
    first = max((f.boottime_ns for f in fixes if f.boottime_ns <= begin_ns), default=begin_ns)
    last = min((f.boottime_ns for f in fixes if f.boottime_ns >= end_ns), default=end_ns)
    return list(events([f for f in fixes if first <= f.boottime_ns <= last]))


def keepers(fixes: Sequence[ClockFix], begin_ns: int, end_ns: int) -> dict[str, Any]:
    """Who kept the clock right in a stretch, and how far it may have been off UTC in the worst moment.

    ``bound_s`` is None where that is not known of every fix.
    """
    inside = [f for f in fixes if begin_ns <= f.boottime_ns <= end_ns]
    known = inside or [min(fixes, key=lambda f: abs(f.boottime_ns - end_ns))]
    bounds = [f.utc_bound_ns for f in known if f.utc_bound_ns is not None]
    worst = max(bounds) / NS_PER_S if len(bounds) == len(known) else None
    return {"sources": sorted({f.source for f in known}), "bound_s": worst}
