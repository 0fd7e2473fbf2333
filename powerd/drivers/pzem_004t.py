"""Peacefair PZEM-004T v3.0 (TTL) and PZEM-016 (RS-485), Modbus RTU.

Documented (PZEM-004T V3.0 user manual, confirmed by three independent programs): 9600 baud 8N1; function 04, ten
registers from 0, 32-bit values low word first: 0.1 V, 0.001 A, 0.1 W, 1 Wh, 0.1 Hz, 0.01 power factor, alarm; the
general address 0xF8 reaches the only unit on a line whatever its own address is; no mains, no answer; 80 to 260 V;
10 A (shunt) or 100 A (transformer); 0 W is shown below 0.4 W; 0.5 % of volts, amperes, watts. Inferred: a new value
about every second, one digit (0.1 W) beside the 0.5 %.

Left out, since no document says it: which of the two current ranges a unit has (say ``current_range=10`` or 100; it
only decides what counts as over range). The function that calibrates and the one that clears the energy are never
sent. Untested on hardware.
"""

from __future__ import annotations

from powerd.dialects.modbus_meter import ModbusMeter, Quantities, checked
from powerd.errors import Garbled


class Pzem004t(ModbusMeter):
    """``powerd.drivers.base.Driver`` for the series."""

    name = "pzem-004t"
    maker = "Peacefair"
    model = "PZEM-004T"
    unit = 0xF8
    count = 10

    def decode(self, registers: tuple[int, ...]) -> Quantities:
        """The ten registers; ``Garbled`` when they cannot be this meter's."""
        volts, amp_low, amp_high, watt_low, watt_high, _, _, hertz, factor, alarm = registers
        if alarm not in {0, 0xFFFF} or factor > 100:
            raise Garbled(f"alarm {alarm:#06x} and power factor {factor / 100:g} are no PZEM's")
        return checked(
            Quantities(
                volts=volts / 10,
                amperes=(amp_high << 16 | amp_low) / 1000,
                watts=(watt_high << 16 | watt_low) / 10,
                factor=factor / 100,
                hertz=hertz / 10,
            )
        )


DRIVER = Pzem004t()
