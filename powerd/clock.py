"""The clocks of this machine: which boot it is, and what UTC is at an instant of BOOTTIME.

What is made of the fixes, and the way from one clock to another, is ``schemas.clocks``.
"""

from __future__ import annotations

import time
from pathlib import Path

from powerd.boottime import boottime_ns
from schemas.clocks import ClockFix, ClockModel, Instant, NoTie, Step, Tie, is_step

__all__ = [
    "ClockFix",
    "ClockModel",
    "Instant",
    "NoTie",
    "Step",
    "Tie",
    "boot_id",
    "both_clocks",
    "is_step",
    "take_fix",
]

_TRIES = 5


def boot_id() -> str:
    """Identity of this boot, without which a BOOTTIME stamp means nothing."""
    path = Path("/proc/sys/kernel/random/boot_id")
    if path.is_file():
        return path.read_text(encoding="utf-8").strip()
    # Without the kernel's own id the instant of boot stands for it, to the ten seconds.
    return f"booted-{(time.time_ns() - boottime_ns()) // 10_000_000_000}"


def both_clocks() -> tuple[int, int, int]:
    """BOOTTIME and UTC at the same instant, and half the bracket around it, all in nanoseconds."""
    before = boottime_ns()
    utc = time.time_ns()
    after = boottime_ns()
    return (before + after) // 2, utc, (after - before + 1) // 2


def take_fix(boot: str) -> ClockFix:
    """A fix of the system clock: the narrowest of several looks."""
    local, utc, half = min((both_clocks() for _ in range(_TRIES)), key=lambda look: look[2])
    return ClockFix(boot, local, utc, half)
