"""Modbus RTU from the master's side: frames with a CRC, functions 03 and 04, exceptions, identification.

Sources: Modbus Application Protocol V1.1b3 (functions 6.3, 6.4, 6.21, exceptions 7) and Modbus over Serial Line V1.02
(frame 2.5.1, CRC 6.2.2, silence of 3.5 characters between frames 2.5.1.1); example frames as in the meters' own
documents. Only reading functions are here: nothing in this module can change a meter.

A two-wire line may hand back what was sent (RS-485 adapters that hear themselves); that echo is taken off.
"""

from __future__ import annotations

import struct

from powerd.errors import Garbled, Gone, Refused
from powerd.transports.base import Transport

READ_HOLDING, READ_INPUT = 0x03, 0x04
MOST_REGISTERS = 125
_IDENTIFY, _MEI_DEVICE, _SERIAL_OBJECT = 0x2B, 0x0E, 0x80
_EXCEPTIONS = {
    1: "function not known",
    2: "address not known",
    3: "value not allowed",
    4: "device failure",
    6: "device busy",
}
SILENCE_CHARACTERS = 3.5
_SHORTEST_SILENCE_NS = 1_750_000
"""The silence from 19200 baud up (Modbus over Serial Line 2.5.1.1)."""


def crc16(data: bytes) -> int:
    """CRC-16/Modbus: polynomial 0xA001 (reflected), start 0xFFFF; it goes on the wire low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def frame(body: bytes) -> bytes:
    """Address, function and data with their CRC."""
    return body + struct.pack("<H", crc16(body))


def body(data: bytes) -> bytes:
    """A frame without its CRC; ``Garbled`` when the CRC is another one or the frame is too short."""
    if len(data) < 5 or struct.unpack("<H", data[-2:])[0] != crc16(data[:-2]):
        raise Garbled(f"the frame {data[:24].hex(' ')} does not end in its CRC")
    return data[:-2]


def read_request(unit: int, function: int, start: int, count: int) -> bytes:
    """The frame that asks for ``count`` registers from ``start``."""
    if not 1 <= count <= MOST_REGISTERS or not 0 <= start <= 0x10000 - count:
        raise ValueError(f"{count} registers from {start} cannot be asked for")
    return frame(struct.pack(">BBHH", unit, function, start, count))


def float32(registers: tuple[int, ...], index: int) -> float:
    """IEEE 754 single in two registers, high word first."""
    return float(struct.unpack(">f", struct.pack(">HH", *registers[index : index + 2]))[0])


class Modbus:
    """Exchanges with one unit: ``Gone`` for silence, ``Garbled`` for noise, ``Refused`` for its exceptions."""

    def __init__(self, port: Transport, unit: int = 1, deadline_s: float = 1.5) -> None:
        self._port = port
        self._unit = unit
        self._deadline_s = deadline_s

    def registers(self, function: int, start: int, count: int) -> tuple[int, ...]:
        """The values of ``count`` registers, 16 bits each, by function 03 or 04."""
        answer = self._exchange(read_request(self._unit, function, start, count))
        if answer[2] != 2 * count or len(answer) != 3 + 2 * count:
            raise Garbled(f"{answer[2]} bytes came where {2 * count} were asked for")
        return struct.unpack(f">{count}H", answer[3:])

    def emulated_serial(self) -> str | None:
        """Object 0x80 of the device identification (function 2B/0E); None when the unit has none.

        The meters that are read here do not know this function and answer with an exception or not at all; our
        emulators tell with it that they are none of them.
        """
        request = frame(bytes([self._unit, _IDENTIFY, _MEI_DEVICE, 4, _SERIAL_OBJECT]))
        try:
            answer = self._exchange(request)
        except (Refused, Garbled, Gone):
            self._settle()
            return None
        return answer[10:].decode("ascii", "replace")

    def _exchange(self, request: bytes) -> bytes:
        """Send a frame after a silence; the body of the answer of the same unit and function."""
        self._port.discard_input()
        self._settle(SILENCE_CHARACTERS)
        self._port.write(request, self._deadline_s)
        try:
            return self._answer(request)
        except Garbled:
            self._settle()
            raise

    def _answer(self, request: bytes) -> bytes:
        head = self._port.read_exactly(3, self._deadline_s)
        if head == request[:3]:  # our own words, or an identification, which begins like its question
            head += self._port.read_exactly(len(request) - 3, self._deadline_s)
            if head == request:
                head = self._port.read_exactly(3, self._deadline_s)
            elif request[1] != _IDENTIFY:
                raise Garbled(f"the line hands back {head.hex(' ')}, not what was sent")
        unit, function, third = head[:3]
        if unit != request[0] or function & 0x7F != request[1]:
            raise Garbled(f"unit {unit} answers function {function:#04x}, not what was asked")
        if function & 0x80:
            body(self._whole(head, 5))
            raise Refused(
                f"unit {unit} on {self._port.name} refuses function {request[1]:#04x}: "
                f"{_EXCEPTIONS.get(third, f'exception {third}')}"
            )
        if function == _IDENTIFY:  # one object: its length stands before it
            head = self._whole(head, 10)
            return body(self._whole(head, 12 + head[9]))
        return body(self._whole(head, 5 + third))

    def _whole(self, head: bytes, size: int) -> bytes:
        """The answer up to ``size`` bytes, of which ``head`` is there."""
        return head + self._port.read_exactly(size - len(head), self._deadline_s)

    def _settle(self, characters: float = 4 * SILENCE_CHARACTERS) -> None:
        """Throw away what comes until nothing has come for so many characters' time."""
        pause_ns = max(_SHORTEST_SILENCE_NS, round(characters * self._port.byte_time_ns))
        for _ in range(300):
            try:
                self._port.read_exactly(1, pause_ns / 1e9)
            except Gone:
                return
        raise Garbled(f"{self._port.name} does not stop sending: is another master on the line?")
