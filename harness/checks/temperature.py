"""Temperatures: a machine that is hot before the run will slow down in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.checks.base import Line, Situation, fail, ok, warn
from harness.machine import Machine, number, text

SUBJECT = "temperature"
MARGIN_C = 10.0
USUAL_LIMIT_C = 95.0
"""Where a sensor names no limit of its own."""
SENSE = (-30.0, 150.0)
"""What is outside is a sensor that is not connected."""
CURE = "let it cool down, and look at the fan, the heat sink and the room"


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor: degrees Celsius now, and from where on the machine slows down or stops."""

    name: str
    celsius: float
    limit: float


def check(situation: Situation) -> Iterator[Line]:
    """The sensor that is nearest to its limit."""
    found = [s for s in sensors(situation.machine) if SENSE[0] < s.celsius < SENSE[1]]
    if not found:
        yield ok(SUBJECT, "not told by this machine")
        return
    worst = min(found, key=lambda s: s.limit - s.celsius)
    said = f"{worst.name} at {worst.celsius:.0f} °C, its limit is {worst.limit:.0f} °C"
    wanted = f"{MARGIN_C:.0f} K below the limit before the run"
    if worst.celsius >= worst.limit:
        yield fail(SUBJECT, said, wanted, CURE)
    elif worst.celsius > worst.limit - MARGIN_C:
        yield warn(SUBJECT, said, wanted, CURE)
    else:
        yield ok(SUBJECT, said)


def sensors(machine: Machine) -> Iterator[Sensor]:
    """Sensors of the hardware monitors and the thermal zones."""
    for monitor in sorted((machine.sys / "class/hwmon").glob("hwmon*")):
        for file in sorted(monitor.glob("temp*_input")):
            start = file.name.removesuffix("input")
            label = text(monitor / f"{start}label")
            limits = [_degrees(monitor / f"{start}{end}") for end in ("max", "crit")]
            yield from _sensor(f"{text(monitor / 'name')} {label}".strip(), file, limits)
    for zone in sorted((machine.sys / "class/thermal").glob("thermal_zone*")):
        kinds = sorted(zone.glob("trip_point_*_type"))
        trips = [k.with_name(k.name.replace("_type", "_temp")) for k in kinds if text(k) != "active"]
        yield from _sensor(text(zone / "type") or zone.name, zone / "temp", [_degrees(t) for t in trips])


def _sensor(name: str, file: Path, limits: list[float | None]) -> Iterator[Sensor]:
    celsius = _degrees(file)
    if celsius is not None:
        # A fan's trip point is passed in good health; a limit of zero or below is one that was never set.
        yield Sensor(
            name, celsius, min((x for x in limits if x is not None and x > 0), default=USUAL_LIMIT_C)
        )


def _degrees(path: Path) -> float | None:
    found = number(path)
    return None if found is None else found / 1000
