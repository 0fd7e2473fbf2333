"""A raw TCP socket that carries the meter's text: ``tcp:HOST:PORT`` (an IPv6 host in brackets).

No protocol stands between (no VXI-11, no Telnet options): what is written is what the other side reads. Meters with a
SCPI socket, serial servers in raw mode and GPIB-LAN adapters speak so.
"""

from __future__ import annotations

import os
import re
import select
import socket

from powerd.boottime import boottime_ns
from powerd.errors import Gone, NotThere
from powerd.transports import LineSettings
from powerd.transports.stream import StreamTransport

SCHEME = "tcp"
EXAMPLE = "tcp:HOST:PORT"
CONNECT_S = 3.0
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[^:\[\]\s]+):(\d{1,5})\Z")


class TcpTransport(StreamTransport):
    """``powerd.transports.base.Transport`` over one connection; a lost one is opened anew by who owns the transport."""

    # A lost packet is sent again after 200 ms and more, so a pause says less than on a wire.
    stall_ns = 1_500_000_000
    silence_advice = "check that the meter is on and that host and port are those of its raw socket"

    def __init__(self, name: str, line: socket.socket) -> None:
        super().__init__(name, 0)
        self._socket: socket.socket | None = line

    def write(self, data: bytes, deadline_s: float) -> None:
        """Hand all of ``data`` to the connection."""
        line = self._open()
        try:
            line.settimeout(max(deadline_s, 0.001))
            line.sendall(data)
        except TimeoutError as error:
            raise Gone(
                f"{self._name} took no bytes for {deadline_s:g} s: is the meter still there?"
            ) from error
        except OSError as error:
            raise self._broken(error) from error
        self._sent(boottime_ns())

    def discard_input(self) -> None:
        """Throw away what has arrived; ``Gone`` when the connection is broken."""
        self._held.clear()
        while select.select([self._open()], [], [], 0)[0]:
            if not self._receive(False):
                raise Gone(f"{self._name} closed the connection")

    def close(self) -> None:
        """End the connection; a second call does nothing."""
        line, self._socket = self._socket, None
        if line is not None:
            line.close()

    def _open(self) -> socket.socket:
        if self._socket is None:
            raise Gone(f"{self._name} was closed")
        return self._socket

    def _descriptor(self) -> int:
        return self._open().fileno()

    def _receive(self, first: bool) -> bytes:
        try:
            return self._open().recv(4096)
        except OSError as error:
            raise self._broken(error) from error

    def _broken(self, error: OSError) -> Gone:
        why = os.strerror(error.errno) if error.errno else str(error)
        return Gone(f"the connection to {self._name} broke ({why})")


def open_line(rest: str, line: LineSettings) -> TcpTransport:
    """Connect; ``NotThere`` when nobody listens there."""
    place = _PLACE.match(rest)
    if place is None or not 0 < int(place[2]) < 65536:
        raise NotThere(
            f"port tcp:{rest[:80]} is no place, wanted tcp:HOST:PORT, for example tcp:192.168.1.20:5025"
        )
    host, port = place[1].strip("[]"), int(place[2])
    try:
        made = socket.create_connection((host, port), timeout=CONNECT_S)
    except TimeoutError as error:
        raise NotThere(
            f"nobody answered at {host} port {port} within {CONNECT_S:g} s: is the meter on and in this network?"
        ) from error
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise NotThere(f"{host} port {port} cannot be reached ({why}): check address and port") from error
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return TcpTransport(f"{SCHEME}:{rest}", made)
