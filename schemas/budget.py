"""The uncertainty of a window's energy, term by term.

A term of the meter's specification is a limit in watts (half-width of a rectangular distribution) for every
sample; summed over the time each sample stands for it becomes joules, fully correlated within the window, so it
never falls with the number of samples. Terms combine in quadrature; the window's u95 is 1.96 times the root.
Every entry gives ``value``, the half-width in joules, and ``u``, its standard uncertainty in joules:
``value / sqrt(3)`` for ``rectangular``, ``value / 1.96`` for ``normal``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.energy import EnergyResult
from schemas.measured import Quality, Reading
from schemas.metrology import Specification
from schemas.units import NS_PER_S

COVERAGE_FACTOR = 1.96
Kind = Literal["rectangular", "normal"]


@dataclass(frozen=True, slots=True)
class BudgetTerm:
    """One source of doubt: ``value`` is a half-width in joules, ``u`` its standard uncertainty in joules."""

    term: str
    kind: Kind
    value: float
    u: float


@dataclass(frozen=True, slots=True)
class ClockBounds:
    """How far the window's begin and end may be off on the samples' time line, in seconds (95 %)."""

    begin_u95_s: float
    end_u95_s: float


def rectangular(term: str, limit_j: float) -> BudgetTerm:
    """A limit that nothing is known about but its width."""
    return BudgetTerm(term, "rectangular", limit_j, limit_j / math.sqrt(3))


def normal(term: str, u95_j: float) -> BudgetTerm:
    """A half-width that holds the value with 95 %."""
    return BudgetTerm(term, "normal", u95_j, u95_j / COVERAGE_FACTOR)


def u95(terms: Sequence[BudgetTerm]) -> float:
    """Quadrature of all terms, times 1.96."""
    return COVERAGE_FACTOR * math.sqrt(sum(t.u * t.u for t in terms))


def budget(
    readings: Sequence[Reading],
    result: EnergyResult,
    specification: Specification,
    clock: ClockBounds,
    channels: Sequence[Sequence[Reading]] | None = None,
) -> tuple[BudgetTerm, ...]:
    """All terms of a window; ``readings`` are those that ``result`` was integrated from, in the same order.

    ``channels`` are the readings that each of them is the sum of. Their limits are added, as the makers add the errors
    of the elements for the power of several.
    """
    return (
        *_specification_terms(channels or [(r,) for r in readings], result, specification),
        rectangular("edges", result.edge_limit_j),
        rectangular("gaps", result.gap_limit_j),
        *_clock_terms(readings, result, clock),
        normal("sampling", _sampling_u95_j(readings, result)),
    )


def of_several(budgets: Mapping[str, Sequence[BudgetTerm]]) -> tuple[BudgetTerm, ...]:
    """The terms of several meters for the sum of what they measured.

    The window's ends are the same for all, so what their instants cost is added; everything else is each meter's own
    and stands as ``METER/term``. A common shift of one meter's stamps is its skew against the others.
    """
    found = [normal("clock", sum(t.value for terms in budgets.values() for t in terms if t.term == "clock"))]
    for meter, terms in budgets.items():
        for t in terms:
            if t.term != "clock":
                name = "skew" if t.term == "clock/stamps" else t.term
                found.append(BudgetTerm(f"{meter}/{name}", t.kind, t.value, t.u))
    return tuple(found)


def _specification_terms(
    updates: Sequence[Sequence[Reading]], result: EnergyResult, specification: Specification
) -> list[BudgetTerm]:
    """Limits of the samples weighted by their time, stretched over what had to be bridged."""
    limits: dict[str, float] = {}
    for channels, weight in zip(updates, result.weights_ns, strict=True):
        if weight:
            for name, limit_w in (limit for r in channels for limit in sample_limits(r, specification)):
                limits[name] = limits.get(name, 0.0) + limit_w * weight / NS_PER_S
    covered_ns = sum(result.weights_ns)
    stretch = (result.end_ns - result.begin_ns) / covered_ns if covered_ns else 1.0
    return [rectangular(name, limit * stretch) for name, limit in limits.items()]


def sample_limits(reading: Reading, specification: Specification) -> list[tuple[str, float]]:
    """Name and limit in watts of every term of the specification for one good reading."""
    v = reading.values
    power = v.power_w or 0.0
    volts = v.voltage_v or 0.0
    amps = v.current_a or 0.0
    terms = specification.power_terms(
        power_w=power,
        voltage_v=volts,
        current_a=amps,
        power_factor=v.power_factor if v.power_factor is not None and math.isfinite(v.power_factor) else None,
        voltage_range_v=v.voltage_range_v or _range_above(volts, specification.voltage_ranges_v),
        current_range_a=v.current_range_a or _range_above(amps, specification.current_ranges_a),
        crest_factor=v.crest_factor or 3,
        interval_ns=reading.interval_ns,
    )
    return [(t.name, t.limit_w) for t in terms]


def limit_share(reading: Reading, specification: Specification) -> float:
    """The limits of one reading added up, as a share of it; the way of SPEC and of PTDaemon."""
    power = abs(reading.values.power_w or 0.0)
    return sum(limit for _, limit in sample_limits(reading, specification)) / power if power else math.inf


def _range_above(value: float, ranges: Sequence[float]) -> float:
    """The range a meter would have needed where it did not say which one it was on."""
    return min((r for r in ranges if r >= value), default=max(ranges))


def _clock_terms(
    readings: Sequence[Reading], result: EnergyResult, clock: ClockBounds
) -> tuple[BudgetTerm, BudgetTerm]:
    """What wrong instants do: of the window's ends one by one, and of all the meter's stamps together.

    An end that is off by d adds or misses d times the power there. A common shift of the stamps moves both ends
    alike, which matters only as far as power differs between and across them.
    """
    inside = [i for i, w in enumerate(result.weights_ns) if w]
    begin = _powers_near(readings, inside[0])
    end = _powers_near(readings, inside[-1])
    ends_j = math.hypot(clock.begin_u95_s * max(map(abs, begin)), clock.end_u95_s * max(map(abs, end)))
    at_ends = [*_near(readings, inside[0]), *_near(readings, inside[-1])]
    shift_s = max(r.end_u95_ns for r in at_ends) / NS_PER_S
    both = [*begin, *end]
    across = max(max(both) - min(both), result.step_begin_w, result.step_end_w)
    return normal("clock", ends_j), rectangular("clock/stamps", shift_s * across)


def _near(readings: Sequence[Reading], index: int) -> list[Reading]:
    """The good readings within two of ``index``."""
    return [r for r in readings[max(0, index - 2) : index + 3] if r.values.quality is Quality.GOOD]


def _powers_near(readings: Sequence[Reading], index: int) -> list[float]:
    return [r.values.power_w or 0.0 for r in _near(readings, index)]


def _sampling_u95_j(readings: Sequence[Reading], result: EnergyResult) -> float:
    """Stamps that are off one by one: each moves the border between two samples, as far as the two differ.

    Two things tell how far: the scatter of the spacings against the meter's even updates (spacings half an
    interval off or more are losses, not scatter), and what a stamp claims beyond the best one, which all share.
    """
    weighted = [r for r, w in zip(readings, result.weights_ns, strict=True) if w]
    shared_ns = min(r.end_u95_ns for r in weighted)
    changes = doubts = offs = 0.0
    count = 0
    for a, b in itertools.pairwise(weighted):
        change_w = (b.values.power_w or 0.0) - (a.values.power_w or 0.0)
        changes += change_w**2
        doubts += (change_w * (a.end_u95_ns - shared_ns) / NS_PER_S) ** 2
        off = b.end_ns - a.end_ns - b.interval_ns
        if a.boot_id == b.boot_id and abs(off) < b.interval_ns // 2:
            offs, count = offs + off * off, count + 1
    scatter_s = math.sqrt(offs / count) / NS_PER_S if count else 0.0
    return math.hypot(COVERAGE_FACTOR * scatter_s * math.sqrt(changes), math.sqrt(doubts))
