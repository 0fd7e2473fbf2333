"""The machine's own telemetry for eyes only, while no run looks at it."""

from __future__ import annotations

import psutil

from harness.live.state import Machine
from harness.telemetry import Sample, frequency_hz, temperature_c


def look() -> Machine:
    """Processor use since the last look, its frequency, temperature, and memory in use."""
    share = psutil.cpu_percent(None) / 100
    return Machine(share, frequency_hz(), temperature_c(), psutil.virtual_memory().percent / 100)


def of(sample: Sample, first: Sample) -> Machine:
    """What a run saw last; ``first`` is what it saw first, from which throttling counts."""
    throttled = 0
    if sample.throttle_events is not None and first.throttle_events is not None:
        throttled = sample.throttle_events - first.throttle_events
    return Machine(
        sample.cpu_share,
        sample.frequency_hz,
        sample.temperature_c,
        sample.memory_share,
        sample.load_1m,
        throttled,
    )
