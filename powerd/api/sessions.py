"""``/v1/sessions``: a ranging-and-testing session and the files that powerd writes for it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from powerd.api.caller import Asker
from powerd.service import Service


class SessionRequest(BaseModel):
    """Who asks, under which label, on which meter."""

    greeting: str = Field(max_length=200)
    label: str = Field(default="", max_length=64)
    meter: str = Field(max_length=200)
    client_uuid: str = Field(max_length=64)


class PhaseRequest(BaseModel):
    """``start`` or ``stop`` of a mode; ``done`` writes the files."""

    action: Literal["start", "stop", "done"]
    mode: Literal["ranging", "testing"] | None = None


def router(service: Service) -> APIRouter:
    """Sessions."""
    routes = APIRouter()

    @routes.post("/sessions", status_code=201)
    def begin(request: SessionRequest, caller: Asker) -> dict[str, Any]:
        begun = service.sessions.begin(request.greeting, request.label, request.meter, request.client_uuid)
        service.owners.claim("session", str(begun["id"]), caller)
        return begun

    @routes.get("/sessions/{ident}")
    def session(ident: str) -> dict[str, Any]:
        return service.sessions.get(ident)

    @routes.post("/sessions/{ident}/phase")
    def phase(ident: str, request: PhaseRequest, caller: Asker) -> dict[str, Any]:
        service.owners.check("session", ident, caller)
        if request.action == "done":
            return service.sessions.finish(ident)
        return service.sessions.phase(ident, request.mode or "", request.action)

    @routes.get("/sessions/{ident}/files/{name:path}")
    def file(ident: str, name: str) -> FileResponse:
        return FileResponse(service.sessions.file(ident, name))

    return routes
