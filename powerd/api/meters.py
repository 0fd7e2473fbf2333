"""``/v1/meters``: who is on the lines, their samples, their ranges."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from powerd.api import views
from powerd.clock import ClockModel
from powerd.errors import NotThere
from powerd.meters import settled
from powerd.service import Service

LIMIT = 10_000
_FAR_NS = 1 << 62
_Instant = Annotated[int | None, Query(ge=0, le=_FAR_NS)]


class RangeRequest(BaseModel):
    """Fixed ranges in volts and amperes; null means auto-range."""

    voltage: float | None = Field(default=None, gt=0)
    current: float | None = Field(default=None, gt=0)


def router(service: Service) -> APIRouter:
    """Meters and what they measured."""
    routes = APIRouter()

    @routes.get("/meters")
    def meters() -> dict[str, Any]:
        def all_meters() -> list[dict[str, Any]]:
            return [views.meter(service, name) for name in service.meter_names]

        return {"schema": "edgewatt/meters/1", "meters": settled(lambda: service.meter_names, all_meters)}

    @routes.get("/meters/{name}")
    def meter(name: str) -> dict[str, Any]:
        return views.meter(service, name)

    @routes.get("/meters/{name}/samples")
    def samples(
        name: str,
        begin_unix_ns: _Instant = None,
        end_unix_ns: _Instant = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT)] = 1000,
        cursor: Annotated[int, Query(ge=0, le=_FAR_NS)] = 0,
        raw: bool = False,
        channel: Annotated[str | None, Query(max_length=64)] = None,
    ) -> dict[str, Any]:
        known = service.channels(name)
        if channel is not None and channel not in known:
            raise NotThere(f"meter {name} has no channel {channel!r}: it is asked for {', '.join(known)}")
        chosen = known if channel is None else (channel,)
        return _samples(service, (name, chosen), (begin_unix_ns, end_unix_ns), limit, cursor, raw)

    @routes.post("/meters/{name}/range")
    def set_range(name: str, request: RangeRequest) -> dict[str, Any]:
        settings = service.set_range_unless_leased(name, request.voltage, request.current)
        return {
            "schema": "edgewatt/range/1",
            "voltage_range_v": settings.voltage_range_v,
            "current_range_a": settings.current_range_a,
        }

    return routes


def _samples(
    service: Service,
    place: tuple[str, tuple[str, ...]],
    span: tuple[int | None, int | None],
    limit: int,
    cursor: int,
    raw: bool,
) -> dict[str, Any]:
    """Samples of a meter's channels in order of time; ``next`` continues a list that was cut."""
    service.store.writer.flush()
    found: list[tuple[int, dict[str, Any]]] = []
    for boot in service.store.boots_in_order():
        low, high = (
            _local_ns(service, boot, at, other) for at, other in zip(span, (0, _FAR_NS), strict=True)
        )
        if low is None or high is None or len(found) > limit:
            continue
        rows = [
            row
            for channel in place[1]
            for row in service.store.readings(
                place[0], channel, boot, low, high, after=cursor, limit=limit + 1 - len(found)
            )
        ]
        rows.sort(key=lambda row: (row.reading.end_ns, row.ident))
        kept = rows[: limit + 1 - len(found)]
        if not kept:
            continue
        # Only the fixes around these samples: a daemon that runs for years has millions.
        fixes = service.store.fixes(boot, kept[0].reading.end_ns, kept[-1].reading.end_ns)
        if not fixes:
            continue
        utc = ClockModel.from_fixes(fixes)
        found += [(row.ident, views.sample(row.reading, utc, raw=raw)) for row in kept]
    shown = found[:limit]
    return {
        "schema": "edgewatt/samples/1",
        "samples": [sample for _, sample in shown],
        "next": shown[-1][0] if len(found) > limit else None,
    }


def _local_ns(service: Service, boot: str, unix_ns: int | None, unbounded: int) -> int | None:
    """An instant on the clock of a boot; None where that boot has no clock fix."""
    if unix_ns is None:
        return unbounded
    fixes = service.store.fixes_around(boot, unix_ns, unix_ns)
    return ClockModel.from_fixes(fixes).to_local(unix_ns).ns if fixes else None
