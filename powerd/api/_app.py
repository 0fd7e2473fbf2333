"""The application: guard, problem documents and every resource of this folder."""

from __future__ import annotations

from fastapi import FastAPI

from powerd.api import _problems
from powerd.api._guard import Guard
from powerd.service import Service
from schemas import __version__
from schemas.discovery import modules

TITLE = "edgewatt powerd"


def create_app(service: Service) -> FastAPI:
    """The ASGI application over a running service."""
    app = FastAPI(title=TITLE, version=__version__, docs_url=None, redoc_url=None)
    for module in modules("powerd.api"):
        app.include_router(module.router(service), prefix="/v1")
    _problems.install(app)
    host = service.config.host
    app.add_middleware(Guard, hosts=frozenset({host} - {"0.0.0.0", "::"}))
    return app
