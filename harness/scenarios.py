"""The scenarios as rows: how each one is calibrated, configured and read.

LoadGen needs a good guess before it starts (facts measured with LoadGen 4.1.30): SingleStream and
MultiStream pre-generate queries for twice the duration divided by the expected latency, so an expectation
that is twice too long ends the run early as INVALID; Offline issues 1.1 × duration × expected rate samples
in one query, so an expectation that is too low ends early. The factors below err on the safe side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.model import Calibration, LoadSettings


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row. ``metric_key`` is the key of the detail log that holds the reported figure.

    ``per_query`` is the number of samples of one query in calibration; ``expects`` what LoadGen wants to
    know, ``factor`` what the measured value is multiplied by.
    """

    name: str
    per_query: int
    expects: Literal["latency", "rate", "load"]
    factor: float
    energy_unit: Literal["stream", "system"]

    def expectation(self, measured: Calibration) -> LoadSettings:
        """The setting that LoadGen needs, from a calibration."""
        if self.expects == "latency":
            return LoadSettings(target_latency_ms=measured.p50_latency_ms * self.factor)
        return LoadSettings(target_qps=measured.samples_per_second * self.factor)


ROWS = (
    Scenario("SingleStream", per_query=1, expects="latency", factor=0.8, energy_unit="stream"),
    Scenario("MultiStream", per_query=8, expects="latency", factor=0.8, energy_unit="stream"),
    Scenario("Offline", per_query=32, expects="rate", factor=1.1, energy_unit="system"),
)

BY_NAME = {row.name: row for row in ROWS}
