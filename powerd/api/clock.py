"""``POST /v1/clock/exchange``: both halves of a four-timestamp exchange."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from powerd.errors import Refused
from powerd.service import Service

_MOST_NS = 1 << 62


class ExchangeBody(BaseModel):
    """First half: ``t1_ns``; second half: ``exchange_id`` and ``t4_ns``. All in nanoseconds of the client."""

    clock: str | None = Field(default=None, max_length=200)
    t1_ns: int | None = Field(default=None, ge=0, le=_MOST_NS)
    t1_mono_ns: int | None = Field(default=None, ge=0, le=_MOST_NS)
    boot_id: str | None = Field(default=None, max_length=200)
    exchange_id: str | None = Field(default=None, max_length=64)
    t4_ns: int | None = Field(default=None, ge=0, le=_MOST_NS)
    t4_mono_ns: int | None = Field(default=None, ge=0, le=_MOST_NS)


def router(service: Service) -> APIRouter:
    """The exchange. Handled on the event loop itself, since a thread would only add to the round trip."""
    routes = APIRouter(tags=["clock"])

    @routes.post("/clock/exchange")
    async def exchange(body: ExchangeBody) -> dict[str, Any]:
        if body.exchange_id is None:
            if body.t1_ns is None:
                raise Refused("t1_ns is missing: begin with t1_ns, end with exchange_id and t4_ns")
            ident, begun = service.exchanges.begin(body.clock, body.t1_ns, body.t1_mono_ns)
            stamps = {"t1_ns": begun.t1_ns, "t2_ns": begun.t2_ns, "t3_ns": begun.t3_ns}
            return {"clock": begun.clock, "exchange_id": ident, **stamps}
        if body.t4_ns is None or body.clock is None:
            raise Refused("clock or t4_ns is missing: the second half needs clock, exchange_id and t4_ns")
        return asdict(service.exchanges.finish(body.clock, body.exchange_id, body.t4_ns, body.t4_mono_ns))

    return routes
