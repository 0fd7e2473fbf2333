"""``/v1/windows``: open, mark, close, look."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from powerd.errors import Refused
from powerd.service import Service

_MOST_NS = 1 << 62
_Short = Annotated[str, Field(max_length=200)]


class OpenBody(BaseModel):
    """A window to open. ``id`` makes opening it twice the same as once."""

    id: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._:-]+$")
    name: str = Field(max_length=200)
    meter: str = Field(max_length=64)
    channel: str | None = Field(default=None, max_length=32)
    labels: dict[_Short, _Short] = Field(default_factory=dict, max_length=64)


class MarkBody(BaseModel):
    """A note on an instant of an open window."""

    text: str = Field(max_length=500)


class CloseBody(BaseModel):
    """The stretch of time, in the clock named (null: UTC of the daemon's machine)."""

    begin_unix_ns: int = Field(ge=0, le=_MOST_NS)
    end_unix_ns: int = Field(ge=0, le=_MOST_NS)
    clock: str | None = Field(default=None, max_length=200)


def router(service: Service) -> APIRouter:
    """Windows of this daemon."""
    routes = APIRouter(tags=["windows"])
    windows = service.windows

    @routes.post("/windows", status_code=201)
    def open_window(body: OpenBody) -> dict[str, Any]:
        meter = service.meter(body.meter)
        channel = body.channel or meter.channel
        if channel not in meter.config.settings.channels:
            raise Refused(f"meter {body.meter} has no channel {channel!r} configured")
        opened = windows.open(body.id, body.name, body.meter, channel, body.labels)
        return windows.describe(opened, service.clock.model())

    @routes.get("/windows")
    def list_windows(limit: Annotated[int, Query(ge=1, le=10_000)] = 100) -> dict[str, Any]:
        utc = service.clock.model()
        return {"windows": [windows.describe(w, utc) for w in service.store.windows(limit)]}

    @routes.get("/windows/{ident}")
    def get_window(ident: str) -> dict[str, Any]:
        return windows.describe(windows.get(ident), service.clock.model())

    @routes.post("/windows/{ident}/mark")
    def mark(ident: str, body: MarkBody) -> dict[str, Any]:
        windows.mark(ident, body.text)
        return windows.describe(windows.get(ident), service.clock.model())

    @routes.post("/windows/{ident}/close")
    def close(ident: str, body: CloseBody, response: Response) -> dict[str, Any]:
        window = windows.close(ident, body.begin_unix_ns, body.end_unix_ns, body.clock)
        response.status_code = 200 if window.state == "closed" else 202
        return windows.describe(window, service.clock.model())

    return routes
