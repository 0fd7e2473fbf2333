"""What drivers of simple Modbus RTU meters share: one block of registers, one range, nothing to set.

These meters have no identity: they are known by values that make sense in their own layout. Their one range stands in
the accuracy data, and a current above it is over range, since the meters themselves have no word for it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

from powerd.dialects.modbus import READ_INPUT, Modbus
from powerd.drivers.base import EMULATED_SERIAL
from powerd.errors import Garbled, Refused
from powerd.model import MeterInfo, Quality, Settings, TimingMode, Values
from powerd.polling import PollTiming
from powerd.transports.base import Transport
from schemas.metrology import Specification, series

MAINS_V = (50.0, 320.0)
MAINS_HZ = (40.0, 70.0)
SMALL_A = 0.3


@dataclass(frozen=True, slots=True)
class Quantities:
    """What one block of registers holds, in SI units."""

    volts: float
    amperes: float
    watts: float
    factor: float
    hertz: float | None


class ModbusMeter(ABC):
    """``powerd.drivers.base.Driver`` but for the layout of the registers."""

    name: ClassVar[str]
    maker: ClassVar[str]
    model: ClassVar[str]
    unit: ClassVar[int] = 1
    count: ClassVar[int]
    bauds: ClassVar[tuple[int, ...]] = (9600,)
    timing = TimingMode.POLL
    poll_timing = PollTiming(tolerance=0.1)
    delay_ns = 0
    delay_u95_ns = 50_000_000

    @abstractmethod
    def decode(self, registers: tuple[int, ...]) -> Quantities:
        """The block as quantities; ``Garbled`` when it cannot be one of this meter."""

    def identify(self, port: Transport) -> MeterInfo:
        """Read the block; ``Refused`` when its values make no sense as this meter's."""
        block = self._block(port)
        try:
            found = self.decode(block)
        except Garbled as error:
            raise Refused(
                f"{port.name} answers Modbus, but not as {self.maker} {self.model}: {error}"
            ) from error
        serial = Modbus(port, self.unit).emulated_serial()
        return MeterInfo(
            driver=self.name,
            maker=self.maker,
            model=self.model,
            serial=serial or "",
            firmware="",
            identity=f"Modbus unit {self.unit}, {found.volts:.1f} V",
            channels=("1",),
            simulated=serial == EMULATED_SERIAL,
        )

    def configure(self, port: Transport, info: MeterInfo, settings: Settings) -> Settings:
        """Nothing can be set: the settings that the meter has, ``Refused`` when others are wanted."""
        spec = self.specification(info)
        own = spec.intervals_ns[0]
        if settings.interval_ns < own:
            raise Refused(
                f"the {info.model} has a new value every {own / 1e9:g} s: ask for no shorter interval"
            )
        if settings.crest_factor != 3 or settings.channels != ("1",):
            raise Refused(
                f"the {info.model} has one channel, 1, and no choice of crest factor: leave both out"
            )
        in_force = replace(
            settings,
            interval_ns=own,
            voltage_range_v=_only(settings.voltage_range_v, spec.voltage_ranges_v, "V", info.model),
            current_range_a=_only(settings.current_range_a, spec.current_ranges_a, "A", info.model),
        )
        self.decode(self._block(port))
        return in_force

    def read(self, port: Transport, settings: Settings) -> tuple[Values, ...]:
        """The block as it stands."""
        found = self.decode(self._block(port))
        over = settings.current_range_a is not None and found.amperes > settings.current_range_a
        quality = Quality.OVERRANGE if over else Quality.NEGATIVE if found.watts < 0 else Quality.GOOD
        return (
            Values(
                channel="1",
                power_w=None if over else found.watts,
                voltage_v=found.volts,
                current_a=None if over else found.amperes,
                power_factor=None if over else found.factor,
                frequency_hz=found.hertz,
                voltage_range_v=settings.voltage_range_v,
                current_range_a=settings.current_range_a,
                crest_factor=settings.crest_factor,
                quality=quality,
            ),
        )

    def answer_bytes(self, settings: Settings) -> int:
        """Question and answer with their frames, and the silence before them."""
        return 8 + 5 + 2 * self.count + 8

    def specification(self, info: MeterInfo) -> Specification:
        """The accuracy of the series."""
        return series(self.name)[info.model]

    def _block(self, port: Transport) -> tuple[int, ...]:
        return Modbus(port, self.unit).registers(READ_INPUT, 0, self.count)


def checked(found: Quantities) -> Quantities:
    """The quantities if they can be those of a meter on the mains; ``Garbled`` otherwise."""
    numbers = [found.volts, found.amperes, found.watts, found.factor]
    if not all(math.isfinite(x) for x in numbers) or not MAINS_V[0] <= found.volts <= MAINS_V[1]:
        raise Garbled(f"{found.volts:g} V is no mains voltage")
    if found.hertz is not None and not MAINS_HZ[0] <= found.hertz <= MAINS_HZ[1]:
        raise Garbled(f"{found.hertz:g} Hz is no mains frequency")
    # A small current is shown as none, long before its watts are.
    if abs(found.watts) > 1.05 * found.volts * (abs(found.amperes) + SMALL_A):
        raise Garbled(f"{found.watts:g} W cannot be at {found.volts:g} V and {found.amperes:g} A")
    return found


def _only(value: float | None, ranges: tuple[float, ...], unit: str, model: str) -> float:
    """The range that the meter has; the largest where none was named."""
    if value is None:
        return max(ranges)
    for one in ranges:
        if math.isclose(value, one, rel_tol=1e-6):
            return one
    known = ", ".join(f"{r:g}" for r in sorted(ranges))
    raise Refused(f"the {model} has no range of {value:g} {unit}: it has {known} {unit}")
