"""Lines to a meter: bytes in and out with a deadline. One kind of line is one file of this folder, found by it.

Such a file has ``SCHEME`` (what stands before the first colon of a port; empty for a tty's path), ``EXAMPLE`` and
``open_line(rest, line)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from powerd.errors import NotThere
from powerd.transports.base import Transport
from schemas.discovery import modules

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How a serial line is set. Handshakes are off, as the meters leave the factory.

    ``handshake`` is none, rts (RTS/CTS) or xon (XON/XOFF). ``rs485`` has the kernel switch the direction of a
    two-wire line with RTS (most adapters do it themselves); ``echo`` says that the line hands back what is sent.
    """

    baud: int = 9600
    data_bits: int = 8
    parity: str = "N"
    stop_bits: int = 1
    handshake: str = "none"
    rs485: bool = False
    echo: bool = False

    @property
    def byte_time_ns(self) -> int:
        """Time of one character on the wire: start bit, data, parity, stop bits."""
        bits = 1 + self.data_bits + (self.parity != "N") + self.stop_bits
        return round(bits * 1_000_000_000 / self.baud)


def open_port(
    port: str, line: LineSettings, record: Path | None = None, about: Mapping[str, Any] | None = None
) -> Transport:
    """Open ``port``: the path of a tty, or ``SCHEME:…`` for a line of another kind.

    With ``record`` every conversation is written down in that file, which begins with ``about``. Raises ``NotThere``
    with one sentence when the port does not exist, is no such line, may not be opened or is in use.
    """
    scheme, rest = _parts(port)
    transport: Transport = _lines()[scheme].open_line(rest, line)
    if record is None:
        return transport
    from powerd.transports.recording import RecordingTransport

    return RecordingTransport(transport, record, about)


def is_paced(port: str) -> bool:
    """Whether the line settings decide how fast this line is: that of a tty named by its path."""
    return _SCHEME.match(port) is None


def _parts(port: str) -> tuple[str, str]:
    """Scheme and the rest; ``NotThere`` for a scheme that nobody has."""
    found = _SCHEME.match(port)
    if found is None:
        return "", port
    if found.group(1) not in _lines():
        examples = [module.EXAMPLE for module in _lines().values()]
        raise NotThere(
            f"port {port[:80]!r} has the unknown scheme {found.group(1)!r}: "
            f"write {', '.join(examples[:-1])} or {examples[-1]}"
        )
    return found.group(1), found.group(2)


@cache
def _lines() -> dict[str, Any]:
    """The modules of this folder that open a line, by scheme; the tty first."""
    found = {m.SCHEME: m for m in modules("powerd.transports") if hasattr(m, "SCHEME")}
    return dict(sorted(found.items()))
