"""A reading as the API shows it."""

from __future__ import annotations

import math
from typing import Any

from powerd.clock import ClockModel
from powerd.model import Reading


def sample(reading: Reading, utc: ClockModel, *, raw: bool = False) -> dict[str, Any]:
    """The sample form: ``unix_ns`` is the end of the meter's averaging interval in UTC."""
    at = utc.to_remote(reading.end_ns)
    v = reading.values
    shown: dict[str, Any] = {
        "sequence": reading.sequence,
        "unix_ns": at.ns,
        "u95_ns": at.u95_ns + reading.end_u95_ns,
        "interval_ns": reading.interval_ns,
        "channel": v.channel,
        "power_w": finite(v.power_w),
        "voltage_v": finite(v.voltage_v),
        "current_a": finite(v.current_a),
        "power_factor": finite(v.power_factor),
        "frequency_hz": finite(v.frequency_hz),
        "voltage_range_v": v.voltage_range_v,
        "current_range_a": v.current_range_a,
        "crest_factor": v.crest_factor,
        "quality": v.quality.value,
        "simulated": reading.simulated,
    }
    if raw:
        shown["raw"] = reading.raw.decode("latin-1")
    return shown


def finite(value: float | None) -> float | None:
    """JSON has no nan and no infinity: those are losses, and ``quality`` names them."""
    return value if value is not None and math.isfinite(value) else None
