"""The ranges of the meter while testing, as the power daemon's log or the commands to it tell.

The log says which range the meter took ("Amp range set to 0.500000A"); a command says the value that was to be
measured ("SR,A,0.3402"), for which the daemon takes the next range up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checker.lines import spans, with_line_feeds
from checker.session import dialogue

_SET = re.compile(
    r"\b(Volt|Voltage|Amp|Ampere) range (?:for channel [^,\n]*, [^,\n]*, )?set to (Auto|[\d.]+)"
)
_GO = "Go with mark '"
_UNITS = {"Volt": "V", "Voltage": "V", "Amp": "A", "Ampere": "A"}


@dataclass(frozen=True, slots=True)
class Ranges:
    """Volts and amperes of the ranges; None where a range was automatic or is not known. ``auto_v`` and ``auto_a``
    say that it was automatic, ``line_v`` and ``line_a`` where the log tells of them."""

    volts: float | None = None
    amperes: float | None = None
    auto_v: bool = False
    auto_a: bool = False
    line_v: int | None = None
    line_a: int | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What stood in force when a measurement began: from the log, and the values asked for by command."""

    log: Ranges
    asked: Ranges


def testing_ranges(log: str, server: Mapping[str, Any], mark: str) -> Setting:
    """The ranges in force when the measurement with a mark began."""
    return Setting(_logged(with_line_feeds(log), mark), _asked(server, mark))


def _logged(log: str, mark: str) -> Ranges:
    """What the lines before the mark set, looked at from there backwards: mostly the last two say it."""
    begins = (begin for begin, end in spans(log, _GO) if _mark(log[begin:end]) == mark)
    begin = next(begins, None)
    now: dict[str, str] = {}
    at: dict[str, int] = {}
    while begin is not None and len(now) < len("VA"):
        place = log.rfind(" range ", 0, begin)
        if place < 0:
            break
        begin = log.rfind("\n", 0, place) + 1
        line = log[begin : log.find("\n", place)]
        match = _SET.search(line) if _GO not in line else None
        if match is not None and _UNITS[match[1]] not in now:
            now[_UNITS[match[1]]], at[_UNITS[match[1]]] = match[2], log.count("\n", 0, begin) + 1
    return _ranges(now, at)


def _mark(line: str) -> str:
    return line.partition(_GO)[2].partition("'")[0]


def _asked(server: Mapping[str, Any], mark: str) -> Ranges:
    now: dict[str, str] = {}
    for command, _ in dialogue(server):
        fields = command.split(",", 3)
        if fields[0] == "SR" and len(fields) == 3 and fields[1] in ("V", "A"):
            now[fields[1]] = fields[2]
        elif fields[0] == "Go" and len(fields) == 4 and fields[3] == mark:
            return _ranges(now, {})
    return Ranges()


def _ranges(now: Mapping[str, str], at: Mapping[str, int]) -> Ranges:
    volts, amperes = (_number(now.get(unit, "")) for unit in "VA")
    auto_v, auto_a = (now.get(unit) == "Auto" for unit in "VA")
    return Ranges(volts, amperes, auto_v, auto_a, at.get("V"), at.get("A"))


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 < found < 1e6 else None
