"""Samples in columns answer as a list of them would."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.power_samples import NOT_AVAILABLE, PowerLine, PowerSamples, is_between
from schemas.units import UnixNs

WATTS = st.floats(0, 500) | st.floats() | st.sampled_from([-37.0, NOT_AVAILABLE, 1.7e308])
LINES = st.builds(
    PowerLine,
    st.integers(1, 99),
    st.integers(0, 30).map(UnixNs),
    WATTS,
    st.just(230.0),
    WATTS,
    st.just(0.5),
    st.sampled_from(["a", "b"]),
)
LISTS = st.lists(LINES, max_size=12)


@given(LISTS, st.slices(12))
def test_it_is_the_sequence_of_its_lines(lines: list[PowerLine], some: slice) -> None:
    samples = PowerSamples.of(lines)
    assert (len(samples), repr(list(samples)), bool(samples)) == (len(lines), repr(lines), bool(lines))
    assert repr(list(samples[some])) == repr(lines[some])
    assert [samples[at] is not None for at in range(-len(lines), len(lines))] == [True] * 2 * len(lines)
    with pytest.raises(IndexError):
        samples[len(lines)]


@given(LISTS, st.booleans(), st.integers(-2, 32), st.integers(-2, 32))
def test_the_samples_between_two_times(lines: list[PowerLine], rising: bool, begin: int, end: int) -> None:
    if rising:
        lines = list({line.at: line for line in sorted(lines, key=lambda line: line.at)}.values())
    samples = PowerSamples.of(lines)
    found = samples.picked(samples.between(begin, end))
    assert repr(list(found)) == repr([line for line in lines if begin < line.at < end])
    assert samples.rising == all(a.at < b.at for a, b in itertools.pairwise(lines))


@given(LISTS)
def test_plain_is_said_of_all(lines: list[PowerLine]) -> None:
    assert PowerSamples.of(lines).plain == all(line.plain for line in lines)


def test_other_stamps_leave_the_log_as_it_is() -> None:
    line = PowerLine(1, UnixNs(5), 1.0, 230.0, 0.1, 0.5, "a")
    samples = PowerSamples.of([line])
    assert samples.later(0) is samples
    assert ([s.at for s in samples.later(7)], samples[0]) == ([12], line)


@given(
    st.lists(WATTS),
    st.sampled_from([0.0, math.ulp(0.0), -NOT_AVAILABLE]),
    st.sampled_from([NOT_AVAILABLE, math.inf]),
)
def test_bounds_hold_for_every_number(column: list[float], least: float, below: float) -> None:
    assert is_between(column, least, below) == all(least <= value < below for value in column)
