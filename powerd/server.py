"""The sockets: the API on loopback, in a thread of its own, while the main thread takes signals."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

from powerd.service import Service
from schemas.errors import UserError


class Server:
    """Serves a service until told to stop."""

    def __init__(self, service: Service, host: str, port: int) -> None:
        """Binds at once; ``UserError`` when the address is taken."""
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}"
        names = {host, "127.0.0.1", "localhost", "[::1]", shown}
        self._hosts = frozenset(f"{name}:{self.port}" for name in names)
        self._service = service
        self._stop = threading.Event()
        self._interrupted = False

    def run(self, on_ready: Callable[[], None]) -> bool:
        """Serve until SIGTERM or SIGINT; whether it was SIGINT."""
        import uvicorn

        from powerd.api.app import make_app

        config = uvicorn.Config(
            make_app(self._service, self._hosts),
            log_level="warning",
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=3,
            limit_concurrency=200,
        )
        server = uvicorn.Server(config)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._signalled)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [self._socket]}, name="api", daemon=True
        )
        thread.start()
        while not server.started and thread.is_alive():
            self._stop.wait(0.01)
        on_ready()
        tell_systemd("READY=1")
        while thread.is_alive() and not self._stop.wait(0.5):
            pass
        tell_systemd("STOPPING=1")
        self._service.feed.close()
        server.should_exit = True
        thread.join(5.0)
        return self._interrupted

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        self._interrupted = number == signal.SIGINT
        self._stop.set()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Small answers leave at once: an exchange of clocks is only as good as its round trip.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise UserError(
            f"cannot listen on {host}:{port}: {error.strerror}; stop the other program or choose another --listen"
        ) from error
    sock.listen(128)
    return sock


def tell_systemd(message: str) -> None:
    """One datagram to the service manager, when there is one (sd_notify protocol)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    target = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(message.encode(), target)
        except OSError:
            return
