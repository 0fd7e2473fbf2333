"""Eastron SDM120 and SDM230 energy meters over RS-485, Modbus RTU.

Documented (Eastron SDM120 Modbus protocol V2.4, SDM120CT V1.3, SDM230 protocol V1.4): function 04, values as IEEE
singles, high word first; volts at 0x0000, amperes at 0x0006, watts at 0x000C, power factor at 0x001E, all in one block
of 32 registers; unit 1; 2400 baud 8N1 from the factory (SDM230: 2400 or 9600 by lot); class 1; starting current 0.4 %
of 5 A. Inferred: a new value about every second, at a time that nothing tells, hence polling with a wide tolerance;
45 A as the largest current (SDM120).

Left out, since no document says it: what tells an SDM120 from an SDM230 (the registers read here are the same in both,
the smaller range is assumed); accuracy below 5 % of the basic current (0.25 A, 58 W at 230 V), where IEC 62053-21 sets
no limit: the class limit is used there too and is then only a guess. Frequency would cost a second exchange, so it is
not read. Nothing is ever written. Untested on hardware.
"""

from __future__ import annotations

from powerd.dialects.modbus import float32
from powerd.dialects.modbus_meter import ModbusMeter, Quantities, checked

VOLTS, AMPERES, WATTS, FACTOR = 0x00, 0x06, 0x0C, 0x1E


class EastronSdm(ModbusMeter):
    """``powerd.drivers.base.Driver`` for the series."""

    name = "eastron-sdm"
    maker = "Eastron"
    model = "SDM120/SDM230"
    count = 0x20
    bauds = (2400, 9600)

    def decode(self, registers: tuple[int, ...]) -> Quantities:
        """Volts, amperes, watts and power factor; ``Garbled`` when they cannot be a mains meter's."""
        volts, amperes, watts, factor = (float32(registers, at) for at in (VOLTS, AMPERES, WATTS, FACTOR))
        return checked(Quantities(volts, amperes, watts, factor, None))


DRIVER = EastronSdm()
