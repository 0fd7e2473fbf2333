"""A kept HTTP connection per thread to a server that answers for a model. Standard library only.

Whatever goes wrong is one sentence that names the server: refused, silent, or an answer with an error in it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from schemas.errors import UserError

TOKEN_VARIABLE = "EDGEWATT_REMOTE_TOKEN"
"""Environment variable with the bearer token, where the server wants one: on a command line everybody could read it."""
SHOWN = 200
"""Characters of a server's own words that are shown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: status, headers by their names in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpLine:
    """A server at ``http://HOST:PORT[/PATH]`` or ``https://…``; used from several threads."""

    def __init__(self, url: str, timeout_s: float) -> None:
        """``UserError`` for what is no such URL; nothing is sent yet."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
            parts = urlsplit("")
        if not host or parts.scheme not in {"http", "https"} or parts.username is not None:
            raise UserError(f"found the URL {url!r}, wanted one such as http://192.168.0.7:8000")
        self.url = url.rstrip("/")
        self._host, self._port, self._secure = host, port, parts.scheme == "https"
        self._base = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._own = threading.local()

    def get(self, path: str) -> Any:
        """A JSON document; ``UserError`` when there is none."""
        return self.document(self.ask("GET", path, None, {}))

    def post(self, path: str, document: Mapping[str, Any]) -> Any:
        """Send a JSON document, get one."""
        body = json.dumps(document).encode()
        return self.document(self.ask("POST", path, body, {"Content-Type": "application/json"}))

    def document(self, answer: Answer) -> Any:
        """The JSON of an answer."""
        try:
            return json.loads(answer.body)
        except ValueError:
            shown = answer.body[:SHOWN].decode("utf-8", "replace")
            raise UserError(
                f"{self.url} answered {shown!r}, wanted JSON; is it a server of this protocol?"
            ) from None

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """One exchange; ``UserError`` for no answer in time or one with an error in it."""
        with self.exchange(method, path, body, headers) as response:
            found = response.read()
        return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, found)

    @contextlib.contextmanager
    def exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        """One exchange whose answer is read by the caller; the connection is given up when that fails."""
        try:
            response = self._send(method, path, body, headers)
            if response.status >= 400:
                raise UserError(self._refusal(method, path, response.status, response.read()))
            yield response
        except TimeoutError:
            self._give_up()
            raise UserError(
                f"{self.url} did not answer {method} {path} within {self._timeout_s:g} s; look at the server, or give "
                "it longer with --option timeout_s=SECONDS"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            self._give_up()
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise UserError(f"{self.url} cannot be asked ({reason}); is the server running there?") from error
        except BaseException:
            self._give_up()
            raise

    def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """A server may have closed a connection that was kept: then once more on a new one."""
        kept = getattr(self._own, "connection", None) is not None
        try:
            return self._try(method, path, body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self._give_up()
            if not kept:
                raise
            return self._try(method, path, body, headers)

    def _try(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        connection = getattr(self._own, "connection", None) or self._connect()
        token = os.environ.get(TOKEN_VARIABLE)
        secret = {} if token is None else {"Authorization": f"Bearer {token}"}
        connection.request(method, self._base + path, body, {**headers, **secret})
        found: http.client.HTTPResponse = connection.getresponse()
        return found

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout_s, context=context
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        self._own.connection = connection
        return connection

    def _give_up(self) -> None:
        connection = getattr(self._own, "connection", None)
        self._own.connection = None
        if connection is not None:
            connection.close()

    def _refusal(self, method: str, path: str, status: int, body: bytes) -> str:
        """The server's own words: ``error`` is a text in the Open Inference Protocol, an object in OpenAI's."""
        try:
            said: Any = json.loads(body)["error"]
            said = said["message"] if isinstance(said, dict) else said
        except (ValueError, KeyError, TypeError):
            said = body.decode("utf-8", "replace")
        text = " ".join(str(said).split())[:SHOWN]
        cure = (
            "set the environment variable " + TOKEN_VARIABLE if status in (401, 403) else "look at the server"
        )
        return (
            f"{self.url} refused {method} {path} with status {status}{f' ({text})' if text else ''}; {cure}"
        )

    def close(self) -> None:
        """Close this thread's connection; those of other threads end with them."""
        self._give_up()
