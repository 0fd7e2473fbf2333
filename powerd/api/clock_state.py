"""``/v1/clock``: what the daemon knows of its own clock; reading it changes nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from powerd import kernel_clock
from powerd.boottime import boottime_ns
from powerd.clock import ClockModel
from powerd.clocks import SourceState
from powerd.service import Service
from powerd.views import exact
from schemas import clock_events
from schemas.units import NS_PER_S

LOOK_BACK_S = 3600


def router(service: Service) -> APIRouter:
    """The state of the clock."""
    routes = APIRouter()

    @routes.get("/clock")
    def clock() -> dict[str, Any]:
        return _state(service)

    return routes


def _state(service: Service) -> dict[str, Any]:
    now = boottime_ns()
    since = now - LOOK_BACK_S * NS_PER_S
    fixes = service.store.fixes(service.boot_id, since, now)
    model = ClockModel.from_fixes(fixes)
    at = service.utc().to_remote(now)
    kernel, keeper = kernel_clock.read(), service.clock.keeper
    return {
        "schema": "edgewatt/clock/1",
        "source": keeper.name if keeper is not None and keeper.synchronised else "system",
        "keeper": None if keeper is None else _keeper(keeper, now),
        "events": [str(event) for event in clock_events.events([fix for _, fix in fixes])],
        "boot_id": service.boot_id,
        "boottime_ns": now,
        "unix_ns": at.ns,
        "time": exact(at.ns),
        "u95_s": at.u95_ns / NS_PER_S,
        "fixes": len(model.ties),
        "drift_ppm": model.drift_ppm(),
        "steps": [
            {"seconds_ago": (now - step.to_ns) / NS_PER_S, "by_s": step.by_ns / NS_PER_S}
            for step in model.steps(since, now)
        ],
        "kernel": None if kernel is None else asdict(kernel),
    }


def _keeper(state: SourceState, now: int) -> dict[str, Any]:
    """Who keeps this clock right, with its bound now."""
    return {
        "name": state.name,
        "detail": state.detail,
        "synchronised": state.synchronised,
        "bound_s": state.bound_at(now),
        "offset_s": state.offset_s,
        "leap": state.leap,
    }
