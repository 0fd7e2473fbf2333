"""Facts that pass between the parts of powerd. No behaviour.

What evidence is computed from stands in ``schemas.measured``, so that it can be computed again without a daemon.
"""

from __future__ import annotations

from enum import StrEnum

from schemas.measured import Calibration, MeterInfo, Quality, Reading, Settings, Stamps, Values

__all__ = [
    "Calibration",
    "MeterInfo",
    "Quality",
    "Reading",
    "Settings",
    "Stamps",
    "TimingMode",
    "Values",
]


class TimingMode(StrEnum):
    """How a meter times its answers: at its update, the last one held, or unasked."""

    WAIT = "wait"
    POLL = "poll"
    PUSH = "push"
