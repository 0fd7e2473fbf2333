"""A listener at ``/v1/stream``."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any


def listen(url: str, after: str | None = None) -> http.client.HTTPResponse:
    """The answer to a bare request for the stream; ``after`` is the id of the last event that was heard."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/v1/stream", headers={} if after is None else {"Last-Event-ID": after})
    return connection.getresponse()


def events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and body of each event until the stream ends."""
    return ((kind, body) for _, kind, body in numbered(answer))


def numbered(answer: http.client.HTTPResponse) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Id (empty without one), kind and body of each event until the stream ends."""
    ident = kind = ""
    for raw in answer:
        line = raw.decode().rstrip("\n")
        if line.startswith("id: "):
            ident = line.removeprefix("id: ")
        elif line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield ident, kind, json.loads(line.removeprefix("data: "))
            ident = ""
