"""The error bar of a window: every term by hand, in joules.

A term of the meter's specification is a rectangular limit of half-width a, u = a / sqrt(3), and fully correlated
within a window: it never falls with the number of samples. Terms are independent of each other, so

    energy_u95_j = 1.96 * sqrt(sum of u^2)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from powerd.model import Quality, Reading
from schemas.energy import EnergyResult
from schemas.metrology import Specification
from schemas.units import NS_PER_S

COVERAGE_FACTOR = 1.96
_ROOT_3 = math.sqrt(3.0)


@dataclass(frozen=True, slots=True)
class BudgetTerm:
    """One term: ``value_j`` the half-width or spread it comes from, ``u_j`` its standard uncertainty, joules."""

    term: str
    kind: str
    value_j: float
    u_j: float

    def to_document(self) -> dict[str, Any]:
        """As it stands in a window's ``budget``."""
        return {"term": self.term, "kind": self.kind, "value": self.value_j, "u": self.u_j}


def rectangular(term: str, half_width_j: float) -> BudgetTerm:
    """A term of which only the limits are known."""
    return BudgetTerm(term, "rectangular", half_width_j, half_width_j / _ROOT_3)


def u95(terms: Sequence[BudgetTerm]) -> float:
    """Expanded uncertainty (95 %) of the terms together, in joules."""
    return COVERAGE_FACTOR * math.sqrt(math.fsum(t.u_j**2 for t in terms))


def budget(
    readings: Sequence[Reading],
    result: EnergyResult,
    specification: Specification,
    clock_u95_ns: int,
) -> tuple[BudgetTerm, ...]:
    """All terms of a window's energy.

    ``readings`` are those that ``result`` was integrated from, in the same order. ``clock_u95_ns`` is the
    half-width that holds each end of the window on the clock of the readings.
    """
    return (
        *_specification_terms(readings, result, specification),
        rectangular("edges", result.edge_limit_j),
        rectangular("gaps", result.gap_limit_j),
        _clock(readings, result, clock_u95_ns),
        _stamps(readings, result),
    )


def _specification_terms(
    readings: Sequence[Reading], result: EnergyResult, specification: Specification
) -> list[BudgetTerm]:
    limits: dict[str, float] = {}
    measured_s = 0.0
    for reading, weight_ns in zip(readings, result.weights_ns, strict=True):
        if weight_ns == 0:
            continue
        measured_s += weight_ns / NS_PER_S
        for name, limit_w in _limits_w(reading, specification).items():
            limits[name] = limits.get(name, 0.0) + limit_w * weight_ns / NS_PER_S
    # Bridged time is as uncertain as the time beside it, on top of what the gap itself may hide.
    whole = (result.end_ns - result.begin_ns) / NS_PER_S / measured_s
    return [rectangular(name, limit * whole) for name, limit in limits.items()]


def _limits_w(reading: Reading, specification: Specification) -> Mapping[str, float]:
    values = reading.values
    volts_range = values.voltage_range_v or max(specification.voltage_ranges_v)
    amps_range = values.current_range_a or max(specification.current_ranges_a)
    power = values.power_w or 0.0
    terms = specification.power_terms(
        power_w=power,
        voltage_v=values.voltage_v if values.voltage_v is not None else volts_range,
        current_a=values.current_a if values.current_a is not None else amps_range,
        power_factor=values.power_factor,
        voltage_range_v=volts_range,
        current_range_a=amps_range,
        crest_factor=values.crest_factor or 3,
        interval_ns=reading.interval_ns,
    )
    return {t.name: t.limit_w for t in terms}


def _clock(readings: Sequence[Reading], result: EnergyResult, clock_u95_ns: int) -> BudgetTerm:
    """What a shift of both ends against the samples does where the power jumps: steps times time."""
    stamp_u95 = max((r.end_u95_ns for r, w in zip(readings, result.weights_ns, strict=True) if w), default=0)
    shift_s = math.hypot(clock_u95_ns, stamp_u95) / COVERAGE_FACTOR / NS_PER_S
    steps_w = result.step_begin_w + result.step_end_w
    return BudgetTerm("clock", "normal", shift_s * steps_w, shift_s * steps_w)


def _stamps(readings: Sequence[Reading], result: EnergyResult) -> BudgetTerm:
    """Scatter of the stamps against the meter's even updates: each moves the border between two samples."""
    good = [
        (r.end_ns, r.interval_ns, r.values.power_w)
        for r, w in zip(readings, result.weights_ns, strict=True)
        if w and r.values.quality is Quality.GOOD and r.values.power_w is not None
    ]
    squares = scatter = 0.0
    count = 0
    for (end_a, _, power_a), (end_b, interval, power_b) in itertools.pairwise(good):
        squares += (power_b - power_a) ** 2
        off = end_b - end_a - interval
        if abs(off) < interval // 2:
            scatter += off * off
            count += 1
    spread_s = math.sqrt(scatter / count) / NS_PER_S if count else 0.0
    value = spread_s * math.sqrt(squares)
    return BudgetTerm("stamps", "normal", value, value)
