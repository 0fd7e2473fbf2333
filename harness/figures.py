"""One figure of a run as people read it."""

from __future__ import annotations


def metric_text(unit: str, metric: float) -> str:
    """LoadGen's figure: latencies are logged in nanoseconds, ``unit`` is that of the metric."""
    return f"{metric / 1e6:.4g} ms latency" if "Latency" in unit else f"{metric:.4g} {unit}"
