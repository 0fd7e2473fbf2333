"""Joins the resources to one application; errors become problem documents (RFC 9457)."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from powerd.api.guard import Guard
from powerd.errors import Garbled, Gone, NotThere, PowerdError, Refused
from powerd.service import Service
from powerd.store import StoreFailed
from powerd.tokens import Forbidden, Tokens
from powerd.windows import Conflict
from schemas import __version__
from schemas.discovery import modules
from schemas.errors import UserError

STATUS = {
    Conflict: 409,
    Forbidden: 403,
    NotThere: 404,
    Refused: 422,
    Garbled: 502,
    Gone: 503,
    StoreFailed: 507,
}
TITLES = {400: "Not accepted", 403: "Forbidden", 404: "Not there", 409: "Conflict", 422: "Refused", 502: "Garbled",
          503: "Gone", 507: "Not stored"}  # fmt: skip


def make_app(service: Service, hosts: frozenset[str], tokens: Tokens | None = None) -> Any:
    """The ASGI application. ``hosts`` are the names by which it may be called; without ``tokens`` anybody may."""
    app = FastAPI(title="powerd", version=__version__, docs_url=None, redoc_url=None)
    for module in modules("powerd.api", skip=frozenset({"app", "caller", "guard", "views"})):
        app.include_router(module.router(service), prefix=getattr(module, "PREFIX", "/v1"))

    @app.exception_handler(PowerdError)
    def refused(_request: Request, error: PowerdError) -> JSONResponse:
        status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
        return problem(status, str(error))

    @app.exception_handler(UserError)
    def wrong(_request: Request, error: UserError) -> JSONResponse:
        return problem(400, str(error))

    @app.exception_handler(RequestValidationError)
    def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        parts = (
            f"{'.'.join(str(p) for p in e['loc'][1:]) or 'body'}: {e['msg']}" for e in error.errors()[:5]
        )
        return problem(422, "; ".join(parts))

    @app.exception_handler(HTTPException)
    def other(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))

    @app.exception_handler(Exception)
    def fault(_request: Request, error: Exception) -> JSONResponse:
        return problem(500, f"a fault of powerd, its log says more: {type(error).__name__}")

    return Guard(app, hosts, tokens)


def problem(status: int, detail: str) -> JSONResponse:
    """An RFC 9457 document."""
    body = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
