"""What a power log is worth: coverage of the window, samples that are none, gaps, energy by integration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from checker.metrics import Samples
from schemas.energy import EnergyResult, EnergySamples, NoSamples, integrate, spacings_ns
from schemas.power_samples import NOT_AVAILABLE, PowerSamples, is_between


@dataclass(frozen=True, slots=True)
class Quality:
    """``bad`` counts samples in the window that are no plain non-negative reading, or repeat or step back in
    time; ``over_range`` those that say so; ``negative`` those below zero. ``energy`` is None without any good
    sample in the window. The lines are those of the first bad sample, of the first over range, and of the last good one
    before the longest gap."""

    bad: int
    over_range: int
    negative: int
    out_of_order: int
    energy: EnergyResult | None
    bad_line: int | None = None
    over_range_line: int | None = None
    gap_line: int | None = None

    @property
    def coverage(self) -> float:
        """Share of the window that good samples stand for."""
        return self.energy.coverage if self.energy is not None else 0.0


def judge(found: Samples) -> Quality:
    """Judge the samples of a window."""
    begin, end, lines = int(found.window.begin_ns), int(found.window.end_ns), found.all_lines
    forward, out = lines, lines.picked(())
    inside = found.inside
    if not lines.rising:
        forward, backward = (lines.picked(rows) for rows in _in_time(lines.at))
        inside, out = (some.picked(some.between(begin, end)) for some in (forward, backward))
    wrong = [] if inside.plain else [s for s in inside if not s.plain]
    good = inside if inside.plain else inside.picked([row for row, s in enumerate(inside) if s.plain])
    over = _over_range(inside)
    return Quality(
        bad=len(wrong) + len(out),
        over_range=len(over),
        negative=sum(s.power_w < 0 for s in wrong),
        out_of_order=len(out),
        energy=_energy(forward, begin, end),
        bad_line=min((*(s.line for s in wrong), *out.line), default=None),
        over_range_line=over[0] if over else None,
        gap_line=_before_gap(good),
    )


def _energy(forward: PowerSamples, begin_ns: int, end_ns: int) -> EnergyResult | None:
    """The energy of a window, of which samples that are no plain reading know nothing."""
    watts, good = forward.power_w, [True] * len(forward)
    if not forward.plain:
        good = [0 <= w < NOT_AVAILABLE for w in watts]
        watts = [w if fine else 0.0 for w, fine in zip(watts, good, strict=True)]
    try:
        return integrate(EnergySamples(forward.at, watts, good, [0] * len(forward)), begin_ns, end_ns)
    except (NoSamples, ValueError):
        return None


def _before_gap(good: PowerSamples) -> int | None:
    """The line after which the next good sample comes latest."""
    gaps = spacings_ns(good.at)
    return good.line[gaps.index(max(gaps))] if gaps else None


def _in_time(at: Sequence[int]) -> tuple[list[int], list[int]]:
    """The places of the samples whose stamp is later than every one before, and of the others."""
    forward: list[int] = []
    backward: list[int] = []
    latest = -math.inf
    for row, stamp in enumerate(at):
        if stamp > latest:
            latest = stamp
            forward.append(row)
        else:
            backward.append(row)
    return forward, backward


def _over_range(samples: PowerSamples) -> list[int]:
    """The lines in which a meter wrote its sign for "above the range" in place of watts, volts or amperes."""
    columns = (samples.power_w, samples.voltage_v, samples.current_a)
    if all(is_between(column, -NOT_AVAILABLE, NOT_AVAILABLE) for column in columns):
        return []
    return [
        line
        for line, *values in zip(samples.line, *columns, strict=True)
        if any(value >= NOT_AVAILABLE or value == -math.inf for value in values)
    ]
