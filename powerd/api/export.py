"""``/v1/windows/{id}/export``: the samples of a closed window in a form of the asker's choice."""

from __future__ import annotations

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from powerd import exports
from powerd.exports.base import gather
from powerd.service import Service

SUFFIXES = {"spl": "txt", "bundle": "bundle.jsonl"}


def router(service: Service) -> APIRouter:
    """Exports."""
    routes = APIRouter()

    @routes.get("/windows/{ident}/export", response_class=StreamingResponse)
    def export(ident: str, form: str = Query("csv", alias="format")) -> StreamingResponse:
        chosen = exports.find(form)
        gathered = gather(service.store, service.windows.get(ident), service.signer)
        name = f"window-{gathered.window['id']}.{SUFFIXES.get(chosen.name, chosen.name)}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(chosen.lines(gathered), media_type=chosen.media_type, headers=headers)

    return routes
