"""An emulated PZEM-004T: sources as in the driver of the same name."""

from __future__ import annotations

import math
import struct

from powerd.emulators.load import Load
from powerd.emulators.modbus_unit import ModbusUnit, one_range
from powerd.emulators.wattmeter import Measured, Wattmeter
from schemas.metrology import series

NAME, MODEL = "pzem-004t", "PZEM-004T"
STARTING_W = 0.4


class EmulatedPzem(ModbusUnit):
    """Ten registers, 32-bit values low word first; it listens to address 1 and to the general address."""

    units = frozenset({1, 0xF8})
    registers = 10

    def block(self, measured: Measured) -> bytes:
        """0.1 V, 0.001 A, 0.1 W, 1 Wh, 0.1 Hz, 0.01 power factor, alarm off; over range it shows too much."""
        over = math.isinf(measured.watts) or math.isinf(measured.amperes)
        volts = 230.0 if math.isinf(measured.volts) else measured.volts
        amperes = 1.2 * measured.current_range_a if over else measured.amperes
        watts = volts * amperes if over else measured.watts
        if watts < STARTING_W:
            watts = amperes = 0.0
        milliamperes, deciwatts = round(amperes * 1000), round(watts * 10)
        factor = round(100 * min(1.0, watts / (volts * amperes))) if amperes > 0 else 0
        low_first = [
            n & 0xFFFF if part == 0 else n >> 16 for n in (milliamperes, deciwatts, 0) for part in (0, 1)
        ]
        return struct.pack(">10H", round(volts * 10), *low_first, round(measured.hertz * 10), factor, 0)


class PzemEmulator:
    """``powerd.emulators.base.Emulator`` of the series."""

    name = NAME
    models = (MODEL,)

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedPzem:
        """A meter that was just connected."""
        spec = series(NAME)[model]
        setup = one_range(spec.voltage_ranges_v[0], min(spec.current_ranges_a), spec.intervals_ns[0])
        return EmulatedPzem(Wattmeter(spec, load, origin_ns, seed, setup, protects=False), seed)


EMULATOR = PzemEmulator()
