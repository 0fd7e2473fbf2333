"""``ptd_logs.txt``: the power daemon's own log, and what the official power checker makes of it.

That checker stops at the first warning that it accepts, and, from v3.1 on, adds a margin meant as milliseconds
to times in seconds; ``events`` tells everything, ``official_outcome`` what it would have seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from checker.lines import holding, spans, with_line_feeds
from checker.ptd_columns import BLOCK_NS, STAMP, Columns, begins
from schemas.kept import kept
from schemas.units import NS_PER_S, LogTimes, UnixNs

_LINE = re.compile(r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3}")
_WORD = re.compile(r"(WARNING|ERROR):\s*(.*)\Z", re.DOTALL)
_WARNING = ": WARNING:"
_BEGINNINGS = ((_WARNING, "WARNING"), (": ERROR:", "ERROR"))
"""How nearly all such lines go on behind their time."""
_ACTIVE = re.compile(r"Uncertainty checking for Yokogawa\S+ is activated")
_UNCERTAIN = re.compile(
    r"Uncertainty (?:\d++[^\d\n]\d++|\d{3,}+)%, which is above 1\.00% limit for the last sample!"
)

Interval = tuple[UnixNs, UnixNs]
Numbered = tuple[int, str]
"""A line with its number, from 1."""


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


class Log:
    """A log, for all who look for something in it. Its times are those of the clock that wrote it, UTC or not."""

    def __init__(self, text: str) -> None:
        """Nothing is looked for yet."""
        self.text = with_line_feeds(text)

    @kept
    def warnings(self) -> Columns:
        """The lines with warnings."""
        return Columns(self.text, "WARNING:")

    @kept
    def errors(self) -> Columns:
        """The lines with errors."""
        return Columns(self.text, "ERROR:")

    def warned(self, begin: re.Pattern[str]) -> list[tuple[int, UnixNs, re.Match[str]]]:
        """Number and time of the warnings that begin, behind ``WARNING:``, as a pattern says, and the match."""
        if self.warnings.usual:
            said = self.warnings.said
            fitting = {text for text in set(said) if begin.match(text)}
            rows = self.warnings.lines([at for at, text in enumerate(said) if text in fitting])
        else:
            rows = holding(self.text, ("WARNING:",))
        found, times = [], LogTimes()
        for number, raw in rows:
            at, text = time_and_text(raw, times)
            match = begin.match(text, len(_WARNING)) if text.startswith(_WARNING) else None
            if at is not None and match is not None:
                found.append((number, at, match))
        return found


def time_and_text(raw: str, times: LogTimes) -> tuple[UnixNs | None, str]:
    """The time of a line and what stands behind it; None and the whole line where it has no time stamp."""
    if _LINE.match(raw) is not None:
        with suppress(ValueError):
            return times.parse(raw[:STAMP]), raw[STAMP:]
    return None, raw


def ranging_interval(log: Log, session: str) -> Interval:
    """Begin and end of the ranging measurement; ``NoRanging`` when they or the uncertainty check are not there."""
    go = f": Go with mark '{session}_ranging'"
    begin, behind = _first(log, go, lambda text: text == go)
    if begin is None:
        raise NoRanging("there is no start of the ranging measurement with the name of the session")
    end, _ = _first(log, _COMPLETED, lambda text: text.startswith(_COMPLETED), behind)
    if end is None:
        raise NoRanging("the ranging measurement has no end")
    active, _ = _first(log, "Uncertainty checking", lambda text: _ACTIVE.search(text) is not None)
    if active is None or active >= begin:
        raise NoRanging("the uncertainty check was not activated before the ranging measurement")
    return begin, end


_COMPLETED = ": Completed test"


def _first(log: Log, word: str, fits: Callable[[str], bool], start: int = 0) -> tuple[UnixNs | None, int]:
    """The time of the first line with a word that fits, and where the line ends; None where it has no time, or
    where there is none."""
    times = LogTimes()
    for begin, end in spans(log.text, word, start):
        at, text = time_and_text(log.text[begin:end], times)
        if fits(text):
            return at, end
    return None, start


def events(log: Log, ranging: Interval, testing: Interval, facts: Mapping[str, Any]) -> Iterator[Event]:
    """All warnings and errors that count, in order of the log. The intervals are by the clock of the log."""
    return judged(_may_count(log, ranging, testing, facts), ranging, testing, facts)


def _may_count(
    log: Log, ranging: Interval, testing: Interval, facts: Mapping[str, Any]
) -> Sequence[Numbered]:
    """The lines with warnings and errors but for most of those that do not count; all of them in an unusual log."""
    warnings, errors = log.warnings, log.errors
    usual = warnings.usual and errors.usual
    times = begins({*warnings.blocks, *errors.blocks}) if usual else None
    if times is None:
        return holding(log.text, ("WARNING:", "ERROR:"))
    margin_ns = _margin(facts) * NS_PER_S // 1000
    tested = {block for block, at in times.items() if _reaches(at, testing, margin_ns)}
    ranged = {block for block, at in times.items() if _within(at, ranging)}
    accepted = {said for said in set(errors.said) if _accepted_while_ranging(said.strip(), facts)}
    said = enumerate(zip(errors.blocks, errors.said, strict=True))
    wanted = [place for place, (block, text) in said if block not in ranged or text not in accepted]
    inside = [place for place, block in enumerate(warnings.blocks) if block in tested]
    return sorted(warnings.lines(inside) + errors.lines(wanted))


def _reaches(begin: UnixNs, interval: Interval, margin_ns: int) -> bool:
    return interval[0] + margin_ns < begin + BLOCK_NS and begin < interval[1] - margin_ns


def _within(begin: UnixNs, interval: Interval) -> bool:
    return interval[0] < begin and begin + BLOCK_NS <= interval[1]


def _margin(facts: Mapping[str, Any]) -> int:
    """It is meant as milliseconds, and added as seconds."""
    return int(facts.get("ptd_warning_margin", facts["phase_time_tolerance_ms"]))


def _accepted_while_ranging(said: str, facts: Mapping[str, Any]) -> bool:
    accepted = said.startswith(tuple(facts["accepted_ranging_error_prefixes"]))
    return accepted and said not in facts["accepted_testing_errors"]


def judged(
    lines: Sequence[Numbered], ranging: Interval, testing: Interval, facts: Mapping[str, Any]
) -> Iterator[Event]:
    """The warnings and errors among some lines that count."""
    margin, times = _margin(facts), LogTimes()
    strict = facts.get("ptd_uncertainty_warning_is_error", True)
    for number, raw in lines:
        at, text = time_and_text(raw, times)
        word, said = _said(text)
        if not word:
            continue
        if at is None:
            yield Event(number, f"{word} without a time stamp: {said}", True, True)
        elif word == "WARNING":
            if _inside(at, testing, margin * NS_PER_S // 1000):
                uncertain = strict and _UNCERTAIN.search(said) is not None
                seen = _inside(at, testing, margin * NS_PER_S)
                yield Event(number, said, uncertain, uncertain, seen)
        elif said in facts["accepted_testing_errors"]:
            yield Event(number, said, False, False)
        elif not _inside(at, ranging, 0):
            yield Event(number, said, True, True)
        elif not said.startswith(tuple(facts["accepted_ranging_error_prefixes"])):
            yield Event(number, said, False, False)


def _said(text: str) -> tuple[str, str]:
    """``WARNING`` or ``ERROR`` and what follows; two empty texts for a line that is neither."""
    for begin, word in _BEGINNINGS:
        if text.startswith(begin):
            return word, text[len(begin) :].strip()
    match = _WORD.search(text)
    return (match[1], match[2].strip()) if match is not None else ("", "")


def _inside(at: int, interval: Interval, margin_ns: int) -> bool:
    return interval[0] + margin_ns < at < interval[1] - margin_ns


def official_outcome(found: Sequence[Event]) -> Event | None:
    """The event that fails the official power checker; None when it passes, or stops at a warning before."""
    first = next((e for e in found if e.looked_at), None)
    return first if first is not None and first.official_fails else None
