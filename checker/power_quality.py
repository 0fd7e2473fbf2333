"""What a power log is worth: coverage of the window, samples that are none, gaps, energy by integration."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from checker.metrics import Samples
from schemas.energy import EnergyResult, EnergySample, NoSamples, integrate
from schemas.powerlog import NOT_AVAILABLE, PowerLine


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
    window = found.window
    forward, backward = _in_time(found.all_lines)
    out = [s for s in backward if window.begin_ns < s.at < window.end_ns]
    inside = [s for s in forward if window.begin_ns < s.at < window.end_ns]
    good = [s for s in inside if 0 <= s.power_w < NOT_AVAILABLE]
    wrong = [s for s in inside if not s.plain] if len(good) < len(inside) else []
    ordered = [
        EnergySample(s.at, s.power_w, True)
        if 0 <= s.power_w < NOT_AVAILABLE
        else EnergySample(s.at, 0.0, False)
        for s in forward
    ]
    try:
        energy = integrate(ordered, int(window.begin_ns), int(window.end_ns))
    except (NoSamples, ValueError):
        energy = None
    over = [s for s in inside if over_range(s)]
    return Quality(
        bad=len(wrong) + len(out),
        over_range=len(over),
        negative=sum(s.power_w < 0 for s in wrong),
        out_of_order=len(out),
        energy=energy,
        bad_line=min((s.line for s in (*wrong, *out)), default=None),
        over_range_line=over[0].line if over else None,
        gap_line=_before_gap(good),
    )


def _before_gap(good: list[PowerLine]) -> int | None:
    """The line after which the next good sample comes latest."""
    gaps = [after.at - before.at for before, after in itertools.pairwise(good)]
    return good[gaps.index(max(gaps))].line if gaps else None


def _in_time(lines: tuple[PowerLine, ...]) -> tuple[list[PowerLine], list[PowerLine]]:
    """Samples whose stamp is later than every one before, and the others."""
    forward: list[PowerLine] = []
    backward: list[PowerLine] = []
    latest = -math.inf
    for sample in lines:
        if sample.at > latest:
            latest = sample.at
            forward.append(sample)
        else:
            backward.append(sample)
    return forward, backward


def over_range(sample: PowerLine) -> bool:
    """Whether a meter wrote its sign for "above the range" in place of watts, volts or amperes."""
    watts, volts, amperes = sample.power_w, sample.voltage_v, sample.current_a
    if watts >= NOT_AVAILABLE or volts >= NOT_AVAILABLE or amperes >= NOT_AVAILABLE:
        return True
    return -math.inf in (watts, volts, amperes)
