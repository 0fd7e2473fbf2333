"""``/metrics``: the present readings and the totals since the start, in the text form that Prometheus reads.

Source: "Exposition formats", text-based format 0.0.4, of the Prometheus documentation.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Response

from powerd import kernel_clock
from powerd.boottime import boottime_ns
from powerd.model import Quality, Reading, Values
from powerd.service import Service
from schemas import __version__
from schemas.units import NS_PER_S

PREFIX = ""
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
GAUGES = {
    "powerd_power_watts": ("power_w", "Active power of the newest reading."),
    "powerd_voltage_volts": ("voltage_v", "Voltage (RMS) of the newest reading."),
    "powerd_current_amperes": ("current_a", "Current (RMS) of the newest reading."),
    "powerd_power_factor_ratio": ("power_factor", "Power factor of the newest reading."),
}


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name, type and help, and its samples by labels."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def router(service: Service) -> APIRouter:
    """The metrics of one daemon."""
    routes = APIRouter()

    @routes.get("/metrics", response_class=Response)
    def metrics() -> Response:
        return Response(render(families(service)), media_type=MEDIA_TYPE)

    return routes


def families(service: Service) -> Iterator[Family]:
    """Everything that is measured, meter by meter and channel by channel."""
    places = [(name, channel) for name in service.meter_names for channel in service.channels(name)]
    latest = {place: service.ring.latest(*place) for place in places}
    seen = {place: reading for place, reading in latest.items() if reading is not None}
    for metric, (attribute, words) in GAUGES.items():
        rows = ((_labels(p), _number(r.values, attribute)) for p, r in seen.items())
        yield Family(metric, "gauge", words + " NaN while it is lost.", tuple(rows))
    yield from _totals(service, places)
    yield Family(
        "powerd_last_sample_timestamp_seconds",
        "gauge",
        "Unix time of the end of the newest averaging interval.",
        tuple((_labels(p), _unix_s(service, r)) for p, r in seen.items()),
    )
    yield from _state(service)


def _totals(service: Service, places: Iterable[tuple[str, str]]) -> Iterator[Family]:
    now = boottime_ns()
    counts = {place: service.counters.get(*place) for place in places}
    yield Family(
        "powerd_energy_joules_total",
        "counter",
        "Energy of the good samples since powerd started.",
        tuple((_labels(p), c.energy_j) for p, c in counts.items()),
    )
    yield Family(
        "powerd_samples_total",
        "counter",
        "Samples since powerd started, by quality.",
        tuple(
            (_labels(p) | {"quality": q.value}, float(c.samples.get(q, 0)))
            for p, c in counts.items()
            for q in Quality
        ),
    )
    yield Family(
        "powerd_gap_seconds_total",
        "counter",
        "Time since the first sample that no good sample stands for.",
        tuple((_labels(p), c.gap_s(now)) for p, c in counts.items()),
    )


def _state(service: Service) -> Iterator[Family]:
    clock = kernel_clock.read()
    yield Family(
        "powerd_clock_offset_seconds",
        "gauge",
        "What the kernel has still to correct of the clock that the stamps are given in.",
        () if clock is None else (({}, clock.offset_s),),
    )
    rows = []
    for name in service.meter_names:
        info = service.state(name).info
        if info is not None:
            labels = {"meter": name, "driver": info.driver, "maker": info.maker, "model": info.model}
            labels |= {"serial": info.serial, "firmware": info.firmware}
            labels |= {"simulated": str(info.simulated).lower()}
            rows += [(labels | {"channel": channel}, 1.0) for channel in service.channels(name)]
    yield Family("powerd_meter_info", "gauge", "Who answers as this meter.", tuple(rows))
    build = {"version": __version__, "python": platform.python_version()}
    yield Family("powerd_build_info", "gauge", "What is running.", ((build, 1.0),))


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


def _labels(place: tuple[str, str]) -> dict[str, str]:
    return {"meter": place[0], "channel": place[1]}


def _number(values: Values, attribute: str) -> float:
    value: float | None = getattr(values, attribute)
    return math.nan if value is None else value


def _unix_s(service: Service, reading: Reading) -> float:
    return service.utc().to_remote(reading.end_ns).ns / NS_PER_S


def _text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
