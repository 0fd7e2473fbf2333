"""The clock that every stamp is taken from: monotonic, goes on during suspend, nobody can set it."""

from __future__ import annotations

import time

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""CLOCK_BOOTTIME on Linux; the plain monotonic clock where the system has no such clock."""


def boottime_ns() -> int:
    """Nanoseconds since boot; they mean something only beside the boot id."""
    return time.clock_gettime_ns(CLOCK)


def sleep_until(at_ns: int) -> None:
    """Sleep until this instant of ``boottime_ns``; returns at once when it has passed."""
    left = at_ns - boottime_ns()
    if left > 0:
        time.sleep(left / 1e9)
