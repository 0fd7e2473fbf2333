"""The other end of powerd's HTTP API, for the harness and for scripts. Standard library only.

One connection is kept alive with TCP_NODELAY, so that a clock exchange on the lab network takes well under two
milliseconds. A client may be used by one thread at a time. Every error is a ``ClientError`` with one sentence.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

TIMEOUT_S = 15.0
CLOSE_PATIENCE_S = 120.0


class ClientError(Exception):
    """powerd is not there, or said no. ``status`` is the HTTP status, 0 when there was no answer."""

    def __init__(self, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class ClockTie:
    """How this process's wall clock stands to powerd's: ``offset_s`` is powerd's UTC minus ours."""

    clock: str
    offset_s: float
    u95_s: float
    drift_ppm: float | None
    exchanges: int


class PowerdClient:
    """A connection to a running powerd, such as ``PowerdClient("http://127.0.0.1:8675")``."""

    def __init__(self, url: str, token: str | None = None, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url if "//" in url else f"//{url}", scheme="http")
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme != "http" or not parts.hostname or port is None:
            raise ClientError(f"{url!r} is no URL of powerd: write http://HOST:PORT")
        self._url = f"{parts.hostname}:{port}"
        self._connection = http.client.HTTPConnection(parts.hostname, port, timeout=timeout_s)
        self._timeout_s = timeout_s
        self._received = (0, 0)
        self._token = token
        self._clock: str | None = None

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._connection.close()

    def health(self) -> dict[str, Any]:
        """State of the daemon: ``status``, ``problems``, ``version``, …"""
        return self._call("GET", "/v1/health")

    def meters(self) -> list[dict[str, Any]]:
        """Every meter with its state and latest sample."""
        return list(self._call("GET", "/v1/meters")["meters"])

    def samples(
        self,
        meter: str,
        begin_unix_ns: int | None = None,
        end_unix_ns: int | None = None,
        limit: int = 1000,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """One page of samples in order of time: ``samples`` and ``next``."""
        asked = {"begin_unix_ns": begin_unix_ns, "end_unix_ns": end_unix_ns, "limit": limit, "cursor": cursor}
        query = urlencode({k: v for k, v in asked.items() if v is not None})
        return self._call("GET", f"/v1/meters/{quote(meter, safe='')}/samples?{query}")

    def set_range(self, meter: str, voltage: float | None, current: float | None) -> dict[str, Any]:
        """Set the ranges of a meter (None: auto); refused while a window is open on it."""
        body = {"voltage": voltage, "current": current}
        return self._call("POST", f"/v1/meters/{quote(meter, safe='')}/range", body)

    def sync_clock(self, clock: str | None = None, rounds: int = 8) -> ClockTie:
        """Compare this machine's wall clock with powerd's, ``rounds`` times; the narrowest counts.

        The clock keeps its name over the life of this client, so that its drift can be seen.
        """
        name = clock or self._clock
        answer: dict[str, Any] = {}
        for _ in range(max(1, rounds)):
            t1, t1_mono = time.time_ns(), time.monotonic_ns()
            begun = self._call(
                "POST", "/v1/clock/exchange", {"clock": name, "t1_ns": t1, "t1_mono_ns": t1_mono}
            )
            t4, t4_mono = self._received
            name = str(begun["clock"])
            closing = {
                "clock": name, "exchange_id": begun["exchange_id"], "t4_ns": t4, "t4_mono_ns": t4_mono
            }  # fmt: skip
            answer = self._call("POST", "/v1/clock/exchange", closing)
        self._clock = name
        return ClockTie(**{k: answer[k] for k in ClockTie.__slots__})

    def open_window(
        self, name: str, meter: str, labels: Mapping[str, str] | None = None, id: str | None = None
    ) -> dict[str, Any]:
        """Open a window from now on. The id makes a repetition after a lost answer harmless."""
        ident = id or uuid.uuid4().hex
        body = {"id": ident, "name": name, "meter": meter, "labels": dict(labels or {})}
        return self._call("POST", "/v1/windows", body, again=True)

    def mark(self, window: str, text: str) -> dict[str, Any]:
        """Note this instant in an open window."""
        return self._call("POST", f"/v1/windows/{quote(window, safe='')}/mark", {"text": text})

    def close_window(
        self, window: str, begin_unix_ns: int, end_unix_ns: int, clock: str | None = None
    ) -> dict[str, Any]:
        """Close a window and wait for its document. ``clock`` None means powerd's own UTC."""
        body = {"begin_unix_ns": begin_unix_ns, "end_unix_ns": end_unix_ns, "clock": clock}
        path = f"/v1/windows/{quote(window, safe='')}"
        answer = self._call("POST", f"{path}/close", body, again=True)
        deadline = time.monotonic() + CLOSE_PATIENCE_S
        while answer["state"] != "closed":
            if time.monotonic() > deadline:
                raise ClientError(
                    f"window {window} is still closing after {CLOSE_PATIENCE_S:g} s: see GET {path}"
                )
            time.sleep(0.2)
            answer = self._call("GET", path)
        return answer

    def window(self, window: str) -> dict[str, Any]:
        """One window, open or closed."""
        return self._call("GET", f"/v1/windows/{quote(window, safe='')}")

    def windows(self, limit: int = 100) -> list[dict[str, Any]]:
        """Windows, newest first."""
        return list(self._call("GET", f"/v1/windows?limit={limit}")["windows"])

    def new_session(self, label: str, meter: str, client_uuid: str) -> dict[str, Any]:
        """Begin a ranging-and-testing session."""
        body = {"label": label, "meter": meter, "client_uuid": client_uuid}
        return self._call("POST", "/v1/sessions", body)

    def session_phase(self, session: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Move a session on."""
        return self._call("POST", f"/v1/sessions/{quote(session, safe='')}/phase", body, timeout_s=120.0)

    def session_file(self, session: str, name: str) -> bytes:
        """One file that powerd wrote for a session, such as ``power/server.json``."""
        return self._bytes("GET", f"/v1/sessions/{quote(session, safe='')}/files/{quote(name)}", None)

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        again: bool = False,
        timeout_s: float | None = None,
    ) -> dict[str, Any]:
        data = self._bytes(method, path, body, again=again, timeout_s=timeout_s)
        try:
            document = json.loads(data)
        except ValueError as error:
            raise ClientError(f"{self._url} answered {method} {path} with something that is not JSON") from error
        if not isinstance(document, dict):
            raise ClientError(f"{self._url} answered {method} {path} with no JSON object: is this powerd?")
        return document

    def _bytes(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        again: bool = False,
        timeout_s: float | None = None,
    ) -> bytes:
        """One request. A kept connection that the other side has closed is opened anew, once."""
        payload = None if body is None else json.dumps(dict(body)).encode()
        fresh = self._connection.sock is None
        try:
            return self._request(method, path, payload, timeout_s)
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            if (fresh or not (again or method == "GET")) and not isinstance(
                error, http.client.RemoteDisconnected | BrokenPipeError
            ):
                raise self._unreachable(error) from error
        try:
            return self._request(method, path, payload, timeout_s)
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            raise self._unreachable(error) from error

    def _request(self, method: str, path: str, payload: bytes | None, timeout_s: float | None) -> bytes:
        headers = {"Accept": "application/json"}
        if payload is not None:
            headers["Content-Type"] = "application/json"
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = self._connection
        self._open_socket().settimeout(timeout_s or self._timeout_s)
        connection.request(method, path, payload, headers)
        response = connection.getresponse()
        data = response.read()
        self._received = time.time_ns(), time.monotonic_ns()
        if response.status >= 400:
            raise ClientError(_detail(data, response.status), response.status)
        return data

    def _open_socket(self) -> socket.socket:
        if self._connection.sock is None:
            self._connection.connect()
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened: socket.socket = self._connection.sock
        return opened

    def _unreachable(self, error: Exception) -> ClientError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ClientError(f"powerd does not answer at {self._url} ({reason}): is `powerd run` running there?")


def _detail(data: bytes, status: int) -> str:
    try:
        return str(json.loads(data)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"powerd answered with status {status}"
