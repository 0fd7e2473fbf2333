"""What a closed window says beside its energy: the 1 % rule, the official kind of mean, the mains, net of idle.

None of this changes the energy or its error bar.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.budget import limit_share
from schemas.energy import EnergyResult
from schemas.measured import Quality, Reading
from schemas.metrology import Specification

ONE_PERCENT = 0.01
"""Largest uncertainty of power that SPEC accepts of an analyzer and MLPerf of a run, as a share of the reading."""
NOMINAL_V = (100.0, 110.0, 115.0, 120.0, 127.0, 200.0, 208.0, 220.0, 230.0, 240.0, 277.0, 400.0)
"""Usual mains. SPEC names 100 to 400 V without 127, 200, 240 and 277 (SPECpower_ssj2008 Run and Reporting Rules 2.8,
from memory of the text); those are added, for a system runs on the mains that there are."""
NOMINAL_HZ = (50.0, 60.0)
VOLTAGE_TOLERANCE, FREQUENCY_TOLERANCE = 0.05, 0.01
"""Shares around the nominal values (same section)."""


def official(
    readings: Sequence[Reading], stamps_ns: Sequence[int], begin_ns: int, end_ns: int
) -> dict[str, Any] | None:
    """The mean as the official flow takes it: of all good samples whose stamp lies in the window, each counted alike.

    None without such a sample. ``energy_j`` is the mean times the length of the window.
    """
    powers = [
        r.values.power_w
        for r, at in zip(readings, stamps_ns, strict=True)
        if begin_ns < at < end_ns and r.values.quality is Quality.GOOD and r.values.power_w is not None
    ]
    if not powers:
        return None
    average = math.fsum(powers) / len(powers)
    return {"average_w": average, "energy_j": average * (end_ns - begin_ns) / 1e9, "samples": len(powers)}


def samples_above(
    updates: Sequence[Sequence[Reading]], result: EnergyResult, specification: Specification
) -> int:
    """Updates that stand for some of the window and have a channel whose limits, added up as SPEC does, exceed 1 %."""
    return sum(
        any(limit_share(r, specification) > ONE_PERCENT for r in channels)
        for channels, weight in zip(updates, result.weights_ns, strict=True)
        if weight
    )


def one_percent(above: int, energy_j: float, u95_j: float) -> dict[str, Any]:
    """Whether the expanded uncertainty of the mean power is below 1 %, with a guard band (JCGM 106, section 8.3).

    The share is of the measured mean, which itself is known within its u95 only; the guard band is what the share
    grows by when the true mean lies at the lower end: r / (1 - r) - r. ``met`` needs share and guard band together
    within 1 %, ``not-met`` a share above 1 % by more than the guard band; else it is ``undecided``.
    ``above`` is the number of ``samples_above``.
    """
    share = abs(u95_j / energy_j) if energy_j else math.inf
    guard = share / (1 - share) - share if share < 1 else math.inf
    if share + guard <= ONE_PERCENT:
        statement = "met"
    elif share - guard > ONE_PERCENT or not math.isfinite(guard):
        statement = "not-met"
    else:
        statement = "undecided"
    return {
        "statement": statement,
        "u95_share": share if math.isfinite(share) else None,
        "guard_share": guard if math.isfinite(guard) else None,
        "limit_share": ONE_PERCENT,
        "samples_above": above,
    }


def mains(readings: Sequence[Reading]) -> dict[str, Any] | None:
    """Lowest and highest line voltage and frequency of these readings; None when no good one gives a voltage."""
    good = [r.values for r in readings if r.values.quality is Quality.GOOD]
    volts = [v.voltage_v for v in good if v.voltage_v is not None and math.isfinite(v.voltage_v)]
    hertz = [v.frequency_hz for v in good if v.frequency_hz is not None and math.isfinite(v.frequency_hz)]
    if not volts:
        return None
    return {
        "voltage_min_v": min(volts),
        "voltage_max_v": max(volts),
        "frequency_min_hz": min(hertz, default=None),
        "frequency_max_hz": max(hertz, default=None),
    }


def mains_notes(found: Mapping[str, Any] | None) -> list[str]:
    """What is not as SPEC wants the mains to be, each ``name: detail``; nothing at 0 Hz, which is not mains."""
    if found is None:
        return []
    notes = []
    low, high = found["voltage_min_v"], found["voltage_max_v"]
    nominal = min(NOMINAL_V, key=lambda v: abs(v - (low + high) / 2))
    if max(high - nominal, nominal - low) > VOLTAGE_TOLERANCE * nominal:
        notes.append(f"line-voltage: {low:.1f} to {high:.1f} V, SPEC wants {nominal:g} V within 5 %")
    slow, fast = found["frequency_min_hz"], found["frequency_max_hz"]
    if slow is not None and fast > 0:
        wanted = min(NOMINAL_HZ, key=lambda f: abs(f - (slow + fast) / 2))
        if max(fast - wanted, wanted - slow) > FREQUENCY_TOLERANCE * wanted:
            notes.append(f"line-frequency: {slow:.2f} to {fast:.2f} Hz, SPEC wants {wanted:g} Hz within 1 %")
    return notes


def net_of_idle(
    idle: Mapping[str, Any] | None, energy_j: float, u95_j: float, duration_s: float
) -> dict[str, Any] | None:
    """Joules above what the system draws anyway, by the mean power of a window of idling.

    The two errors are combined in quadrature, as if nothing of them were common: errors of the meter that both share
    would partly cancel, so the bar is rather too wide.
    """
    if idle is None:
        return None
    below_j = float(idle["average_w"]) * duration_s
    return {
        "window": idle["window"],
        "sha256": idle["sha256"],
        "average_w": idle["average_w"],
        "average_u95_w": idle["average_u95_w"],
        "net_j": energy_j - below_j,
        "net_u95_j": math.hypot(u95_j, float(idle["average_u95_w"]) * duration_s),
    }


INTEGRATOR_SHARE = 0.001
"""What the integrator adds to the uncertainty of power (Yokogawa WT300: 0.1 % of reading, from a sibling's manual)."""


def integrator(meter_j: float, result: EnergyResult, interval_ns: int) -> dict[str, Any]:
    """The joules that the meter itself counted beside ours over the same time.

    Both come from the same converter, so they may differ by what the integrator adds, by one sample at the ends, and by
    what our gaps may hide: a check of what was lost and of the stamps, not of the meter.
    """
    one_sample_j = result.max_w * interval_ns / 1e9
    limit = INTEGRATOR_SHARE * abs(meter_j) + one_sample_j + result.gap_limit_j
    difference = meter_j - result.energy_j
    return {
        "seconds": (result.end_ns - result.begin_ns) / 1e9,
        "meter_j": meter_j,
        "samples_j": result.energy_j,
        "difference_j": difference,
        "limit_j": limit,
        "agrees": abs(difference) <= limit,
    }


def integrator_notes(found: Mapping[str, Any] | None) -> list[str]:
    """A note where the meter counted otherwise."""
    if found is None or found["agrees"]:
        return []
    return [
        f"integrator: the meter counted {found['meter_j']:.6g} J where its samples give {found['samples_j']:.6g} J, "
        f"more apart than {found['limit_j']:.2g} J"
    ]
