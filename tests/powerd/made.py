"""Readings, settings and stores made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from powerd.clock import ClockFix
from powerd.exchange import Exchange
from powerd.model import MeterInfo, Quality, Reading, Settings, Stamps, Values
from powerd.store import Store

S = 1_000_000_000
BOOT = "boot-a"
EPOCH = 1_700_000_000 * S
"""UTC at BOOTTIME 0 of ``BOOT``."""
INFO = MeterInfo(
    "yokogawa-wt300", "YOKOGAWA", "WT310E", "C1234", "F1.04", "YOKOGAWA,WT310E,C1234,F1.04", ("1",), False
)
FIXED = Settings(voltage_range_v=300.0, current_range_a=1.0)


def reading(
    end_s: float, power_w: float | None = 100.0, quality: Quality = Quality.GOOD, **changes: object
) -> Reading:
    """One second of ``power_w`` at 230 V and power factor 1 on 300 V and 1 A, ending at ``end_s``."""
    end = round(end_s * S)
    values = Values(
        channel="1",
        power_w=power_w,
        voltage_v=230.0,
        current_a=None if power_w is None else power_w / 230.0,
        power_factor=1.0,
        frequency_hz=50.0,
        voltage_range_v=300.0,
        current_range_a=1.0,
        crest_factor=3,
        quality=quality,
    )
    base = Reading("wall", round(end_s * 10), BOOT, Stamps(end, end, end), end, 0, S, values, False, b"raw\n")
    return replace(base, **changes)  # type: ignore[arg-type]


def fix(at_s: float, *, boot: str = BOOT, epoch: int = EPOCH) -> ClockFix:
    """A perfect fix."""
    return ClockFix(boot, round(at_s * S), epoch + round(at_s * S), 0)


def exchange(at_s: float, ahead_s: float, *, clock: str = "sut", delay_s: float = 0.001) -> Exchange:
    """An exchange with a client whose clock is ahead of UTC by ``ahead_s``, the path equal both ways."""
    at, half = round(at_s * S), round(delay_s * S / 2)
    theirs = EPOCH + at + round(ahead_s * S)
    return Exchange(clock, BOOT, theirs - half, EPOCH + at, at, EPOCH + at, at, theirs + half)


def store(folder: Path, *, boot: str = BOOT, started_s: float = 0.0) -> Store:
    """An open store with a running daemon, the meter ``wall`` on fixed ranges and a fix at its start."""
    made = Store(folder, boot)
    made.begin_run(round(started_s * S), EPOCH, "test")
    made.put_fix(fix(started_s, boot=boot))
    made.put_meter("wall", round(started_s * S), INFO, FIXED)
    made.writer.flush()
    return made
