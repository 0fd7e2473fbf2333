"""The sockets: the API on its address, each socket in a thread of its own, while the main thread takes signals."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from powerd import logs, tokens
from powerd.config import Config, exposure, is_loopback, protocol_exposure
from powerd.notify import Notifier
from powerd.protocols import all_protocols
from powerd.protocols.lines import LineServer
from powerd.service import Service
from schemas.errors import UserError

if TYPE_CHECKING:
    from powerd.telemetry import Exporter

log = logging.getLogger(__name__)
LOOK_S = 0.5
UNIX_HOSTS = frozenset({"powerd", "localhost"})
"""Names under which clients speak to a Unix socket, which has none of its own."""


class Server:
    """Serves a service until told to stop."""

    def __init__(self, service: Service, config: Config) -> None:
        """Binds at once; ``UserError`` for a taken address, one that is not safe, tokens or keys that are wrong."""
        for mistake in (*exposure(config), *protocol_exposure(config)):
            raise UserError(mistake)
        access = config.access
        self._tokens = None if access.tokens_file is None else tokens.load(access.tokens_file)
        self._tls = _tls_files(access.tls_certificate, access.tls_key)
        self._service = service
        self._notifier = Notifier()
        self._signals: list[int] = []
        self._told, self._tell = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        main = _bind(config.host, config.port)
        self.port: int = main.getsockname()[1]
        self._sockets = [(main, self._tls)]
        self._path = config.socket
        if config.socket is not None:
            self._sockets.append((_bind_path(config.socket), None))
        shown = f"[{config.host}]" if ":" in config.host else config.host
        self.url = f"{'https' if self._tls else 'http'}://{shown}:{self.port}"
        names = {shown, *_own_names(config.host)}
        self._hosts = frozenset(f"{name}:{self.port}" for name in names)
        self._rooms = config.protocols
        self._lines = [LineServer(room.name, room.host, room.port) for room in self._rooms]

    def run(self, on_ready: Callable[[], None], again: Callable[[], Config] | None = None) -> bool:
        """Serve until SIGTERM or SIGINT; whether it was SIGINT.

        ``again`` reads the configuration anew at SIGHUP; ``UserError`` for one with mistakes, and all stays as it is.
        """
        servers = [self._one(sock, tls) for sock, tls in self._sockets]
        for number in (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if again is not None else ())):
            signal.signal(number, self._signalled)
        threads = [
            threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="api", daemon=True)
            for server, (sock, _) in zip(servers, self._sockets, strict=True)
        ]
        for thread in threads:
            thread.start()
        while not all(s.started for s in servers) and all(t.is_alive() for t in threads):
            self._wait(0.01)
        self._open_protocols()
        exporter = self._telemetry()
        on_ready()
        self._notifier.ready(self._service.status_line())
        ended_by = self._watch(threads, again)
        self._notifier.stopping()
        for line in self._lines:
            line.close()
        if exporter is not None:
            exporter.close()
        self._service.feed.close()
        for server in servers:
            server.should_exit = True
        for thread in threads:
            thread.join(5.0)
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        return ended_by == signal.SIGINT

    def _watch(self, threads: list[threading.Thread], again: Callable[[], Config] | None) -> int | None:
        """Until the end: reload when told to, and a sign of life for the watchdog while there is life."""
        while all(t.is_alive() for t in threads):
            while self._signals:
                number = self._signals.pop(0)
                if number != signal.SIGHUP:
                    return number
                if again is not None:
                    self._notifier.reloading()
                    self._reload(again)
                    self._notifier.ready(self._service.status_line())
            if self._service.alive:
                self._notifier.alive(self._service.status_line())
            self._wait(LOOK_S)
        return None

    def _reload(self, again: Callable[[], Config]) -> None:
        """Take the configuration over as far as can be; with a mistake in it everything stays as it was."""
        try:
            config = again()
            names = config.access.tokens_file
            known = None if names is None else tokens.load(names)
        except UserError as error:
            log.error("not reloaded, everything stays as it was: %s", error)
            return
        said = self._service.reload(config)
        if known is not None and self._tokens is not None:
            self._tokens.take_over(known)
            said.append("tokens: read again")
        elif (known is None) != (self._tokens is None):
            said.append("tokens_file: stays as it is until powerd is started again")
        logs.set_level(config.log_level)
        for sentence in said:
            log.warning("reload: %s", sentence)

    def _wait(self, seconds: float) -> None:
        """Sleep, but not through a signal."""
        if select.select([self._told], [], [], seconds)[0]:
            os.read(self._told, 64)

    def _one(self, sock: socket.socket, tls: tuple[str, str] | None) -> Any:
        """A server of the same application for one socket."""
        import uvicorn

        from powerd.api.app import make_app

        certificate, key = tls or (None, None)
        hosts = UNIX_HOSTS if sock.family == socket.AF_UNIX else self._hosts
        config = uvicorn.Config(
            make_app(self._service, hosts, self._tokens),
            log_level="warning",
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=3,
            limit_concurrency=200,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        return uvicorn.Server(config)

    def _open_protocols(self) -> None:
        """The foreign protocols of the configuration, each on its address."""
        for room, line in zip(self._rooms, self._lines, strict=True):
            meters = room.meters or self._service.meter_names
            line.start(all_protocols()[room.name].open(self._service, meters))

    def _telemetry(self) -> Exporter | None:
        """What sends metrics away, where that is configured."""
        told = self._service.config.telemetry
        if told is None:
            return None
        from powerd.telemetry import Exporter

        return Exporter(self._service, told)

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)
        try:
            os.write(self._tell, b"!")
        except BlockingIOError:
            pass  # enough wait there already


def _tls_files(certificate: Path | None, key: Path | None) -> tuple[str, str] | None:
    """The two files, when a TLS context can be made of them."""
    if certificate is None or key is None:
        return None
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}; name a PEM file") from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise UserError(
            f"tls_certificate {certificate} and tls_key {key} cannot be used ({getattr(error, 'reason', error)}): "
            "wanted two PEM files that belong together, the key without a password"
        ) from error
    return str(certificate), str(key)


def _own_names(host: str) -> set[str]:
    """Names by which this machine may be called: its own where others can reach it, else those of loopback."""
    names = {"127.0.0.1", "localhost", "[::1]"}
    if is_loopback(host):
        return names
    import psutil

    own = socket.gethostname()
    names |= {own, own.split(".")[0], f"{own.split('.')[0]}.local", socket.getfqdn()}
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family == socket.AF_INET:
                names.add(address.address)
            elif address.family == socket.AF_INET6:
                names.add(f"[{address.address.partition('%')[0]}]")
    return names


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


def _bind_path(path: Path) -> socket.socket:
    """A Unix socket that only its owner can use; one that was left behind by a daemon that died gives way."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket() and not _is_served(path):
            path.unlink()
        before = os.umask(0o177)
        try:
            sock.bind(str(path))
        finally:
            os.umask(before)
    except OSError as error:
        sock.close()
        why = error.strerror or str(error)
        raise UserError(f"socket {path} cannot be made: {why}; name a path that is free") from error
    sock.listen(128)
    return sock


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0
