"""What was measured, as it is stored, sealed into evidence and computed with. No behaviour.

Power is in watts, voltage in volts, current in amperes, frequency in hertz, time in integer nanoseconds.
``*_ns`` fields named ``boottime`` are CLOCK_BOOTTIME and mean something only beside their boot id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Quality(StrEnum):
    """``good``, or the name of the loss, as it is counted in a window's ``bad_samples``."""

    GOOD = "good"
    OVERRANGE = "overrange"
    NODATA = "nodata"
    GARBLED = "garbled"
    NEGATIVE = "negative"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What people say of a meter; it stands in the evidence as they said it.

    ``calibrated`` is a day (``YYYY-MM-DD``), ``ambient_c`` the temperature around the meter in degrees Celsius,
    ``certificate`` the number or place of the certificate, ``wiring`` how the load is connected (such as ``1P2W``).
    """

    calibrated: str | None = None
    certificate: str | None = None
    ambient_c: float | None = None
    wiring: str | None = None


@dataclass(frozen=True, slots=True)
class MeterInfo:
    """Who answered on the line. ``simulated`` is true for our emulators and for the wireless simulation."""

    driver: str
    maker: str
    model: str
    serial: str
    firmware: str
    identity: str
    channels: tuple[str, ...]
    simulated: bool
    calibration: Calibration = field(default_factory=Calibration)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a meter is asked to do. A range of None means auto-range.

    With ``integrator`` the meter's own integrator is started anew with these settings, and read with every update.
    """

    interval_ns: int = 1_000_000_000
    voltage_range_v: float | None = None
    current_range_a: float | None = None
    crest_factor: int = 3
    channels: tuple[str, ...] = ("1",)
    integrator: bool = False


@dataclass(frozen=True, slots=True)
class Values:
    """One channel of one answer, in SI units; a missing quantity is None.

    ``integrator_j`` is what the meter's own integrator has counted since its start, where it runs and is asked for.
    """

    channel: str
    power_w: float | None
    voltage_v: float | None
    current_a: float | None
    power_factor: float | None
    frequency_hz: float | None
    voltage_range_v: float | None
    current_range_a: float | None
    crest_factor: int | None
    quality: Quality
    integrator_j: float | None = None


@dataclass(frozen=True, slots=True)
class Stamps:
    """When one exchange happened on CLOCK_BOOTTIME: last byte written, first and last byte read."""

    request_ns: int
    first_byte_ns: int
    last_byte_ns: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One update of one channel as it is stored: the values, the raw stamps and the interval they stand for.

    ``end_ns`` is the end of the meter's averaging interval (CLOCK_BOOTTIME), ``end_u95_ns`` the half-width
    that holds it with 95 %, ``interval_ns`` the length of the interval. ``raw`` is the answer as received.
    """

    meter: str
    sequence: int
    boot_id: str
    stamps: Stamps
    end_ns: int
    end_u95_ns: int
    interval_ns: int
    values: Values
    simulated: bool
    raw: bytes = b""
