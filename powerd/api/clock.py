"""``/v1/clock/exchange``: the four-timestamp exchange, in two halves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from powerd.api.caller import Asker
from powerd.errors import Refused
from powerd.service import Service

SCHEMA = "edgewatt/clock-exchange/1"
_Instant = Annotated[int | None, Field(ge=0, le=1 << 62)]


class ExchangeRequest(BaseModel):
    """The first half has ``t1_ns``; the second has ``exchange_id`` and ``t4_ns``."""

    clock: str | None = Field(default=None, max_length=200)
    t1_ns: _Instant = None
    t1_mono_ns: _Instant = None
    boot_id: str | None = Field(default=None, max_length=200)
    exchange_id: str | None = Field(default=None, max_length=64)
    t4_ns: _Instant = None
    t4_mono_ns: _Instant = None


def router(service: Service) -> APIRouter:
    """Clock exchanges, answered on the event loop: a thread would only add to the round trip."""
    routes = APIRouter()

    @routes.post("/clock/exchange")
    async def exchange(request: ExchangeRequest, caller: Asker) -> dict[str, Any]:
        if request.clock is not None:
            service.owners.check("clock", request.clock, caller)
        if request.exchange_id is None:
            if request.t1_ns is None:
                raise Refused("an exchange begins with t1_ns and ends with exchange_id and t4_ns")
            ident, begun = service.exchanges.begin(request.clock, request.t1_ns, request.t1_mono_ns)
            service.owners.claim("clock", begun.clock, caller)
            return {
                "schema": SCHEMA,
                "clock": begun.clock,
                "exchange_id": ident,
                "t1_ns": begun.t1_ns,
                "t2_ns": begun.t2_ns,
                "t3_ns": begun.t3_ns,
            }
        if request.t4_ns is None or request.clock is None:
            raise Refused("the second half of an exchange needs clock, exchange_id and t4_ns")
        tie = service.exchanges.finish(request.clock, request.exchange_id, request.t4_ns, request.t4_mono_ns)
        return {
            "schema": SCHEMA,
            "clock": tie.clock,
            "offset_s": tie.offset_s,
            "u95_s": tie.u95_s,
            "drift_ppm": tie.drift_ppm,
            "exchanges": tie.exchanges,
        }

    return routes
