"""Sockets of the text protocols: a thread per connection, everything bounded, and a silent peer holds up nobody."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from dataclasses import dataclass, field

from powerd.errors import PowerdError
from powerd.protocols.base import Conversations, TooLong
from schemas.errors import UserError

log = logging.getLogger(__name__)
LONGEST_LINE = 4096
MOST_CONNECTIONS = 16
FIRST_LINE_S = 30.0
"""Who has said nothing for so long is not one of the programs that this is for."""
SEND_S = 30.0
"""A peer that takes nothing for so long is gone."""
_KEEPALIVE = (("TCP_KEEPIDLE", 2), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 10))
"""As both ends of power-dev set it: a dead peer is noticed after 22 s (power-dev-protocol, section 1)."""


class SocketLine:
    """``powerd.protocols.base.Line`` over a connected socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._held = bytearray()
        self.spoken = False
        try:
            self._peer = "{}:{}".format(*sock.getpeername()[:2])
        except (OSError, IndexError):
            self._peer = "a peer that left"

    @property
    def peer(self) -> str:
        """Address and port."""
        return self._peer

    def read_line(self) -> str | None:
        """Up to LF, without CR; bytes that are no UTF-8 become the replacement character."""
        while (at := self._held.find(b"\n")) < 0:
            if len(self._held) > LONGEST_LINE:
                raise TooLong(f"{self._peer} sent {len(self._held)} bytes without the end of a line")
            self._sock.settimeout(None if self.spoken else FIRST_LINE_S)
            data = self._sock.recv(LONGEST_LINE)
            if not data:
                return None  # what stands there without an end was never said
            self._held += data
        line = bytes(self._held[:at])
        del self._held[: at + 1]
        if len(line) > LONGEST_LINE:
            raise TooLong(f"{self._peer} sent a line of {len(line)} bytes")
        self.spoken = True
        return line.removesuffix(b"\r").decode("utf-8", "replace")

    def write(self, text: str) -> None:
        """All of it, or ``OSError``."""
        self.write_bytes(text.encode("utf-8", "replace"))

    def write_bytes(self, data: bytes) -> None:
        """All of it, or ``OSError``."""
        self._sock.settimeout(SEND_S)
        self._sock.sendall(data)


@dataclass(slots=True)
class _Connection:
    sock: socket.socket
    line: SocketLine
    since: float = field(default_factory=time.monotonic)


class LineServer:
    """Serves one protocol on one address until closed."""

    def __init__(self, name: str, host: str, port: int) -> None:
        """Takes the address, but nobody can connect yet; ``UserError`` when it cannot be had."""
        self._name = name
        self._conversations: Conversations | None = None
        self._lock = threading.Lock()
        self._connections: dict[int, _Connection] = {}
        self._closed = False
        self._socket = _bind(name, host, port)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name=name, daemon=True)

    def start(self, conversations: Conversations) -> None:
        """Take connections, on a thread of its own."""
        self._conversations = conversations
        self._socket.listen(MOST_CONNECTIONS)
        self._thread.start()

    def close(self) -> None:
        """End every connection and free the address."""
        with self._lock:
            self._closed = True
            connections = list(self._connections.values())
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in connections:
            _hang_up(connection.sock)
        if self._thread.is_alive():
            self._thread.join(2.0)
        give_up = time.monotonic() + 8.0
        while self._connections and time.monotonic() < give_up:
            time.sleep(0.01)
        if self._conversations is not None:
            self._conversations.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                if self._closed:
                    return
                time.sleep(0.1)  # out of file descriptors: those in use may come back
                continue
            self._take(sock)

    def _take(self, sock: socket.socket) -> None:
        for option, value in _KEEPALIVE:
            if hasattr(socket, option):
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(sock, SocketLine(sock))
        with self._lock:
            full = len(self._connections) >= MOST_CONNECTIONS
            mute = [c for c in self._connections.values() if not c.line.spoken]
            if self._closed or (full and not mute):
                log.warning("%s: %s is sent away: too many connections", self._name, connection.line.peer)
                sock.close()
                return
            if full:
                _hang_up(min(mute, key=lambda c: c.since).sock)
            self._connections[id(connection)] = connection
        threading.Thread(target=self._serve, args=(connection,), name=self._name, daemon=True).start()

    def _serve(self, connection: _Connection) -> None:
        assert self._conversations is not None
        try:
            self._conversations.hold(connection.line)
        except TooLong as error:
            log.warning("%s: %s", self._name, str(error))
        except (OSError, PowerdError) as error:
            log.info("%s: %s: %s", self._name, connection.line.peer, str(error))
        finally:
            connection.sock.close()
            with self._lock:
                self._connections.pop(id(connection), None)


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _bind(name: str, host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise UserError(
            f"cannot listen on {host}:{port} for {name}: {error.strerror}; stop the other program or choose "
            "another port"
        ) from error
    return sock
