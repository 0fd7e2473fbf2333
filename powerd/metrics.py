"""What is measured, as metrics: the present readings, the totals since the start, and how the daemon is doing.

One list for everybody who wants them: ``/metrics`` (``powerd.api.metrics``) and OpenTelemetry (``powerd.telemetry``).
"""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from powerd import kernel_clock
from powerd.acquire import AcquisitionState
from powerd.alarms import KINDS, OF_METER, Alarm
from powerd.boottime import boottime_ns
from powerd.clock import ClockModel
from powerd.counters import Counters
from powerd.model import Quality, Reading, Values
from powerd.ring import Ring
from schemas import __version__
from schemas.units import NS_PER_S

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
    kind: Literal["gauge", "counter"]
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


class Measured(Protocol):
    """The part of a running daemon that metrics are made of."""

    ring: Ring
    counters: Counters

    @property
    def meter_names(self) -> tuple[str, ...]:
        """Names of the configured meters."""

    def channels(self, name: str) -> tuple[str, ...]:
        """The channels that a meter is asked for."""

    def state(self, name: str) -> AcquisitionState:
        """How a meter's loop is doing."""

    def alarms_of(self, name: str) -> list[Alarm]:
        """The alarms that stand on a meter."""

    def utc(self) -> ClockModel:
        """UTC now."""

    def health(self) -> dict[str, Any]:
        """How the daemon is doing."""


def families(service: Measured) -> Iterator[Family]:
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
    yield _alarms(service)
    yield from _state(service)


def _alarms(service: Measured) -> Family:
    """Every kind of alarm on every channel, so that one that ends is a 0 and not a series that is gone."""
    rows: list[tuple[Mapping[str, str], float]] = []
    for name in service.meter_names:
        standing = {(alarm.channel, alarm.kind) for alarm in service.alarms_of(name)}
        for kind in KINDS:
            for channel in ("",) if kind in OF_METER else service.channels(name):
                labels = {"meter": name, "channel": channel, "kind": kind}
                rows.append((labels, float((channel or None, kind) in standing)))
    return Family("powerd_alarm", "gauge", "1 while an alarm of this kind stands.", tuple(rows))


def _totals(service: Measured, places: Iterable[tuple[str, str]]) -> Iterator[Family]:
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


def _state(service: Measured) -> Iterator[Family]:
    clock = kernel_clock.read()
    yield Family(
        "powerd_clock_offset_seconds",
        "gauge",
        "What the kernel has still to correct of the clock that the stamps are given in.",
        () if clock is None else (({}, clock.offset_s),),
    )
    yield from _health(service.health())
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


def _health(health: Mapping[str, Any]) -> Iterator[Family]:
    """The parts of ``edgewatt/health/1`` that alarms are made of."""
    meters, clock, store, disk = (health[part] for part in ("meters", "clock", "store", "disk"))

    def one(name: str, words: str, value: float | None) -> Family:
        return Family(name, "gauge", words, () if value is None else (({}, float(value)),))

    yield Family(
        "powerd_meter_connected",
        "gauge",
        "1 while the meter answers.",
        tuple(({"meter": m["name"]}, float(m["connected"])) for m in meters),
    )
    yield Family(
        "powerd_meter_reconnects_total",
        "counter",
        "How often the meter was lost and found again.",
        tuple(({"meter": m["name"]}, float(m["reconnects"])) for m in meters),
    )
    yield one("powerd_clock_synchronised", "1 while somebody keeps the clock right.", clock["synchronised"])
    yield one("powerd_clock_bound_seconds", "How far UTC may be off by its source's word.", clock["bound_s"])
    yield one("powerd_store_failing", "1 while the store cannot be written.", store["error"] is not None)
    yield one("powerd_store_waiting_records", "Records that wait to be written.", store["waiting"])
    yield one("powerd_disk_free_bytes", "Room on the disk of the data directory.", disk["free_bytes"])
    yield one("powerd_problems", "Problems that /v1/health names.", len(health["problems"]))


def _labels(place: tuple[str, str]) -> dict[str, str]:
    return {"meter": place[0], "channel": place[1]}


def _number(values: Values, attribute: str) -> float:
    value: float | None = getattr(values, attribute)
    return math.nan if value is None else value


def _unix_s(service: Measured, reading: Reading) -> float:
    return service.utc().to_remote(reading.end_ns).ns / NS_PER_S
