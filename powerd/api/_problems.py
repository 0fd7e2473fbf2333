"""Errors as problem documents (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from powerd.errors import Garbled, Gone, NotThere, PowerdError, Refused
from powerd.store import StoreFailed
from powerd.windows import Conflict

MEDIA_TYPE = "application/problem+json"
_STATUS: tuple[tuple[type[PowerdError], int], ...] = (
    (Conflict, 409),
    (StoreFailed, 507),
    (NotThere, 404),
    (Refused, 422),
    (Garbled, 502),
    (Gone, 503),
)


def problem(status: int, detail: str) -> JSONResponse:
    """One problem document."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE)


def status_of(error: PowerdError) -> int:
    """The HTTP status for one of our errors."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def install(app: FastAPI) -> None:
    """Make every error of this application a problem document."""

    def ours(_request: Request, error: Exception) -> Response:
        return problem(status_of(error) if isinstance(error, PowerdError) else 500, str(error))

    def http(_request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return problem(error.status_code, str(error.detail))
        return problem(500, str(error))

    def form(_request: Request, error: Exception) -> Response:
        wrong = error.errors() if isinstance(error, RequestValidationError) else []
        parts = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in wrong]
        return problem(422, "; ".join(parts) or str(error))

    app.add_exception_handler(PowerdError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, form)
