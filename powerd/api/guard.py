"""What every request must be before it is looked at: by one of our names, of bounded size, not from a web page.

Where the daemon has tokens, also by somebody who may: ``Authorization: Bearer SECRET`` with the scope of the request.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from powerd.tokens import Tokens

BODY_LIMIT = 1 << 20


class Guard:
    """ASGI middleware: Host allow-list, foreign Origin refused, tokens, JSON bodies only, bodies bounded."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], tokens: Tokens | None = None) -> None:
        self._app = app
        self._hosts = hosts
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with a problem document, or hand on."""
        if scope["type"] == "http":
            headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
            refusal = self._stranger(headers) or self._unknown(scope, headers)
            refusal = refusal or self._refusal(scope["method"], headers)
            if refusal is not None:
                await _answer(send, *refusal)
                return
        await self._app(scope, receive, send)

    def _stranger(self, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if host not in self._hosts:
            return 421, f"found Host {host[:80]!r}, wanted one of {', '.join(sorted(self._hosts))}"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc not in self._hosts:
            return 403, f"requests of pages from {origin[:80]!r} are refused"
        return None

    def _unknown(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Why the caller may not do this; who it is goes on with the request."""
        if self._tokens is None:
            return None
        kind, _, secret = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not secret:
            return (
                401,
                "found no token, wanted Authorization: Bearer …; programs of ours take it from POWERD_TOKEN",
            )
        caller = self._tokens.find(secret.strip())
        if caller is None:
            return 401, "found a token that this daemon does not know, wanted one of its tokens_file"
        wanted = needed_scope(scope["method"], scope["path"])
        if wanted not in caller.scopes:
            return (
                403,
                f"token {caller.name!r} has no scope {wanted}: add it in tokens_file, or use another token",
            )
        scope.setdefault("state", {})["caller"] = caller
        return None

    @staticmethod
    def _refusal(method: str, headers: dict[str, str]) -> tuple[int, str] | None:
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


def needed_scope(method: str, path: str) -> str:
    """``read`` to look, ``control`` for a meter's ranges, ``measure`` for everything else."""
    if method in {"GET", "HEAD"}:
        return "read"
    return "control" if path.startswith("/v1/meters/") else "measure"


async def _answer(send: Send, status: int, detail: str) -> None:
    body = json.dumps(
        {"type": "about:blank", "title": "Refused", "status": status, "detail": detail}
    ).encode()
    asks = [(b"www-authenticate", b"Bearer")] if status == 401 else []
    headers = [
        *asks,
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
