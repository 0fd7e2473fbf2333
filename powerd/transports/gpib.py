"""GPIB through an adapter of the Prologix kind: ``gpib:ADDRESS@/dev/ttyUSB0`` (or ``@tcp:HOST:1234``).

The adapter (Prologix GPIB-USB and GPIB-ETHERNET, AR488) takes lines that begin with ``++`` for itself and sends
every other line to the addressed instrument (AR488 manual 0.51, documented; Prologix the same). CR, LF, ESC and
``+`` inside a message are preceded by ESC. With ``++auto 0`` an answer is only fetched by ``++read eoi``, since
an adapter that reads after every line makes the meter queue error 420. ``++savecfg 0`` spares its memory.

The rate of the tty does not matter on an FTDI-based adapter; AR488 wants 115200 (inferred). No adapter was
tried by us; ``powerd.emulators.prologix`` stands in.
"""

from __future__ import annotations

import re

from powerd.boottime import boottime_ns
from powerd.errors import Garbled, Gone, NotThere
from powerd.transports import LineSettings, open_port
from powerd.transports.asked import AskedTransport
from powerd.transports.base import Transport

SCHEME = "gpib"
EXAMPLE = "gpib:ADDRESS@/dev/ttyUSB0"
ESCAPE = 0x1B
LONGEST_READ_MS = 3000
"""The longest time-out that the adapters take."""
_PLACE = re.compile(r"(\d{1,2})@(.+)\Z", re.DOTALL)
_ADAPTER_S = 1.0


def escaped(message: bytes) -> bytes:
    """A message for the instrument as one line for the adapter."""
    body = bytearray()
    for byte in message.rstrip(b"\r\n"):
        if byte in b"\r\n\x1b+":
            body.append(ESCAPE)
        body.append(byte)
    return bytes(body) + b"\n"


class GpibTransport(AskedTransport):
    """One instrument behind an adapter, which is ours alone."""

    def __init__(self, name: str, adapter: Transport, address: int) -> None:
        super().__init__(name)
        self._adapter = adapter
        self._address = address
        self._asked_until_ns = 0
        self._read_ms = 0
        self._is_closed = False

    def set_up(self) -> None:
        """Make the adapter a controller that reads only when told; ``NotThere`` when it is no adapter."""
        self._adapter.discard_input()
        self._tell("++savecfg 0")
        self._tell("++mode 1")
        self._tell("++auto 0")
        self._adapter.discard_input()
        self._tell("++ver")
        try:
            version = self._adapter.read_until(b"\n", _ADAPTER_S)
        except (Gone, Garbled) as error:
            raise NotThere(
                f"no GPIB adapter answers ++ver on {self._adapter.name}: wanted one of the Prologix kind; "
                "check the port and its baud rate (AR488: 115200)"
            ) from error
        if not re.search(rb"GPIB|AR488|Prologix", version, re.IGNORECASE):
            raise NotThere(f"{self._adapter.name} answers {version[:40]!r}, which is no GPIB adapter")
        self._tell("++eoi 1")
        self._tell("++eos 2")
        self._tell("++eot_enable 0")
        self._tell(f"++addr {self._address}")

    def close(self) -> None:
        """Release the adapter; a second call does nothing."""
        self._adapter.close()

    def _tell(self, command: str) -> None:
        self._adapter.write(command.encode("ascii") + b"\n", _ADAPTER_S)

    def _send(self, data: bytes, deadline_s: float) -> None:
        self._asked_until_ns = 0
        self._adapter.write(escaped(data), deadline_s)

    def _receive(self, deadline_s: float) -> tuple[bytes, bool]:
        """What the instrument says, read on while the adapter's own time-out is shorter than ours."""
        end = boottime_ns() + int(deadline_s * 1e9)
        while (now := boottime_ns()) < end:
            if now >= self._asked_until_ns:
                self._read((end - now) // 1_000_000)
            patience_s = (min(end, self._asked_until_ns) - now) / 1e9
            try:
                return self._adapter.read_until(b"\n", max(patience_s, 0.001)), False
            except Gone:
                if self._adapter.stamps.request_ns == 0:
                    raise
        return b"", True

    def _read(self, left_ms: int) -> None:
        patience_ms = min(LONGEST_READ_MS, max(1, left_ms))
        if patience_ms != self._read_ms and (self._read_ms < left_ms or self._read_ms > 2 * patience_ms):
            self._tell(f"++read_tmo_ms {patience_ms}")
            self._read_ms = patience_ms
        self._tell("++read eoi")
        self._asked_until_ns = boottime_ns() + self._read_ms * 1_000_000 + 50_000_000

    def _clear(self) -> None:
        """Let the adapter's own read run out, then clear the device."""
        self._tell("++clr")
        self._adapter.discard_input()

    def _first_ns(self, now_ns: int) -> int:
        return self._adapter.stamps.first_byte_ns or now_ns

    def _advice(self) -> str:
        return f"check that the meter is on and that its GPIB address is {self._address}"


def open_line(rest: str, line: LineSettings) -> GpibTransport:
    """Open the adapter and set it up; ``NotThere`` for a wrong address or a port without an adapter."""
    place = _PLACE.match(rest)
    if place is None or int(place[1]) > 30:
        raise NotThere(
            f"port gpib:{rest[:80]} is no place, wanted gpib:ADDRESS@TTY with an address from 0 to 30, "
            "for example gpib:1@/dev/ttyUSB0"
        )
    adapter = open_port(place[2], line)
    transport = GpibTransport(f"{SCHEME}:{rest}", adapter, int(place[1]))
    try:
        transport.set_up()
    except BaseException:
        adapter.close()
        raise
    return transport
