"""``/metrics``: the metrics of ``powerd.metrics`` in the text form that Prometheus reads.

Source: "Exposition formats", text-based format 0.0.4, of the Prometheus documentation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from fastapi import APIRouter, Response

from powerd.meters import settled
from powerd.metrics import Family, families
from powerd.service import Service

PREFIX = ""
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def router(service: Service) -> APIRouter:
    """The metrics of one daemon."""
    routes = APIRouter()

    @routes.get("/metrics", response_class=Response)
    def metrics() -> Response:
        found = settled(lambda: service.meter_names, lambda: list(families(service)))
        return Response(render(found), media_type=MEDIA_TYPE)

    return routes


def render(metrics: Iterable[Family]) -> str:
    """The text of these metrics; one without samples keeps its head, so that its name is known."""
    lines = []
    for family in metrics:
        lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]
        for labels, value in family.samples:
            inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            lines.append(
                f"{family.name}{{{inside}}} {_text(value)}" if inside else f"{family.name} {_text(value)}"
            )
    return "\n".join(lines) + "\n"


def _text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
