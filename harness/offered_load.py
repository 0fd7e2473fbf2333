"""How much load a system can be offered in Server so that the 99th percentile keeps the latency limit.

A call of the runtime with b samples takes D(b). Samples that arrive at random wait for the call in progress and
for the calls that others fill before them. With calls of constant length D, the share of samples that wait
longer than t is about ρ·exp(-2(1-ρ)t/D) at utilisation ρ (queue with Poisson arrivals and constant service, in
heavy traffic). A sample is late when it waits longer than the limit less its own call; one in a hundred may be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from schemas.errors import Failed

LATE_SHARE = 0.01
"""What the 99th percentile leaves."""
STEPS = 40


def offered_load(batches: Sequence[tuple[int, float]], limit_ms: float) -> float:
    """Samples per second that keep the limit, the most over all measured batch sizes.

    ``batches``: samples in one call, milliseconds of such a call. ``Failed`` when even one sample alone takes
    longer than the limit.
    """
    rates = [utilisation(call_ms, limit_ms) * size / call_ms * 1e3 for size, call_ms in batches]
    best = max(rates, default=0.0)
    if best <= 0.0:
        alone = min((call_ms for _, call_ms in batches), default=math.nan)
        raise Failed(
            f"one call of the runtime takes {alone:.4g} ms, and Server allows {limit_ms:g} ms for 99 % of the "
            "queries; use a faster runtime or model, or another scenario"
        )
    return best


def utilisation(call_ms: float, limit_ms: float) -> float:
    """The largest share of time that calls may fill; 0 when a call alone exceeds the limit."""
    slack = limit_ms - call_ms
    if slack <= 0.0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        late = middle * math.exp(-2.0 * (1.0 - middle) * slack / call_ms)
        low, high = (middle, high) if late <= LATE_SHARE else (low, middle)
    return low
