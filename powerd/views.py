"""How a reading looks in JSON, wherever it is shown."""

from __future__ import annotations

import math
from typing import Any

from powerd.clock import Instant
from powerd.model import Reading
from schemas.units import exact

__all__ = ["exact", "finite", "sample"]


def sample(reading: Reading, at: Instant, *, raw: bool = False) -> dict[str, Any]:
    """A sample as the API gives it; ``at`` is the end of its interval in UTC, with the half-width that holds it."""
    values = reading.values
    body: dict[str, Any] = {
        "sequence": reading.sequence,
        "unix_ns": at.ns,
        "time": exact(at.ns),
        "u95_ns": at.u95_ns + reading.end_u95_ns,
        "interval_ns": reading.interval_ns,
        "channel": values.channel,
        "power_w": finite(values.power_w),
        "voltage_v": finite(values.voltage_v),
        "current_a": finite(values.current_a),
        "power_factor": finite(values.power_factor),
        "frequency_hz": finite(values.frequency_hz),
        "voltage_range_v": values.voltage_range_v,
        "current_range_a": values.current_range_a,
        "crest_factor": values.crest_factor,
        "quality": values.quality.value,
    }
    return body | {"raw": reading.raw.decode("latin-1")} if raw else body


def finite(value: float | None) -> float | None:
    """JSON has no nan and no infinity: those are losses, and ``quality`` names them."""
    return value if value is not None and math.isfinite(value) else None
