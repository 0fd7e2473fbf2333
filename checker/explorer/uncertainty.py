"""How far the mean power of a result may be off: its u95, from the maker's figures for the meter and its ranges.

Every error limit of the specification is the half-width a of a rectangular distribution, u = a / sqrt(3), and does not
average out over the samples of a window; the terms are independent of each other: u95 = 1.96 * sqrt(sum of u^2). It
holds for a meter within its calibration; what gaps and edges of the window hide is told by the coverage. powerd's own
windows carry their u95, which has these terms and those.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from checker import metrics
from checker.meters import identity_of
from checker.result import Result
from checker.rules.quality_meter import setting
from checker.session import part, unofficial_session
from schemas.metrology import Specification, series
from schemas.powerlog import PowerLine

NOT_A_SERIES = "spec-ptdaemon"
"""The file of the formula that PTDaemon uses, beside those of the makers."""
K95 = 1.96


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """``u95_w`` in watts; ``measured``: told by powerd's window. ``ranges`` are volts and amperes, None if unknown."""

    u95_w: float
    formula: str
    filled: str
    measured: bool
    serial: str
    ranges: tuple[float, float] | None


def average_u95(result: Result) -> Uncertainty | None:
    """The u95 of the mean power; None where meter or ranges are not known. ``Absent`` without a session."""
    if not result.has_power:
        return None
    server = result.server.value
    if unofficial_session(server):
        return _of_window(result)
    about = identity_of(server, result.ptd_logs.value)
    specification, now = _specification(about.model), setting(result).log
    if specification is None or about.channels > 1 or now.volts is None or now.amperes is None:
        return None
    inside = [s for s in metrics.samples(result.run, written=True).inside if s.plain and s.power_w > 0]
    limits = _limits(specification, inside, now.volts, now.amperes)
    if not limits:
        return None
    u95 = K95 * math.sqrt(math.fsum((limit / math.sqrt(3)) ** 2 for limit in limits))
    terms = " + ".join(f"({limit!r} / sqrt(3)) * ({limit!r} / sqrt(3))" for limit in limits)
    formula = "1.96 * sqrt(sum of (mean error limit / sqrt(3))^2): reading, range, power factor"
    ranges = (now.volts, now.amperes)
    return Uncertainty(u95, formula, f"{K95} * sqrt({terms})", False, about.serial, ranges)


def _specification(model: str) -> Specification | None:
    return next((found[model] for found in map(series, _series_names()) if model in found), None)


@cache
def _series_names() -> tuple[str, ...]:
    """The series of meters whose error limits are known."""
    here = resources.files("schemas") / "meters"
    names = sorted(f.name.removesuffix(".json") for f in here.iterdir() if f.name.endswith(".json"))
    return tuple(name for name in names if name != NOT_A_SERIES)


def _limits(found: Specification, samples: Sequence[PowerLine], volts: float, amperes: float) -> list[float]:
    """Mean limit of each term over the samples, in watts; terms that are nothing are left out."""
    sums: dict[str, float] = {}
    for s in samples:
        for term in found.power_terms(
            power_w=s.power_w, voltage_v=s.voltage_v, current_a=s.current_a, power_factor=s.power_factor,
            voltage_range_v=volts, current_range_a=amperes,
        ):  # fmt: skip
            sums[term.name] = sums.get(term.name, 0.0) + term.limit_w
    means = [total / len(samples) for total in sums.values()]
    return [m for m in means if m > 0 and math.isfinite(m)]


def _of_window(result: Result) -> Uncertainty | None:
    """What the window of the testing phase says of itself."""
    server = result.server.value
    windows = part(server, "edgewatt", "windows")
    window = part(windows, "testing") if isinstance(windows, dict) else None
    value = part(window, "average_u95_w")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    serial = part(server, "edgewatt", "meter", "serial")
    return Uncertainty(
        float(value),
        "as powerd's window says; its budget tells the terms",
        repr(float(value)),
        True,
        str(serial or ""),
        None,
    )
