"""``/v1/meters``: who is on the lines, their samples, their ranges."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from powerd.api import views
from powerd.boottime import boottime_ns
from powerd.clock import ClockModel
from powerd.service import Service

LIMIT = 10_000


class RangeRequest(BaseModel):
    """Fixed ranges in volts and amperes; null means auto-range."""

    voltage: float | None = Field(default=None, gt=0)
    current: float | None = Field(default=None, gt=0)


def router(service: Service) -> APIRouter:
    """Meters and what they measured."""
    routes = APIRouter()

    @routes.get("/meters")
    def meters() -> dict[str, Any]:
        return {"meters": [views.meter(service, name) for name in service.meter_names]}

    @routes.get("/meters/{name}")
    def meter(name: str) -> dict[str, Any]:
        return views.meter(service, name)

    @routes.get("/meters/{name}/samples")
    def samples(
        name: str,
        begin_unix_ns: int | None = None,
        end_unix_ns: int | None = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT)] = 1000,
        cursor: int = 0,
        raw: bool = False,
    ) -> dict[str, Any]:
        return _samples(service, name, (begin_unix_ns, end_unix_ns), limit, cursor, raw)

    @routes.post("/meters/{name}/range")
    def set_range(name: str, request: RangeRequest) -> dict[str, Any]:
        settings = service.set_range_unless_leased(name, request.voltage, request.current)
        return {"voltage_range_v": settings.voltage_range_v, "current_range_a": settings.current_range_a}

    return routes


def _samples(
    service: Service, name: str, span: tuple[int | None, int | None], limit: int, cursor: int, raw: bool
) -> dict[str, Any]:
    channels = service.channels(name)
    begin = 0 if span[0] is None else span[0]
    end = (1 << 62) if span[1] is None else span[1]
    found: list[dict[str, Any]] = []
    last = None
    for boot in service.store.boots_between(0 if span[0] is None else begin, end) or [service.boot_id]:
        utc = ClockModel.from_fixes(service.store.fixes(boot, 0, boottime_ns()))
        low = 0 if span[0] is None else utc.to_local(begin).ns
        high = (1 << 62) if span[1] is None else utc.to_local(end).ns
        left = limit - len(found)
        if left <= 0:
            break
        rows = service.store.readings(name, channels[0], boot, low, high, after=cursor, limit=left)
        found += [views.sample(row.reading, utc, raw=raw) for row in rows]
        last = rows[-1].ident if rows else last
    return {"samples": found, "next": last if len(found) == limit else None}
