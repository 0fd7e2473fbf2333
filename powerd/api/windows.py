"""``/v1/windows``: open, mark, close, read."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from powerd.api.caller import Asker
from powerd.service import Service

NAME_LIMIT = 200
LABELS = 50
_FAR_NS = 1 << 62

_Short = Annotated[str, Field(max_length=NAME_LIMIT)]


class OpenRequest(BaseModel):
    """A client-supplied id makes opening idempotent."""

    id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,100}$")
    name: str = Field(max_length=NAME_LIMIT)
    meter: str = Field(
        max_length=NAME_LIMIT,
        description="a meter with all its channels, METER/CHANNEL[+CHANNEL…], or several of these joined by a comma",
    )
    labels: dict[_Short, _Short] = Field(default_factory=dict, max_length=LABELS)


class MarkRequest(BaseModel):
    """A named instant: now."""

    text: str = Field(max_length=NAME_LIMIT)


class CloseRequest(BaseModel):
    """Both ends on the client's clock, or on ours when ``clock`` is null; ``idle`` is a closed window of idling."""

    begin_unix_ns: int = Field(ge=0, le=_FAR_NS)
    end_unix_ns: int = Field(ge=0, le=_FAR_NS)
    clock: str | None = Field(default=None, max_length=NAME_LIMIT)
    idle: str | None = Field(default=None, max_length=NAME_LIMIT)


def router(service: Service) -> APIRouter:
    """Windows."""
    routes = APIRouter()

    @routes.get("/windows")
    def windows(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, Any]:
        return {"schema": "edgewatt/windows/1", "windows": service.windows.all(limit)}

    @routes.post("/windows", status_code=201)
    def open_window(request: OpenRequest, caller: Asker) -> dict[str, Any]:
        if request.id is not None:
            service.owners.check("window", request.id, caller)
        found = service.windows.open(request.name, request.meter, request.labels, request.id)
        service.owners.claim("window", str(found["id"]), caller)
        return found

    @routes.get("/windows/{ident}")
    def window(ident: str) -> dict[str, Any]:
        return service.windows.get(ident)

    @routes.post("/windows/{ident}/mark")
    def mark(ident: str, request: MarkRequest, caller: Asker) -> dict[str, Any]:
        service.owners.check("window", ident, caller)
        return service.windows.mark(ident, request.text)

    @routes.post("/windows/{ident}/close")
    def close(ident: str, request: CloseRequest, response: Response, caller: Asker) -> dict[str, Any]:
        service.owners.check("window", ident, caller)
        if request.clock is not None:
            service.owners.check("clock", request.clock, caller)
        found = service.windows.close(
            ident, request.begin_unix_ns, request.end_unix_ns, request.clock, request.idle
        )
        response.status_code = 202 if found["state"] == "closing" else 200
        return found

    return routes
