"""The machine's own telemetry, as far as it tells; for eyes only."""

from __future__ import annotations

import psutil

from harness.live.state import Machine

CHIPS = ("coretemp", "k10temp", "cpu_thermal", "soc_thermal", "cpu-thermal", "acpitz")
"""Names under which Linux shows the temperature of processors, best first."""


def look() -> Machine:
    """Processor use since the last look, its frequency, temperature, and memory in use."""
    return Machine(
        psutil.cpu_percent(None) / 100,
        _frequency_hz(),
        _temperature_c(),
        psutil.virtual_memory().percent / 100,
    )


def _frequency_hz() -> float | None:
    try:
        found = psutil.cpu_freq()
    except (OSError, NotImplementedError, RuntimeError):
        return None
    return found.current * 1e6 if found is not None and found.current > 0 else None


def _temperature_c() -> float | None:
    try:
        sensors = psutil.sensors_temperatures()
    except (OSError, AttributeError, RuntimeError):
        return None
    known = [sensors[chip] for chip in CHIPS if sensors.get(chip)] or [s for s in sensors.values() if s]
    return max(float(s.current) for s in known[0]) if known else None
