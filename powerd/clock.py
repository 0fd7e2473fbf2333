"""The clocks of this machine: which boot it is, and what UTC is at an instant of BOOTTIME.

What is made of the fixes, and the way from one clock to another, is ``schemas.clocks``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from powerd.boottime import boottime_ns
from powerd.clocks.base import SourceState
from schemas.clocks import ClockFix, ClockModel, Instant, NoTie, Step, Tie, is_step
from schemas.units import NS_PER_S

__all__ = [
    "ClockFix",
    "ClockModel",
    "Instant",
    "Look",
    "NoTie",
    "Step",
    "Tie",
    "all_clocks",
    "boot_id",
    "both_clocks",
    "is_step",
    "take_fix",
]

_TRIES = 5
_RAW: int | None = getattr(time, "CLOCK_MONOTONIC_RAW", None) if hasattr(time, "CLOCK_BOOTTIME") else None


def boot_id() -> str:
    """Identity of this boot, without which a BOOTTIME stamp means nothing."""
    path = Path("/proc/sys/kernel/random/boot_id")
    if path.is_file():
        return path.read_text(encoding="utf-8").strip()
    # Without the kernel's own id the instant of boot stands for it, to the ten seconds.
    return f"booted-{(time.time_ns() - boottime_ns()) // 10_000_000_000}"


@dataclass(frozen=True, slots=True)
class Look:
    """All clocks at the same instant, to half the bracket around it, in nanoseconds."""

    boottime_ns: int
    utc_ns: int
    raw_ns: int | None
    asleep_ns: int | None
    half_ns: int


def both_clocks() -> tuple[int, int, int]:
    """BOOTTIME and UTC at the same instant, and half the bracket around it, all in nanoseconds."""
    before = boottime_ns()
    utc = time.time_ns()
    after = boottime_ns()
    return (before + after) // 2, utc, (after - before + 1) // 2


def all_clocks() -> Look:
    """As ``both_clocks``, with those that nobody slews and that stop in sleep, where there are such clocks."""
    before = boottime_ns()
    utc = time.time_ns()
    raw = time.clock_gettime_ns(_RAW) if _RAW is not None else None
    awake = time.monotonic_ns() if _RAW is not None else None
    after = boottime_ns()
    middle = (before + after) // 2
    return Look(middle, utc, raw, None if awake is None else middle - awake, (after - before + 1) // 2)


def take_fix(boot: str, source: SourceState | None = None) -> ClockFix:
    """A fix of the system clock: the narrowest of several looks, with what is known of who keeps it right."""
    look = min((all_clocks() for _ in range(_TRIES)), key=lambda look: look.half_ns)
    known = source is not None and source.synchronised
    bound_s = None if source is None else source.bound_at(look.boottime_ns)
    return ClockFix(
        boot,
        look.boottime_ns,
        look.utc_ns,
        look.half_ns,
        source.name if source is not None and known else "system",
        None if bound_s is None else round(bound_s * NS_PER_S),
        look.asleep_ns,
        look.raw_ns,
        0 if source is None else source.leap,
    )
