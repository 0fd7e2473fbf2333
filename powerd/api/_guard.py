"""What is refused before any resource sees it: foreign hosts and origins, other bodies than JSON, long bodies.

A web page in a browser on the lab host can send requests here; it cannot send them with our host name and a JSON
body unless its origin is ours, which is what is asked for.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from powerd.api._problems import problem

BODY_LIMIT = 64 * 1024
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class TooLong(Exception):
    """A body went over ``BODY_LIMIT`` while it was read."""


class Guard:
    """ASGI middleware. ``hosts`` are the names by which this daemon may be addressed, besides the local ones."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts | _LOCAL

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it with the reason."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        wrong = self._wrong(str(scope["method"]), headers)
        if wrong is not None:
            await problem(*wrong)(scope, receive, send)
            return
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > BODY_LIMIT:
                raise TooLong
            return message

        try:
            await self._app(scope, bounded, send)
        except TooLong:
            await problem(413, f"the body is longer than {BODY_LIMIT} bytes")(scope, receive, send)

    def _wrong(self, method: str, headers: dict[str, str]) -> tuple[int, str] | None:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if host not in self._hosts:
            return 421, f"host {host[:80]!r} is not a name of this daemon; use {', '.join(sorted(self._hosts))}"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            return 403, f"requests from pages of {origin[:80]!r} are refused"
        if method in ("GET", "HEAD", "OPTIONS"):
            return None
        if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            return 415, "the body must be JSON with Content-Type: application/json"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            return 413, f"the body may have {BODY_LIMIT} bytes at most"
        return None
