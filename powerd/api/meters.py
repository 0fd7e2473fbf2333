"""``/v1/meters``: who measures, the samples, and the ranges."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from powerd.api._samples import sample
from powerd.clock import ClockModel
from powerd.errors import Refused
from powerd.model import Settings
from powerd.service import Meter, Service
from powerd.store import StoredReading
from schemas.units import NS_PER_S

MOST = 10_000
_Range = float | str | None


class RangeBody(BaseModel):
    """Ranges to set: a number, or ``auto`` (null is auto too)."""

    voltage: _Range = Field(default=None)
    current: _Range = Field(default=None)


def router(service: Service) -> APIRouter:
    """Meters of this daemon."""
    routes = APIRouter(tags=["meters"])

    @routes.get("/meters")
    def meters() -> dict[str, Any]:
        utc = service.clock.model()
        return {"meters": [describe(service, m, utc) for m in service.meters.values()]}

    @routes.get("/meters/{name}")
    def meter(name: str) -> dict[str, Any]:
        return describe(service, service.meter(name), service.clock.model())

    @routes.get("/meters/{name}/samples")
    def samples(
        name: str,
        begin_unix_ns: int | None = None,
        end_unix_ns: int | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 1000,
        channel: str | None = None,
        cursor: str | None = None,
        raw: bool = False,
    ) -> dict[str, Any]:
        meter = service.meter(name)
        chosen = channel or meter.channel
        return _samples(service, name, chosen, begin_unix_ns, end_unix_ns, limit, cursor, raw)

    @routes.post("/meters/{name}/range")
    def set_range(name: str, body: RangeBody) -> dict[str, Any]:
        done = service.set_range(name, _number(body.voltage, "voltage"), _number(body.current, "current"))
        return {"name": name, "settings": show_settings(done)}

    return routes


def _number(value: _Range, which: str) -> float | None:
    if value is None or value == "auto":
        return None
    if isinstance(value, str) or value <= 0:
        raise Refused(f"{which} is {value!r}: give a range above 0, or \"auto\"")
    return float(value)


def show_settings(settings: Settings) -> dict[str, Any]:
    """Settings in force, as the API shows them; a range of null is auto."""
    return {
        "interval_s": settings.interval_ns / NS_PER_S,
        "voltage_range_v": settings.voltage_range_v,
        "current_range_a": settings.current_range_a,
        "crest_factor": settings.crest_factor,
        "channels": list(settings.channels),
    }


def describe(service: Service, meter: Meter, utc: ClockModel) -> dict[str, Any]:
    """One meter: configuration, state, latest sample and events."""
    state, config = meter.state, meter.config
    latest = service.ring.latest(config.name, meter.channel)
    good, bad = service.ring.counts(config.name)
    events = list(meter.events)[-5:]
    return {
        "name": config.name,
        "driver": config.driver,
        "port": config.port,
        "connected": state.connected,
        "info": None if state.info is None else asdict(state.info),
        "settings": None if state.settings is None else show_settings(state.settings),
        "last_error": state.last_error,
        "reconnects": state.reconnects,
        "events": [
            {"at_unix_ns": utc.to_remote(e.at_ns).ns, "kind": e.kind, "message": e.message} for e in events
        ],
        "latest": None if latest is None else sample(latest, utc),
        "samples": good + bad,
        "bad_samples": bad,
    }


def _samples(
    service: Service,
    name: str,
    channel: str,
    begin: int | None,
    end: int | None,
    limit: int,
    cursor: str | None,
    raw: bool,
) -> dict[str, Any]:
    """Samples in order of time; ``next`` continues a list that was cut."""
    service.store.writer.flush()
    after = _cursor(cursor)
    rows: list[tuple[StoredReading, ClockModel]] = []
    low = begin if begin is not None else 0
    high = end if end is not None else (1 << 62)
    for boot in service.store.boots_in_order():
        utc = ClockModel.from_fixes(service.store.fixes_around(boot, low, high))
        if not utc.ties:
            continue
        first, last = utc.to_local(low).ns, utc.to_local(high).ns
        found = service.store.readings(
            name, channel, boot, first, last, after=after, limit=limit + 1 - len(rows)
        )
        rows += [(row, utc) for row in found]
        if len(rows) > limit:
            break
    shown = [sample(row.reading, utc, raw=raw) for row, utc in rows[:limit]]
    return {"samples": shown, "next": str(rows[limit - 1][0].ident) if len(rows) > limit else None}


def _cursor(text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(f"cursor {text[:40]!r} is none of ours: use the next of the list before")
    return int(text)
