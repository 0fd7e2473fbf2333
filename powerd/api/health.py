"""``/v1/health``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from powerd.meters import settled
from powerd.service import Service


def router(service: Service) -> APIRouter:
    """How the daemon is doing."""
    routes = APIRouter()

    @routes.get("/health")
    def health() -> dict[str, Any]:
        return settled(lambda: service.meter_names, service.health)

    return routes
