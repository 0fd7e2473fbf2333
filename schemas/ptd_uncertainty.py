"""The uncertainty that SPEC PTDaemon computes for each sample, from reading and range.

It is a plain sum of shares of the reading, in percent::

    reading + range * (U range * I range) / base + power factor * tan(phi) + self-heating * U^2

with tan(phi) from the power factor and the base U * I or P. The figures stand in ``schemas/meters/spec-ptdaemon.json``
with their sources. A sample above 1 % counts against a power result from v3.1 on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

LIMIT_PERCENT = 1.0
"""Largest uncertainty of a sample that SPEC's acceptance of an analyzer allows."""
FLAGGED_BELOW = -3.0
"""A value below this is a flagged reading x written as -(3 + x) (PTDaemon; seen with WT210 and WT310E)."""


@dataclass(frozen=True, slots=True)
class PtdFormula:
    """Coefficients in percent of the reading; ``over_active``: the range term is over P, not over U * I."""

    reading: float
    range_: float
    power_factor: float
    self_heating_per_v2: float
    over_active: bool

    def percent(
        self,
        *,
        power_w: float,
        voltage_v: float,
        current_a: float,
        power_factor: float,
        voltage_range_v: float,
        current_range_a: float,
    ) -> float | None:
        """Uncertainty of one sample in percent; None for a reading of which none can be told: flagged, negative,
        without current, or with a power factor outside 0 to 1."""
        row = (power_w, voltage_v, current_a, power_factor)
        return self.percents([row], voltage_range_v=voltage_range_v, current_range_a=current_range_a)[0]

    def percents(
        self,
        rows: Iterable[tuple[float, float, float, float]],
        *,
        voltage_range_v: float,
        current_range_a: float,
    ) -> list[float | None]:
        """The same for many samples on one range, each as watts, volts, amperes and power factor."""
        found: list[float | None] = []
        reading, range_, share = self.reading, self.range_, self.power_factor
        heating, over_active, sqrt, inf = self.self_heating_per_v2, self.over_active, math.sqrt, math.inf
        for power_w, voltage_v, current_a, power_factor in rows:
            apparent = voltage_v * current_a
            known = 0 < power_w < inf and 0 < voltage_v < inf and apparent > 0 and current_a < inf
            if not known or not 0 < power_factor <= 1:
                found.append(None)
                continue
            found.append(
                reading
                + range_ * voltage_range_v * current_range_a / (power_w if over_active else apparent)
                + share * sqrt(1 / power_factor**2 - 1)
                + heating * voltage_v**2
            )
        return found


def ptd_formula(model: str, *, emulates: bool = False) -> PtdFormula | None:
    """The formula for a model of meter as it names itself; ``emulates``: an enhanced model that answers as the older
    series. None for a model of which nothing is known."""
    name = model.removesuffix("E") if emulates and model.endswith("E") else model
    return _formulas().get(name)


@cache
def _formulas() -> Mapping[str, PtdFormula]:
    path = resources.files("schemas") / "meters" / "spec-ptdaemon.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {
        model: PtdFormula(
            reading=row["reading_percent"],
            range_=row["range_percent"],
            power_factor=row["power_factor_percent"],
            self_heating_per_v2=row["self_heating_percent_per_v2"],
            over_active=row["base"] == "active",
        )
        for row in document["models"]
        for model in row["models"]
    }
