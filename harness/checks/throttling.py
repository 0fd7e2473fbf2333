"""Throttling: has the machine slowed itself down, for heat, for its power supply or by a set limit."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.base import Line, Situation, fail, ok, warn
from harness.machine import Machine, number, text, throttle_events

SUBJECT = "throttling"
COOLING = "look at the fan, the heat sink and the room; a run that throttles measures the cooling"
BOARD_FLAGS = (
    (0, "under-voltage now"),
    (1, "frequency capped now"),
    (2, "throttled now"),
    (3, "soft temperature limit now"),
    (16, "under-voltage since the start"),
    (17, "frequency capped since the start"),
    (18, "throttled since the start"),
    (19, "soft temperature limit since the start"),
)
"""Bits of ``get_throttled`` of the Raspberry Pi firmware (documentation of vcgencmd)."""
NOW = 0xF


def check(situation: Situation) -> Iterator[Line]:
    """Events counted so far and during the short measurement, the board's flags, frequency limits, cooling."""
    machine = situation.machine
    found = [*_counted(situation), *_board(machine), *_capped(machine), *_cooling(machine)]
    yield from found or [ok(SUBJECT, "none that this machine tells of")]


def _counted(situation: Situation) -> Iterator[Line]:
    events = throttle_events(situation.machine)
    if events is None:
        return
    during = situation.probe.throttled if situation.probe is not None else None
    if during:
        said = f"{during} events in the seconds of the measurement"
        yield fail(SUBJECT, said, "none under load", COOLING)
    elif events:
        said = f"{events} events since the machine was started"
        yield warn(SUBJECT, said, "none", COOLING)
    else:
        yield ok(SUBJECT, "no event since the machine was started")


def _board(machine: Machine) -> Iterator[Line]:
    for path in sorted((machine.sys / "devices/platform/soc").glob("*firmware/get_throttled")):
        try:
            flags = int(text(path), 16)
        except ValueError:
            continue
        names = [name for bit, name in BOARD_FLAGS if flags >> bit & 1]
        if names:
            say = fail if flags & NOW else warn
            cure = "use a stronger power supply and a shorter cable for under-voltage; else cool the board better"
            yield say(SUBJECT, f"the board says: {', '.join(names)}", "no flag set", cure)
        else:
            yield ok(SUBJECT, "the board has no flag set")


def _capped(machine: Machine) -> Iterator[Line]:
    capped = []
    for processor in machine.processors():
        limit, top = (number(processor / f"cpufreq/{n}_max_freq") for n in ("scaling", "cpuinfo"))
        if limit is not None and top is not None and limit < top:
            capped.append((processor.name, limit, top))
    if capped:
        name, limit, top = capped[0]
        more = f" and {len(capped) - 1} more" if len(capped) > 1 else ""
        said = f"{name}{more} limited to {limit / 1000:.0f} MHz of {top / 1000:.0f} MHz"
        files = machine.sys / "devices/system/cpu/cpu*/cpufreq/scaling_max_freq"
        cure = f"lift the limit in {files}, or keep it and say so in the submission"
        yield warn(SUBJECT, said, "no limit below the hardware's own", cure)


def _cooling(machine: Machine) -> Iterator[Line]:
    for device in sorted((machine.sys / "class/thermal").glob("cooling_device*")):
        kind, state = text(device / "type"), number(device / "cur_state")
        if state and any(word in kind.lower() for word in ("processor", "cpufreq", "devfreq")):
            said = f"{kind} is slowed down for heat (step {state} of {text(device / 'max_state') or '?'})"
            yield fail(SUBJECT, said, "step 0", "let it cool down first")
