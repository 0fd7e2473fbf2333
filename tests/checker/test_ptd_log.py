"""The daemon's log looked through in columns says what looking at line after line says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from checker import ptd_log
from schemas.rounds import load_round
from schemas.units import NS_PER_S, UnixNs, format_log_time, parse_log_time

BOTH = "Can't evaluate uncertainty of this sample! USB."
"""Accepted while testing, and begins as what is accepted while ranging."""
FACTS: dict[str, Any] = load_round("v4.1").facts["power"] | {
    "ptd_warning_margin": 2000,
    "accepted_testing_errors": ["USB.", BOTH],
}
BEGIN = parse_log_time("12-31-2024 23:59:20.000")
RANGING = BEGIN, UnixNs(BEGIN + 60 * NS_PER_S)
TESTING = UnixNs(BEGIN + 80 * NS_PER_S), UnixNs(BEGIN + 5000 * NS_PER_S)
ACCEPTED = "ERROR: Can't evaluate uncertainty of this sample!"
UNCERTAIN = "WARNING: Uncertainty 1.52%, which is above 1.00% limit for the last sample!"
UNKNOWN = "WARNING: Uncertainty unknown for the last measurement sample!"
BAD = "ERROR: Bad watts reading 99.0 from Yokogawa"
FLAWS = (
    ACCEPTED, UNCERTAIN, UNKNOWN, BAD, f"ERROR: {BOTH}", "ERROR: USB.", "WARNING:", "ERROR:", "WARNING",
    "Completed test", "Time,1.0,Watts",
)  # fmt: skip
ODD_FLAWS = (
    "WARNING: a WARNING: Uncertainty 1.0%",
    "WARNING: and ERROR: both",
    "note, WARNING: x",
    "ERROR: a\x85b",
)
ODD_STAMPS = (
    "",
    "02-30-2024 00:00:00.000",
    "\u06601-01-2025 00:00:00.000",
    "01-01-2025 00:00:70.000",
    "WARNING: ",
)
SPOILT = (
    lambda stamp: stamp[1:],
    lambda stamp: f"{stamp}1",
    lambda stamp: f"x{stamp}",
    lambda stamp: f"{stamp[:-1]}x",
)


def at(seconds: float) -> str:
    return format_log_time(UnixNs(BEGIN + round(seconds * NS_PER_S)))


def line_by_line(text: str) -> list[ptd_log.Event]:
    lines = list(enumerate(text.splitlines(), 1))
    return list(ptd_log.judged(lines, RANGING, TESTING, FACTS))


def in_columns(text: str) -> list[ptd_log.Event]:
    return list(ptd_log.events(ptd_log.Log(text), RANGING, TESTING, FACTS))


def rows(*, hostile: bool) -> st.SearchStrategy[str]:
    edges = [0.0, 0.001, 9.999, 10.0, 59.999, 60.0, 80.0, 82.0, 82.001, 4997.999, 4998.0, 4999.0]
    stamps = st.one_of(st.sampled_from(edges), st.floats(-99, 5100)).map(at)
    flaws, between = st.sampled_from(FLAWS), st.just(": ")
    if hostile:
        spoilt = st.tuples(stamps, st.sampled_from(SPOILT)).map(lambda both: both[1](both[0]))
        stamps = st.one_of(stamps, st.sampled_from(ODD_STAMPS), spoilt)
        flaws = st.one_of(flaws, st.sampled_from(ODD_FLAWS), st.text(max_size=5))
        between = st.sampled_from([": ", ":", "", " "])
    return st.tuples(stamps, between, flaws).map("".join)


def texts(*, hostile: bool) -> st.SearchStrategy[str]:
    ends = st.sampled_from(["\n", "\r\n", "\u2028", "\x1c", "\n\n"]) if hostile else st.just("\n")
    begin = "" if hostile else "SPEC PTDaemon Tool\n"
    return st.lists(st.tuples(rows(hostile=hostile), ends).map("".join), max_size=40).map(
        lambda lines: begin + "".join(lines)
    )


@settings(deadline=None)
@given(text=texts(hostile=False))
def test_an_ordinary_log(text: str) -> None:
    log = ptd_log.Log(text)
    assert log.warnings.usual
    assert log.errors.usual
    assert in_columns(text) == line_by_line(text)


@settings(deadline=None)
@given(text=texts(hostile=True))
@example(text=f"\n{at(90)}: WARNING: x\x85{at(91)}: ERROR: y")
@example(text=f"\n{at(90)}: WARNING: and ERROR: both")
@example(text=f"{at(90)}: {UNCERTAIN}")
def test_a_hostile_log(text: str) -> None:
    assert in_columns(text) == line_by_line(text)


@settings(deadline=None)
@given(before=texts(hostile=False), odd=rows(hostile=True), after=texts(hostile=False))
@example(before="", odd=f"note {at(90)}: {UNCERTAIN}", after="")
@example(before="\n", odd=f"{at(90)[:-1]}x: {UNCERTAIN}", after="")
def test_one_odd_line(before: str, odd: str, after: str) -> None:
    text = f"{before}{odd}\n{after}"
    assert in_columns(text) == line_by_line(text)


@pytest.mark.parametrize("prefix", ["", "SPEC PTDaemon Tool\n"])
def test_only_what_counts_is_told_with_its_line(prefix: str) -> None:
    said = [
        (5, ACCEPTED),
        (6, UNKNOWN),
        (59.9, ACCEPTED),
        (61, ACCEPTED),
        (81, UNKNOWN),
        (82.5, UNCERTAIN),
        (99, BAD),
    ]
    text = prefix + "".join(f"{at(seconds)}: {flaw}\n{at(seconds)}: Time\n" for seconds, flaw in said)
    first = 1 + bool(prefix)
    assert [(e.line, e.text, e.fails) for e in in_columns(text)] == [
        (first + 6, ACCEPTED[7:], True),
        (first + 10, UNCERTAIN[9:], True),
        (first + 12, BAD[7:], True),
    ]


def test_a_clock_that_steps_back_hides_nothing() -> None:
    text = "\n" + "".join(f"{at(seconds)}: {ACCEPTED}\n" for seconds in (20, 70, 30))
    assert [e.line for e in in_columns(text)] == [3]


NUMBER = re.compile(r" Uncertainty (\d+\.\d+)%")


@settings(deadline=None)
@given(text=st.one_of(texts(hostile=False), texts(hostile=True)))
def test_numbers_that_warnings_print(text: str) -> None:
    wanted = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"([0-9: .-]{23}): WARNING: Uncertainty (\d+\.\d+)%", line)
        try:
            if match is not None and match[1] == match[1].strip():
                wanted.append((number, parse_log_time(match[1]), match[2]))
        except ValueError:
            continue
    found = ptd_log.Log(text).warned(NUMBER)
    assert [(number, time_ns, match[1]) for number, time_ns, match in found] == wanted


GO, ACTIVE = "Go with mark 's_ranging'", "Uncertainty checking for YokogawaWT310E is activated"


@pytest.mark.parametrize(("lines", "wanted"), [
    ([(1, ACTIVE), (2, GO), (9, "Completed test")], (2, 9)),
    ([(0, "Completed test"), (1, ACTIVE), (2, f"{GO} again"), (3, GO), (4, GO), (9, "Completed test x"),
      (10, "Completed test")], (3, 9)),
    ([(1, ACTIVE), (2, "Go with mark 'x_ranging'"), (9, "Completed test")], "no start"),
    ([(1, ACTIVE), (2, GO), (9, "Not Completed test")], "no end"),
    ([(2, GO), (3, ACTIVE), (9, "Completed test")], "not activated"),
    ([(1, "Uncertainty checking is off"), (2, GO), (9, "Completed test")], "not activated"),
])  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028"])
def test_begin_and_end_of_ranging(lines: list[tuple[int, str]], wanted: object, end: str) -> None:
    log = ptd_log.Log("".join(f"{at(seconds)}: {said}{end}" for seconds, said in lines))
    if isinstance(wanted, str):
        with pytest.raises(ptd_log.NoRanging, match=wanted):
            ptd_log.ranging_interval(log, "s")
    else:
        assert ptd_log.ranging_interval(log, "s") == tuple(BEGIN + seconds * NS_PER_S for seconds in wanted)  # type: ignore[attr-defined]


@pytest.mark.parametrize("stampless", [GO, "Completed test", ACTIVE])
def test_a_mark_without_a_time_shows_nothing(stampless: str) -> None:
    said = [
        f": {x}" if x == stampless else f"{at(i)}: {x}" for i, x in enumerate((ACTIVE, GO, "Completed test"))
    ]
    with pytest.raises(ptd_log.NoRanging):
        ptd_log.ranging_interval(ptd_log.Log("\n".join(said)), "s")


def test_a_session_with_a_line_end_in_its_name_has_no_mark() -> None:
    log = ptd_log.Log(f"{at(1)}: {ACTIVE}\n{at(2)}: Go with mark 'a\nb_ranging'\n")
    with pytest.raises(ptd_log.NoRanging, match="no start"):
        ptd_log.ranging_interval(log, "a\nb")
