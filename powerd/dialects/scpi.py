"""Talking to instruments of the IEEE 488.2 / SCPI kind over a byte line.

A program message is units joined by ``;`` and ended by LF; the answer to all its queries is one line, units
joined by ``;``. Parsing is pure; ``Scpi`` adds the exchange over a transport and getting back in step.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from powerd.errors import Garbled, Gone
from powerd.transports.base import Transport

_NR3 = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?\Z", re.ASCII)
_HEADER = re.compile(r":?[A-Z][A-Z0-9]*(?::[A-Z][A-Z0-9]*)+ +(?=\S)|:[A-Z][A-Z0-9]* +(?=\S)", re.ASCII)
_ERROR = re.compile(r'([+-]?\d+)\s*,\s*"([^"]*)"\Z', re.ASCII)
NO_DATA_VALUE = 9.91e37
"""SCPI's number for "not a number"; 9.9E+37 stands for infinity."""
INFINITY_VALUE = 9.9e37


@dataclass(frozen=True, slots=True)
class Identity:
    """The four fields of ``*IDN?``."""

    maker: str
    model: str
    serial: str
    firmware: str
    text: str


def decode(line: bytes) -> str:
    """An answer as text without its terminator; ``Garbled`` for bytes that no answer holds."""
    body = line.rstrip(b"\r\n")
    if any(b < 0x20 or b > 0x7E for b in body):
        raise Garbled(f"the answer {body[:40]!r} holds bytes that are no text: do the baud rates agree?")
    return body.decode("ascii")


def strip_header(unit: str) -> str:
    """``:RATE 500.0E-03`` and ``:VOLT:RANG 300.0E+00`` without the header that some settings add."""
    return _HEADER.sub("", unit.strip(), count=1) if ":" in unit[:24] else unit.strip()


def number(text: str) -> float:
    """NR1, NR2 or NR3 to float; ``NAN`` and 9.91E+37 to nan, ``INF`` and 9.9E+37 to inf; else ``Garbled``."""
    word = text.strip().upper()
    if word in {"NAN", "INF", "-INF"}:
        return float(word)
    if not _NR3.match(word):
        raise Garbled(f"{text[:40]!r} is not a number of the form 1.2345E+00")
    value = float(word)
    if math.isclose(value, NO_DATA_VALUE, rel_tol=1e-4):
        return math.nan
    if abs(value) >= INFINITY_VALUE * 0.999:
        return math.copysign(math.inf, value)
    return value


def boolean(text: str) -> bool:
    """``1``/``0`` (or ``ON``/``OFF``); ``Garbled`` otherwise."""
    word = strip_header(text).upper()
    if word in {"1", "ON"}:
        return True
    if word in {"0", "OFF"}:
        return False
    raise Garbled(f"{text[:40]!r} is neither 0 nor 1")


def identity(line: str) -> Identity:
    """``maker,model,serial,firmware``; ``Garbled`` when it is none. Some meters have no serial number in it.

    Fields beyond the fourth (dates, revisions of boards) belong to the firmware.
    """
    fields = [f.strip() for f in strip_header(line).split(",")]
    if not 3 <= len(fields) <= 8 or not fields[0] or not fields[1] or _NR3.match(fields[0].upper()):
        raise Garbled(f"{line[:60]!r} is not an identity of the form maker,model,serial,firmware")
    serial = fields[2] if len(fields) > 3 else ""
    firmware = ",".join(fields[3:]) if len(fields) > 3 else fields[2]
    return Identity(fields[0], fields[1], serial, firmware, line.strip())


def error_entry(line: str) -> tuple[int, str]:
    """``113,"Undefined header"`` to code and words; a bare code (texts switched off) has empty words."""
    text = line.strip()
    if re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        return int(text), ""
    match = _ERROR.match(text)
    if match is None:
        raise Garbled(f"{line[:60]!r} is not an entry of an error queue")
    return int(match.group(1)), match.group(2)


class Scpi:
    """Exchanges with one instrument over ``port``; holds nothing but the port and its deadline."""

    def __init__(self, port: Transport, deadline_s: float = 2.0) -> None:
        self._port = port
        self._deadline_s = deadline_s

    def send(self, message: str) -> None:
        """Send a message that has no answer."""
        self._port.write(message.encode("ascii") + b"\n", self._deadline_s)

    def line(self, message: str, deadline_s: float | None = None) -> str:
        """Send a message with queries and return its answer line."""
        self.send(message)
        return decode(self._port.read_until(b"\n", deadline_s or self._deadline_s))

    def query(self, message: str, units: int = 1) -> list[str]:
        """The ``units`` answers to the queries of ``message``, headers removed; ``Garbled`` if the count is off."""
        answer = self.line(message)
        fields = [strip_header(u) for u in answer.split(";")]
        if len(fields) != units:
            raise Garbled(f"{message!r} was answered with {answer[:60]!r}: {len(fields)} units, not {units}")
        return fields

    def next_error(self) -> tuple[int, str]:
        """The oldest entry of the error queue, ``(0, …)`` when it is empty."""
        return error_entry(self.line(":STAT:ERR?"))

    def identify(self, attempts: int = 2) -> Identity:
        """Ask ``*IDN?`` and nothing else; skip answers to older questions that come in first."""
        for left in reversed(range(attempts)):
            self._port.discard_input()
            self.send("*IDN?")
            try:
                found = self._first(identity)
            except (Gone, Garbled):
                if left == 0:
                    raise
                continue
            self.drain()
            return found
        raise ValueError("at least one attempt is needed")

    def resync(self) -> None:
        """Get back in step after a lost or garbled answer, so that no late answer is taken for a new one.

        An empty message ends whatever half message the meter holds, ``*CLS`` clears its errors, and answers
        are thrown away until its identity has come and the line is quiet.
        """
        self.drain()
        self.send("\n*CLS")
        self.identify()

    def drain(self, quiet_s: float = 0.03) -> None:
        """Throw input away until nothing has come for ``quiet_s`` (and 20 characters' time)."""
        pause = max(quiet_s, 20 * self._port.byte_time_ns / 1e9)
        for _ in range(200):
            self._port.discard_input()
            try:
                self._port.read_exactly(1, pause)
            except Gone:
                return
        raise Garbled(f"{self._port.name} does not stop sending: is it a meter that was asked?")

    def _first(self, parse: Callable[[str], Identity]) -> Identity:
        wrong: Garbled | None = None
        for _ in range(4):
            try:
                return parse(decode(self._port.read_until(b"\n", self._deadline_s)))
            except Garbled as error:
                wrong = error
            except Gone:
                if wrong is not None:
                    raise wrong from None
                raise
        raise wrong or Garbled("no identity came")
