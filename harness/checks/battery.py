"""The battery: a machine that feeds on one draws something else at the wall than it uses."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.base import Line, Situation, fail, ok, warn
from harness.machine import text

SUBJECT = "battery"
CURE = "connect the power supply and wait until the battery is full, or take the battery out"


def check(situation: Situation) -> Iterator[Line]:
    """Every battery of the machine itself; those of mice and keyboards are left out."""
    folders = sorted((situation.machine.sys / "class/power_supply").glob("*"))
    own = [f for f in folders if text(f / "type") == "Battery" and text(f / "scope") != "Device"]
    for battery in own:
        state = text(battery / "status").lower() or "of unknown state"
        found = f"{battery.name} is {state} at {text(battery / 'capacity') or '?'} %"
        wanted = "a full battery on mains power, or none"
        if state == "discharging":
            say = fail if situation.power is not None else warn
            yield say(SUBJECT, found, wanted, CURE)
        elif state == "charging" and situation.power is not None:
            yield warn(SUBJECT, f"{found}, and charging counts as power of the benchmark", wanted, CURE)
        else:
            yield ok(SUBJECT, found)
    if not own:
        yield ok(SUBJECT, "none")
