"""The socket and the loop that serves it; knows the application only as ASGI."""

from __future__ import annotations

import socket
import threading
from typing import Any

from powerd.errors import NotThere

STOP_S = 10.0


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. ``NotThere`` with the reason when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only on sockets that name TCP; without it an exchange takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise NotThere(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --listen HOST:PORT"
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL under which the socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server:
    """uvicorn on a thread of its own; signals stay with the main thread."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        import uvicorn

        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            limit_concurrency=256,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=3,
            server_header=False,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether requests are served."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Answer what is under way, then end."""
        self._server.should_exit = True
        self._thread.join(STOP_S)

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])
