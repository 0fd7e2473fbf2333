"""A listener at ``/v1/stream``."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any


def listen(url: str) -> http.client.HTTPResponse:
    """The answer to a bare request for the stream."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/v1/stream")
    return connection.getresponse()


def events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and body of each event until the stream ends."""
    kind = ""
    for raw in answer:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))
