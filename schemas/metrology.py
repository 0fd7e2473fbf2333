"""Accuracy of wattmeters as data: ranges and error limits per model, and how to evaluate them.

The figures stand in ``schemas/meters/*.json``, one file per series, each with its document. powerd's drivers
use them for the uncertainty budget, the emulators draw their errors across them, and mlcheck recomputes what
a published log claims. A limit is the half-width of a rectangular distribution: u = limit / sqrt(3).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from schemas.typed import made

VALID_DAYS = 365
"""Days after a calibration for which the limits hold (12 months in every manual that is cited)."""
AMBIENT_C = (18.0, 28.0)
"""Degrees Celsius around the meter at which the limits hold (23 +- 5 in every manual that is cited)."""


@dataclass(frozen=True, slots=True)
class Term:
    """One error limit, in watts, with the name under which it stands in a window's ``budget``."""

    name: str
    limit_w: float


@dataclass(frozen=True, slots=True)
class Specification:
    """Ranges and accuracy of one meter model for AC power at 45 to 66 Hz, 23 +- 5 degrees C, 12 months.

    ``reading``, ``range_``, ``power_factor`` are shares (0.001 for 0.1 %); the limit in watts of a reading P
    on ranges U_r, I_r with apparent power S and power factor lambda is::

        reading * P + range_ * factor(CF) * U_r * I_r + power_factor * S * sqrt(1 - lambda^2)

    plus ``self_heating_per_v2 * U^2 + self_heating_per_a2 * I^2`` (shares of the reading) and ``fixed_w`` watts
    (counts or the resolution of simple meters).
    """

    model: str
    source: str
    confidence: str
    reading: float
    range_: float
    power_factor: float
    self_heating_per_v2: float
    self_heating_per_a2: float
    fast_update_reading: float
    crest_factor_6_range_factor: float
    voltage_ranges_v: tuple[float, ...]
    current_ranges_a: tuple[float, ...]
    over_range_share: float
    intervals_ns: tuple[int, ...]
    fixed_w: float = 0.0

    def power_terms(
        self,
        *,
        power_w: float,
        voltage_v: float,
        current_a: float,
        power_factor: float | None,
        voltage_range_v: float,
        current_range_a: float,
        crest_factor: int = 3,
        interval_ns: int = 1_000_000_000,
    ) -> tuple[Term, ...]:
        """Error limits of one power reading, in watts, term by term (never negative)."""
        apparent = voltage_v * current_a
        share = abs(power_w) / apparent if apparent > 0 else 1.0
        lam = min(1.0, max(0.0, abs(power_factor) if power_factor is not None else share))
        range_factor = 1.0 if crest_factor == 3 else self.crest_factor_6_range_factor
        heating = self.self_heating_per_v2 * voltage_v**2 + self.self_heating_per_a2 * current_a**2
        terms = [
            Term("specification/reading", self.reading * abs(power_w)),
            Term("specification/range", self.range_ * range_factor * voltage_range_v * current_range_a),
            Term("specification/power-factor", self.power_factor * apparent * math.sqrt(1 - lam * lam)),
            Term("specification/self-heating", heating * abs(power_w)),
        ]
        if interval_ns <= 100_000_000 and self.fast_update_reading:
            terms.append(Term("specification/fast-update", self.fast_update_reading * abs(power_w)))
        if self.fixed_w:
            terms.append(Term("specification/fixed", self.fixed_w))
        return tuple(terms)

    def range_for(self, value: float, ranges: tuple[float, ...]) -> float:
        """The smallest of ``ranges`` that is not below ``value``; ValueError when there is none."""
        for candidate in sorted(ranges):
            if candidate >= value - 1e-12:
                return candidate
        raise ValueError(f"{value:g} is above the largest range {max(ranges):g} of {self.model}")

    def with_crest_factor(self, crest_factor: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Voltage and current ranges at this crest factor (6 and 6A halve every range)."""
        scale = 1.0 if crest_factor == 3 else 0.5
        return (
            tuple(r * scale for r in self.voltage_ranges_v),
            tuple(r * scale for r in self.current_ranges_a),
        )


@cache
def series(name: str) -> Mapping[str, Specification]:
    """All models of a series file, for example ``series("yokogawa-wt300")["WT310E"]``; KeyError if unknown."""
    path = resources.files("schemas") / "meters" / f"{name}.json"
    if not path.is_file():
        raise KeyError(f"no accuracy data for meter series {name!r}")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {row["model"]: _specification({**document["common"], **row}) for row in document["models"]}


def restore(row: Mapping[str, Any]) -> Specification:
    """A specification out of its JSON; KeyError or TypeError when something is missing or of another kind."""
    return made(Specification, _fields(row))


def _specification(row: Mapping[str, Any]) -> Specification:
    return Specification(**_fields(row))


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    lists = {"voltage_ranges_v", "current_ranges_a", "intervals_ns"}
    return {
        key: tuple(row[key]) if key in lists else row[key]
        for key in Specification.__slots__
        if key != "fixed_w" or key in row
    }
