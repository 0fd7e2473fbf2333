"""The line of a client to a daemon: one kept connection over TCP, TLS or a Unix socket. Standard library only."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_S = 60.0
TOKEN_VARIABLE, CA_VARIABLE = "POWERD_TOKEN", "POWERD_CA_FILE"


class ClientError(Exception):
    """The daemon is not there, refused, or answered what it should not. ``status`` is the HTTP status or 0."""

    def __init__(self, message: str, status: int = 0) -> None:
        """One sentence."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Address:
    """Where a daemon is: ``http://HOST:PORT``, ``https://HOST:PORT`` or ``unix:PATH``."""

    scheme: str
    host: str
    port: int


def parse(url: str) -> Address:
    """The address of a URL; ``ClientError`` for one that is none of ours."""
    if url.startswith("unix:") and len(url) > len("unix:"):
        return Address("unix", url.removeprefix("unix:").replace("//", "/", 1), 0)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # brackets that do not close, a port that is no port
        host, port = None, None
    if not host or parts.scheme not in {"http", "https"}:
        raise ClientError(
            f"found URL {url!r}, wanted for example http://127.0.0.1:8675 or unix:/run/powerd.sock"
        )
    return Address(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket; the daemon knows it by the name ``powerd``."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("powerd", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Line:
    """Requests to one daemon, one at a time. Connects at the first one."""

    def __init__(
        self, url: str, token: str | None, ca_file: str | None, timeout_s: float = TIMEOUT_S
    ) -> None:
        """``ClientError`` for a URL or a CA file that is none."""
        self.url = url
        self._timeout_s = timeout_s
        self._address = parse(url)
        self._token = token if token is not None else os.environ.get(TOKEN_VARIABLE) or None
        if self._token is not None and not (self._token.isascii() and self._token.isprintable()):
            raise ClientError(f"found a token with signs that no header may hold: put {TOKEN_VARIABLE} right")
        self._tls = None if self._address.scheme != "https" else _context(ca_file)
        self._connection: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, data: str | None) -> tuple[int, bytes]:
        """One request on the kept connection; once more on a new one when the daemon had closed the old."""
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        for fresh in (self._connection is None, True):
            try:
                return self._once(method, path, data, headers, fresh=fresh)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
                self.close()
                if fresh:
                    raise ClientError(self._closed(error)) from error
            except ssl.SSLError as error:
                self.close()
                raise ClientError(self._untrusted(error)) from error
            except (OSError, http.client.HTTPException) as error:
                self.close()
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                raise ClientError(
                    f"no powerd answers at {self.url} ({reason}); start one with `powerd run`"
                ) from error
        raise ClientError(f"no powerd answers at {self.url}; start one with `powerd run`")

    def close(self) -> None:
        """Give the connection back; a second call does nothing."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(
        self, method: str, path: str, data: str | None, headers: Mapping[str, str], *, fresh: bool
    ) -> tuple[int, bytes]:
        if fresh or self._connection is None:
            self.close()
            self._connection = self._connect()
        self._connection.request(method, path, body=data, headers=dict(headers))
        response = self._connection.getresponse()
        return response.status, response.read()

    def _connect(self) -> http.client.HTTPConnection:
        at = self._address
        connection: http.client.HTTPConnection
        if at.scheme == "unix":
            connection = _UnixConnection(at.host, self._timeout_s)
        elif self._tls is not None:
            connection = http.client.HTTPSConnection(
                at.host, at.port, timeout=self._timeout_s, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(at.host, at.port, timeout=self._timeout_s)
        connection.connect()
        if at.scheme != "unix":
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _closed(self, error: OSError) -> str:
        said = f"powerd at {self.url} closed the connection ({error})"
        # A server that speaks TLS hears no request in plain text, and hangs up.
        return f"{said}: is it https:// instead?" if self._address.scheme == "http" else said

    def _untrusted(self, error: ssl.SSLError) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {self.url} is not trusted ({error.verify_message}): name the file of its "
                f"authority in {CA_VARIABLE}"
            )
        return f"no TLS with {self.url} ({error.reason or error}): is it http:// instead?"


def _context(ca_file: str | None) -> ssl.SSLContext:
    named = ca_file or os.environ.get(CA_VARIABLE) or None
    try:
        return ssl.create_default_context(cafile=named)
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise ClientError(f"the CA file {named} cannot be used ({why}): name a PEM file") from error
