"""Clocks: planted offsets, drifts and steps must be found again, within the bound that is claimed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerd.boottime import boottime_ns
from powerd.clock import ClockModel, NoTie, Tie, boot_id, is_step, take_fix

S = 1_000_000_000
WANDER_NS = 1_000_000
"""What a clock may run off and come back unseen, five seconds from either tie."""


def test_a_fix_is_utc_at_an_instant() -> None:
    before = boottime_ns()
    fix = take_fix(boot_id())
    assert before <= fix.boottime_ns <= boottime_ns()
    offset = time.time_ns() - boottime_ns()
    assert abs((fix.utc_ns - fix.boottime_ns) - offset) < 50_000_000
    assert 0 < fix.u95_ns < 50_000_000


def test_interpolates_between_fixes() -> None:
    model = ClockModel([Tie(0, 100 * S, 10, 1), Tie(10 * S, 110 * S + 1000, 20, 2)])
    found = model.to_remote(5 * S)
    assert found.ns == 105 * S + 500
    assert found.ties == (1, 2)
    assert found.u95_ns == 20 + 1000 + WANDER_NS
    assert model.to_local(found.ns).ns == 5 * S


def test_beyond_the_ends_the_bound_grows_with_what_the_kernel_may_slew() -> None:
    model = ClockModel([Tie(0, 100 * S, 10), Tie(10 * S, 110 * S, 10)])
    assert model.to_remote(30 * S).ns == 130 * S
    assert model.to_remote(30 * S).u95_ns == 10 + 20 * 500_000
    assert model.to_remote(-4 * S).u95_ns == 10 + 4 * 500_000
    assert model.to_local(130 * S).ns == 30 * S


@pytest.mark.parametrize("by", [5 * S, -5 * S, 40_000_000])
def test_a_step_is_noticed_and_named_and_bounds_what_is_said_of_its_time(by: int) -> None:
    ties = [Tie(i * 2 * S, i * 2 * S + (by if i >= 3 else 0), 1000) for i in range(6)]
    model = ClockModel(ties)
    steps = model.steps(0, 10 * S)
    assert [(s.from_ns, s.to_ns, s.by_ns) for s in steps] == [(4 * S, 6 * S, by)]
    assert model.steps(0, 3 * S) == ()
    assert model.to_remote(5 * S).u95_ns >= abs(by)
    assert model.to_remote(3 * S).u95_ns == 1000 + WANDER_NS // 5


def test_an_instant_that_was_shown_twice_is_bounded_by_both_times() -> None:
    back = ClockModel([Tie(i * 2 * S, i * 2 * S - (5 * S if i >= 3 else 0), 1000) for i in range(6)])
    twice = back.to_local(3 * S)  # shown at 3 s and again at 8 s
    assert twice.ns == 3 * S
    assert twice.u95_ns >= 5 * S
    forward = ClockModel([Tie(i * 2 * S, i * 2 * S + (5 * S if i >= 3 else 0), 1000) for i in range(6)])
    assert (forward.to_local(14 * S).ns, forward.to_local(14 * S).u95_ns) == (9 * S, 1000 + WANDER_NS // 5)


def test_a_clock_that_was_slewed_there_and_back_between_two_ties_is_within_the_bound() -> None:
    """100 ppm for two seconds, then back: at both ties nothing is to be seen of it."""
    model = ClockModel([Tie(0, 0, 1000), Tie(4 * S, 4 * S, 1000)])
    found = model.to_local(2 * S + 200_000)
    assert abs(found.ns - 2 * S) <= found.u95_ns


def test_a_narrow_tie_a_moment_ago_says_more_than_a_wide_one_now() -> None:
    model = ClockModel([Tie(0, 100 * S, 1_000_000), Tie(3 * S, 103 * S, 40_000_000)])
    assert model.to_remote(4 * S).u95_ns == 1_000_000 + 4 * 500_000
    assert model.to_remote(2 * S).u95_ns == 1_000_000 + 2 * 500_000
    assert model.to_local(102 * S).u95_ns == 1_000_000 + 2 * 500_000
    assert model.to_remote(-1 * S).u95_ns == 1_000_000 + 500_000


def test_nothing_is_said_across_a_step_by_a_tie_before_it() -> None:
    model = ClockModel([Tie(0, 0, 1000), Tie(S, 6 * S, 40_000_000)])
    assert model.to_remote(2 * S).u95_ns == 40_000_000 + 500_000
    assert model.to_remote(S // 2).u95_ns >= 5 * S


def test_slewing_is_no_step() -> None:
    assert not is_step(Tie(0, 0, 1000), Tie(10 * S, 10 * S + 5_000_000, 1000))
    assert is_step(Tie(0, 0, 1000), Tie(10 * S, 10 * S + 7_100_000, 1000))


def test_drift_in_ppm() -> None:
    assert ClockModel([Tie(0, 0, 1), Tie(100 * S, 100 * S + 5_000_000, 1)]).drift_ppm() == pytest.approx(50)
    assert ClockModel([Tie(0, 0, 1), Tie(S // 2, S // 2, 1)]).drift_ppm() is None


def test_nothing_is_known_without_ties() -> None:
    with pytest.raises(NoTie):
        ClockModel([]).to_remote(0)
    with pytest.raises(NoTie):
        ClockModel([]).to_local(0)


@given(
    drift=st.floats(-450e-6, 450e-6),
    errors=st.lists(st.integers(-100_000, 100_000), min_size=2, max_size=8),
    share=st.floats(-0.5, 1.5),
)
def test_the_truth_lies_within_the_bound(drift: float, errors: list[int], share: float) -> None:
    """Ties at every second of a clock that drifts, each wrong by up to its half-width."""

    def truth(local: int) -> int:
        return 1000 * S + local + round(drift * local)

    ties = [Tie(i * S, truth(i * S) + error, 100_000) for i, error in enumerate(errors)]
    model = ClockModel(ties)
    at = round(share * (len(errors) - 1) * S)
    there = model.to_remote(at)
    assert abs(there.ns - truth(at)) <= there.u95_ns + 2
    back = model.to_local(truth(at))
    assert abs(back.ns - at) <= back.u95_ns * 1.001 + 2
