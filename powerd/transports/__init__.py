"""Lines to a meter: bytes in and out with a deadline."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from powerd.errors import NotThere
from powerd.transports.base import Transport

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How a serial line is set. Handshakes are off, as the meters leave the factory."""

    baud: int = 9600
    data_bits: int = 8
    parity: str = "N"
    stop_bits: int = 1

    @property
    def byte_time_ns(self) -> int:
        """Time of one character on the wire: start bit, data, parity, stop bits."""
        bits = 1 + self.data_bits + (self.parity != "N") + self.stop_bits
        return round(bits * 1_000_000_000 / self.baud)


def open_port(port: str, line: LineSettings, record: Path | None = None) -> Transport:
    """Open ``port``: the path of a tty, or ``replay:FILE`` for a recorded conversation.

    With ``record`` every conversation is written down in that file. Raises ``NotThere`` with one sentence
    when the port does not exist, is no tty, may not be opened or is in use.
    """
    transport = _open(port, line)
    if record is None:
        return transport
    from powerd.transports.recording import RecordingTransport

    return RecordingTransport(transport, record)


def _open(port: str, line: LineSettings) -> Transport:
    scheme = _SCHEME.match(port)
    if scheme is None:
        from powerd.transports.serial import SerialTransport

        return SerialTransport(port, line)
    if scheme.group(1) == "replay":
        from powerd.transports.replay import ReplayTransport

        return ReplayTransport(Path(scheme.group(2)))
    raise NotThere(
        f"port {port!r} has the unknown scheme {scheme.group(1)!r}: "
        "write the path of a tty such as /dev/ttyUSB0, or replay:FILE"
    )
