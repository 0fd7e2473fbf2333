"""The scenarios as rows: how each one is calibrated, configured and read.

LoadGen needs a good guess before it starts (facts measured with LoadGen 4.1.30): SingleStream and
MultiStream pre-generate queries for twice the duration divided by the expected latency, so an expectation
that is twice too long ends the run early as INVALID; Offline issues 1.1 × duration × expected rate samples
in one query, so an expectation that is too low ends early. So the fastest tenth of the calibration counts (a
load on the machine may be gone in the next minute), and the factors below err on the safe side. Server
offers the load that it is told and calls the run INVALID when the 99th percentile misses the limit, so its
load is computed from what was measured (``harness.offered_load``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.model import LoadSettings
from harness.offered_load import offered_load
from harness.results import Calibration


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row.

    ``per_query`` is the number of samples of one query in calibration; ``expects`` what LoadGen wants to
    know, ``factor`` what the measured value is multiplied by. ``batch`` is the usual bound of samples per call
    of the runtime; ``batches`` whether ``--batch`` may change it; ``corrections`` how often a run that is INVALID
    for its expectation is made again.
    """

    name: str
    per_query: int
    expects: Literal["latency", "rate", "load"]
    factor: float
    energy_unit: Literal["stream", "system"]
    batch: int = 32
    batches: bool = False
    corrections: int = 1

    def sizes(self, most: int | None = None) -> tuple[int, ...]:
        """Samples per call of the runtime to measure: one figure, or in Server 1, 2, 4 … up to the bound ``most``."""
        bound = self.batch if most is None else most
        if self.expects != "load":
            return (bound if self.batches else self.per_query,)
        return (*(1 << n for n in range(bound.bit_length()) if 1 << n < bound), bound)

    def expectation(self, measured: Calibration, limit_ms: float | None = None) -> LoadSettings:
        """The setting that LoadGen needs, from a calibration; ``limit_ms`` is the latency limit of Server.

        ``Failed`` when no load at all keeps the limit.
        """
        if self.expects == "latency":
            return LoadSettings(target_latency_ms=measured.fast_latency_ms * self.factor)
        if self.expects == "load" and limit_ms is not None:
            return LoadSettings(target_qps=self.factor * offered_load(measured.batches, limit_ms))
        return LoadSettings(target_qps=measured.fast_samples_per_second * self.factor)


ROWS = (
    Scenario("SingleStream", per_query=1, expects="latency", factor=0.8, energy_unit="stream"),
    Scenario("MultiStream", per_query=8, expects="latency", factor=0.8, energy_unit="stream"),
    Scenario("Server", 1, "load", 0.8, energy_unit="system", batch=8, batches=True, corrections=3),
    Scenario("Offline", per_query=32, expects="rate", factor=1.1, energy_unit="system", batches=True),
)

BY_NAME = {row.name: row for row in ROWS}
