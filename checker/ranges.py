"""The ranges of the meter while testing, as the power daemon's log or the commands to it tell.

The log says which range the meter took ("Amp range set to 0.500000A"); a command says the value that was to be
measured ("SR,A,0.3402"), for which the daemon takes the next range up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checker.lines import holding
from checker.session import dialogue

_SET = re.compile(
    r"\b(Volt|Voltage|Amp|Ampere) range (?:for channel [^,\n]*, [^,\n]*, )?set to (Auto|[\d.]+)"
)
_GO = "Go with mark '"
_UNITS = {"Volt": "V", "Voltage": "V", "Amp": "A", "Ampere": "A"}


@dataclass(frozen=True, slots=True)
class Ranges:
    """Volts and amperes of the ranges; None where a range was automatic or is not known. ``auto_v`` and ``auto_a``
    say that it was automatic."""

    volts: float | None = None
    amperes: float | None = None
    auto_v: bool = False
    auto_a: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """What stood in force when a measurement began: from the log, and the values asked for by command."""

    log: Ranges
    asked: Ranges


def testing_ranges(log: str, server: Mapping[str, Any], mark: str) -> Setting:
    """The ranges in force when the measurement with a mark began."""
    return Setting(_in_force(_from_log(log), mark), _in_force(_from_dialogue(server), mark))


Step = tuple[str, str]
"""``V``, ``A`` or ``Go``, and what was set or begun."""


def _in_force(steps: Iterator[Step], mark: str) -> Ranges:
    now: dict[str, str] = {}
    for what, value in steps:
        if what == "Go" and value == mark:
            volts, amperes = (_number(now.get(unit, "")) for unit in "VA")
            return Ranges(volts, amperes, now.get("V") == "Auto", now.get("A") == "Auto")
        if what != "Go":
            now[what] = value
    return Ranges()


def _from_log(log: str) -> Iterator[Step]:
    for _, line in holding(log, (_GO, " range ")):
        if _GO in line:
            yield "Go", line.partition(_GO)[2].partition("'")[0]
        elif match := _SET.search(line):
            yield _UNITS[match[1]], match[2]


def _from_dialogue(server: Mapping[str, Any]) -> Iterator[Step]:
    for command, _ in dialogue(server):
        fields = command.split(",", 3)
        if fields[0] == "SR" and len(fields) == 3 and fields[1] in ("V", "A"):
            yield fields[1], fields[2]
        elif fields[0] == "Go" and len(fields) == 4:
            yield "Go", fields[3]


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 < found < 1e6 else None
