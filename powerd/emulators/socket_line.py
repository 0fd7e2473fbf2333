"""A raw TCP socket in front of an emulated instrument's pseudo-terminal; one client at a time.

Faults of the line stay those of the terminal: where it is unplugged, the client is cut off.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import termios
import threading
import tty

from schemas.errors import UserError


class SocketLine:
    """Carries bytes both ways on a thread of its own, from entering to leaving the ``with`` block."""

    def __init__(self, terminal: str, host: str, port: int) -> None:
        self._terminal = terminal
        try:
            self._server = socket.create_server((host, port), backlog=4)
        except OSError as error:
            raise UserError(
                f"nobody can listen on {host}:{port}: {error.strerror}; choose another port"
            ) from error
        self._host, self._number = host, int(self._server.getsockname()[1])
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name="socket-line", daemon=True)

    @property
    def port(self) -> str:
        """What to hand to powerd."""
        return f"tcp:{self._host}:{self._number}"

    def __enter__(self) -> SocketLine:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._wake_write, b"x")
        self._thread.join()
        self._server.close()
        for fd in (self._wake_read, self._wake_write):
            os.close(fd)

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._wake_read, self._server.fileno()], [], [])
            if self._wake_read in ready:
                return
            client, _ = self._server.accept()
            with client, contextlib.suppress(OSError):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._serve(client):
                    return

    def _serve(self, client: socket.socket) -> bool:
        """Until the client or the terminal is gone (False) or we are to end (True)."""
        fd = os.open(self._terminal, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(fd)
            mode = termios.tcgetattr(fd)
            mode[4] = mode[5] = termios.B230400
            termios.tcsetattr(fd, termios.TCSANOW, mode)
            while True:
                ready, _, _ = select.select([self._wake_read, client.fileno(), fd], [], [])
                if self._wake_read in ready:
                    return True
                if client.fileno() in ready:
                    data = client.recv(4096)
                    if not data:
                        return False
                    os.write(fd, data)
                if fd in ready:
                    client.sendall(os.read(fd, 4096))
        finally:
            os.close(fd)
