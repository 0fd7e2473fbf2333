"""What every request must be before it is looked at: by one of our names, of bounded size, not from a web page."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

BODY_LIMIT = 1 << 20


class Guard:
    """ASGI middleware: Host allow-list, foreign Origin refused, JSON bodies only, bodies bounded."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with a problem document, or hand on."""
        if scope["type"] == "http":
            headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
            refusal = self._refusal(scope["method"], headers)
            if refusal is not None:
                await _answer(send, *refusal)
                return
        await self._app(scope, receive, send)

    def _refusal(  # noqa: PLR0911 - one return per reason
        self, method: str, headers: dict[str, str]
    ) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if host not in self._hosts:
            return 421, f"found Host {host[:80]!r}, wanted one of {', '.join(sorted(self._hosts))}"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc not in self._hosts:
            return 403, f"requests of pages from {origin[:80]!r} are refused"
        if method in {"GET", "HEAD"}:
            return None
        if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            return 415, "found another content type, wanted application/json"
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return 411, "wanted a Content-Length"
        if int(length) > BODY_LIMIT:
            return 413, f"found a body of {length} bytes, wanted at most {BODY_LIMIT}"
        return None


async def _answer(send: Send, status: int, detail: str) -> None:
    body = json.dumps(
        {"type": "about:blank", "title": "Refused", "status": status, "detail": detail}
    ).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
