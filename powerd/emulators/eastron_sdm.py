"""An emulated Eastron SDM120: sources as in the driver of the same name."""

from __future__ import annotations

import math
import struct

from powerd.emulators.load import Load
from powerd.emulators.modbus_unit import ModbusUnit, one_range
from powerd.emulators.wattmeter import Measured, Wattmeter
from schemas.metrology import series

NAME, MODEL = "eastron-sdm", "SDM120/SDM230"


class EmulatedSdm(ModbusUnit):
    """Values as IEEE singles, high word first; 32 registers, those between the known ones are zero."""

    registers = 0x20

    def block(self, measured: Measured) -> bytes:
        """Volts, amperes, watts, volt-amperes, reactive volt-amperes, power factor; over range it shows too much."""
        over = math.isinf(measured.watts) or math.isinf(measured.amperes)
        volts = 230.0 if math.isinf(measured.volts) else measured.volts
        amperes = 1.2 * measured.current_range_a if over else measured.amperes
        watts = volts * amperes if over else measured.watts
        apparent = volts * amperes
        values = {
            0x00: volts,
            0x06: amperes,
            0x0C: watts,
            0x12: apparent,
            0x18: math.sqrt(max(0.0, apparent**2 - watts**2)),
            0x1E: watts / apparent if apparent > 0 else 1.0,
        }
        return b"".join(struct.pack(">f", values.get(at, 0.0)) for at in range(0, self.registers, 2))


class EastronSdmEmulator:
    """``powerd.emulators.base.Emulator`` of the series."""

    name = NAME
    models = (MODEL,)

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedSdm:
        """A meter that was just connected."""
        spec = series(NAME)[model]
        setup = one_range(spec.voltage_ranges_v[0], spec.current_ranges_a[0], spec.intervals_ns[0])
        return EmulatedSdm(Wattmeter(spec, load, origin_ns, seed, setup, protects=False), seed)


EMULATOR = EastronSdmEmulator()
