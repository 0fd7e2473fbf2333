"""An emulated Modbus RTU unit: answers function 04 from its registers, exceptions to the rest, silence to a bad CRC.

It tells with function 2B/0E, object 0x80, that it is emulated; the meters themselves do not know that function.
Inferred, since no document says it: processing takes 5 to 40 ms (drawn per start).
"""

from __future__ import annotations

import random
import struct
from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import ClassVar

from powerd.dialects.modbus import crc16, frame
from powerd.emulators.base import SERIAL, EmulatedMeter
from powerd.emulators.framing import Framing, Silence
from powerd.emulators.wattmeter import Measured, Setup, Wattmeter


class ModbusUnit(EmulatedMeter, ABC):
    """``powerd.emulators.base.Instrument`` for one unit with a block of input registers from 0."""

    units: ClassVar[frozenset[int]] = frozenset({1})
    registers: ClassVar[int]

    def __init__(self, meter: Wattmeter, seed: int) -> None:
        super().__init__([meter])
        self._random = random.Random(seed + 1)
        self._latency_ns = self._random.randint(5_000_000, 40_000_000)

    @abstractmethod
    def block(self, measured: Measured) -> bytes:
        """The registers of one update, two bytes each."""

    def framing(self) -> Framing:
        """Frames end with a silence."""
        return Silence()

    def restart(self, at_ns: int) -> None:
        """There is nothing to forget."""

    def handle(self, message: bytes, at_ns: int) -> Generator[int, None, bytes]:
        """Answer one frame; noise, a wrong CRC and frames to other units get no answer."""
        if len(message) < 4 or struct.unpack("<H", message[-2:])[0] != crc16(message[:-2]):
            return b""
        if message[0] not in self.units:
            return b""
        meter = self.meters[0]
        if meter.index_at(at_ns) < 1:  # just switched on: it answers when it has something to say
            at_ns = meter.end_of(1)
            yield at_ns
        measured = meter.at(at_ns)
        if measured.watts != measured.watts:  # the meter lives from the mains that it measures
            return b""
        yield at_ns + self._latency_ns + self._random.randint(0, 3_000_000)
        return frame(self._answer(message[:-2], measured))

    def _answer(self, asked: bytes, measured: Measured) -> bytes:
        unit, function = asked[0], asked[1]
        if function == 0x2B and asked[2:] == b"\x0e\x04\x80":
            serial = SERIAL.encode()
            return bytes([unit, 0x2B, 0x0E, 4, 0x83, 0, 0, 1, 0x80, len(serial)]) + serial
        if function != 0x04 or len(asked) != 6:
            return bytes([unit, function | 0x80, 1])
        start, count = struct.unpack(">HH", asked[2:])
        if not 1 <= count <= 125 or start + count > self.registers:
            return bytes([unit, function | 0x80, 2])
        block = self.block(measured)[2 * start : 2 * (start + count)]
        return bytes([unit, function, 2 * count]) + block


def one_range(spec_volts: float, spec_amperes: float, interval_ns: int) -> Setup:
    """The setup of a meter that has one range and no choice."""
    return Setup(interval_ns, 3, spec_volts, spec_amperes, voltage_auto=False, current_auto=False)
