"""``ptd_logs.txt``: the power daemon's own log, and what the official power checker makes of it.

That checker stops at the first warning that it accepts, and, from v3.1 on, adds a margin meant as milliseconds
to times in seconds; ``events`` tells everything, ``official_outcome`` what it would have seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from checker.lines import holding
from schemas.units import NS_PER_S, LogTimes, UnixNs

_LINE = re.compile(r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3}")
STAMP = len("MM-DD-YYYY HH:MM:SS.mmm")
_WORD = re.compile(r"(WARNING|ERROR):\s*(.*)\Z", re.DOTALL)
_ACTIVE = re.compile(r"Uncertainty checking for Yokogawa\S+ is activated")
_UNCERTAIN = re.compile(
    r"Uncertainty (?:\d++[^\d\n]\d++|\d{3,}+)%, which is above 1\.00% limit for the last sample!"
)


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line; ``at`` None when it has no time stamp."""

    number: int
    at: UnixNs | None
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """A warning or an error that counts. ``fails``: by the rules as written; ``official_fails``: in the
    official power checker, if it gets that far; ``looked_at``: whether its margin lets it see the line."""

    line: int
    text: str
    fails: bool
    official_fails: bool
    looked_at: bool = True


class NoRanging(ValueError):
    """The log does not show the ranging measurement or the uncertainty check as it must; the text says what."""


TELLING = ("WARNING", "ERROR", ": Go with mark", ": Completed test", "Uncertainty checking")
"""What a line holds that says something; most others report single samples and commands."""


def lines(text: str, shift_ns: int = 0) -> list[Line]:
    """The telling lines of a log; ``shift_ns`` makes its times UTC."""
    found: list[Line] = []
    times = LogTimes()
    for number, raw in holding(text, TELLING):
        at = times.quick(raw[:STAMP])
        if at is None and _LINE.match(raw) is not None:
            with suppress(ValueError):
                at = times.parse(raw[:STAMP])
        found.append(
            Line(number, None, raw) if at is None else Line(number, UnixNs(at + shift_ns), raw[STAMP:])
        )
    return found


def ranging_interval(log: Sequence[Line], session: str) -> tuple[UnixNs, UnixNs]:
    """Begin and end of the ranging measurement; ``NoRanging`` when they or the uncertainty check are not there."""
    begin = next((x for x in log if x.text == f": Go with mark '{session}_ranging'"), None)
    if begin is None or begin.at is None:
        raise NoRanging("there is no start of the ranging measurement with the name of the session")
    after = (x for x in log if x.number > begin.number)
    end = next((x for x in after if x.text.startswith(": Completed test")), None)
    if end is None or end.at is None:
        raise NoRanging("the ranging measurement has no end")
    active = next((x for x in log if _ACTIVE.search(x.text)), None)
    if active is None or active.at is None or active.at >= begin.at:
        raise NoRanging("the uncertainty check was not activated before the ranging measurement")
    return begin.at, end.at


def events(
    log: Sequence[Line],
    ranging: tuple[UnixNs, UnixNs],
    testing: tuple[UnixNs, UnixNs],
    facts: Mapping[str, Any],
) -> Iterator[Event]:
    """All warnings and errors that count, in order of the log."""
    margin = int(facts.get("ptd_warning_margin", facts["phase_time_tolerance_ms"]))
    strict = facts.get("ptd_uncertainty_warning_is_error", True)
    for line in log:
        word, said = _said(line.text)
        if not word:
            continue
        if line.at is None:
            yield Event(line.number, f"{word} without a time stamp: {said}", True, True)
        elif word == "WARNING":
            # the margin is meant as milliseconds and added as seconds
            if _inside(line.at, testing, margin * NS_PER_S // 1000):
                uncertain = strict and _UNCERTAIN.search(said) is not None
                seen = _inside(line.at, testing, margin * NS_PER_S)
                yield Event(line.number, said, uncertain, uncertain, seen)
        elif said in facts["accepted_testing_errors"]:
            yield Event(line.number, said, False, False)
        elif not _inside(line.at, ranging, 0):
            yield Event(line.number, said, True, True)
        elif not said.startswith(tuple(facts["accepted_ranging_error_prefixes"])):
            yield Event(line.number, said, False, False)


def _said(text: str) -> tuple[str, str]:
    """``WARNING`` or ``ERROR`` and what follows; two empty texts for a line that is neither."""
    for begin, word in _BEGINNINGS:
        if text.startswith(begin):
            return word, text[len(begin) :].strip()
    match = _WORD.search(text)
    return (match[1], match[2].strip()) if match is not None else ("", "")


_BEGINNINGS = ((": WARNING:", "WARNING"), (": ERROR:", "ERROR"))
"""How nearly all such lines go on behind their time."""


def _inside(at: int, interval: tuple[UnixNs, UnixNs], margin_ns: int) -> bool:
    return interval[0] + margin_ns < at < interval[1] - margin_ns


def official_outcome(found: Sequence[Event]) -> Event | None:
    """The event that fails the official power checker; None when it passes, or stops at a warning before."""
    first = next((e for e in found if e.looked_at), None)
    return first if first is not None and first.official_fails else None
