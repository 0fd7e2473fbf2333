"""An emulated GPIB adapter of the Prologix kind with one instrument on its bus.

Lines that begin with ``++`` are the adapter's; the rest goes to the addressed instrument, without the ESC that
precedes CR, LF, ESC and ``+`` (AR488 manual 0.51). Nothing is read from the instrument but by ``++read``, or after
every line with ``++auto 1``, when a line without a question makes the instrument queue its error 420.
"""

from __future__ import annotations

from collections.abc import Generator

from powerd.emulators.base import Instrument
from powerd.emulators.framing import Framing, Message

ESCAPE = 0x1B
VERSION = "Prologix GPIB-USB Controller version 6.107 (EDGEWATT-EMULATED)"


class EscapedLines:
    """Lines that end with CR or LF unless ESC stands before; the escapes are still in them."""

    def __init__(self, limit: int = 1024) -> None:
        self._limit = limit
        self._bytes = bytearray()
        self._literal = False

    def put(self, byte: int, at_ns: int, byte_time_ns: int) -> Message | None:
        """One byte; the line when it ended one that is not empty."""
        if byte not in b"\r\n" or self._literal:
            self._literal = byte == ESCAPE and not self._literal
            if len(self._bytes) < self._limit:
                self._bytes.append(byte)
            return None
        line = bytes(self._bytes)
        self._bytes.clear()
        return (line, at_ns) if line else None

    def due_ns(self) -> int | None:
        """Silence ends nothing."""
        return None

    def flush(self, now_ns: int) -> Message | None:
        """Silence ends nothing."""
        return None

    def held(self) -> int:
        """Bytes of a line that goes on."""
        return len(self._bytes)


class PrologixAdapter:
    """``powerd.emulators.base.Instrument`` in front of another one."""

    keeps_output = True

    def __init__(self, instrument: Instrument, address: int) -> None:
        self._instrument = instrument
        self._address = address
        self._switch_on()

    def framing(self) -> Framing:
        """Lines with escapes."""
        return EscapedLines()

    def interrupted(self) -> None:
        """The adapter has a buffer."""

    def next_push_ns(self) -> int | None:
        """Nothing is sent unasked."""
        return None

    def push(self, at_ns: int) -> bytes:
        """Nothing is sent unasked."""
        return b""

    def force(self, kind: str, value: float, until_ns: int) -> None:
        """A fault of the meter."""
        self._instrument.force(kind, value, until_ns)

    def restart(self, at_ns: int) -> None:
        """Adapter and instrument are switched off and on."""
        self._switch_on()
        self._instrument.restart(at_ns)

    def handle(self, message: bytes, at_ns: int) -> Generator[int, None, bytes]:
        """A line for the adapter or for the bus."""
        if message.startswith(b"++"):
            return (yield from self._command(message[2:].decode("latin-1").split(), at_ns))
        if int(self._settings["addr"].split()[0]) == self._address:
            self._write(_plain(message), at_ns)
        return (yield from self._read(at_ns)) if self._settings["auto"] == "1" else b""

    def _switch_on(self) -> None:
        """As after power-on: these are the values of the manual."""
        self._settings = {"mode": "1", "addr": "5", "auto": "0", "eoi": "1", "eos": "0", "eot_enable": "0",
                          "read_tmo_ms": "200", "savecfg": "1"}  # fmt: skip
        self._work: Generator[int, None, bytes] | None = None
        self._busy_until_ns = 0
        self._answer = b""

    def _command(self, words: list[str], at_ns: int) -> Generator[int, None, bytes]:
        name, values = (words[0], words[1:]) if words else ("", [])
        if name == "read":
            return (yield from self._read(at_ns))
        if name == "ver":
            yield at_ns
            return VERSION.encode() + b"\r\n"
        if name == "clr":
            self._work, self._answer = None, b""
            return b""
        if name not in self._settings:
            return b"Unrecognized command\r\n"
        if not values:
            return self._settings[name].encode() + b"\r\n"
        self._settings[name] = " ".join(values)
        return b""

    def _write(self, message: bytes, at_ns: int) -> None:
        """The bus takes the message; the instrument works on it as far as it can at once."""
        if self._work is not None or self._answer:
            self._work, self._answer = None, b""
            self._instrument.interrupted()
        work = self._instrument.handle(message, at_ns)
        try:
            self._busy_until_ns = next(work)
            self._work = work
        except StopIteration as end:
            self._answer = end.value

    def _read(self, at_ns: int) -> Generator[int, None, bytes]:
        """What the instrument has to say, or nothing when the time-out is over."""
        give_up = at_ns + int(self._settings["read_tmo_ms"].split()[0]) * 1_000_000
        while self._work is not None:
            if self._busy_until_ns > give_up:
                break
            yield max(at_ns, self._busy_until_ns)
            try:
                self._busy_until_ns = next(self._work)
            except StopIteration as end:
                self._work, self._answer = None, end.value
        if self._work is not None or not self._answer:
            yield give_up
            return b""
        answer, self._answer = self._answer, b""
        return answer


def _plain(line: bytes) -> bytes:
    """A line without its escapes."""
    body, literal = bytearray(), False
    for byte in line:
        if byte == ESCAPE and not literal:
            literal = True
            continue
        body.append(byte)
        literal = False
    return bytes(body)
