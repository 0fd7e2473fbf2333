"""Poll timing against meters whose updates lie where the follower does not know."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerd import drivers
from powerd.following import PushFollower, follower_for
from powerd.model import TimingMode
from powerd.polling import PollFollower, PollTiming
from powerd.stamping import UpdateFollower

MS = 1_000_000
S = 1000 * MS


def follow(
    interval_ns: int,
    true_interval_ns: float,
    phase_ns: int,
    values: list[int],
    *,
    tolerance: float,
    seed: int,
    late_ns: int = 10 * MS,
    shortest_ns: int = 0,
):
    """Poll a meter whose update k ends at phase + k true intervals; (true end and number of what was held, update)."""
    chance = random.Random(seed)
    follower = PollFollower(interval_ns, 0, 0, 0, PollTiming(tolerance, shortest_ns))
    now, found, last = phase_ns + interval_ns, [], phase_ns + round((len(values) - 1) * true_interval_ns)
    while True:
        now = max(now, follower.next_ask_ns) + chance.randint(0, 2 * MS)
        taken = now + chance.randint(0, late_ns)
        k = int((taken - phase_ns) // true_interval_ns)
        if taken >= last:
            return found
        first_byte = taken + chance.randint(0, late_ns)
        update = follower.follow(now, first_byte, values[k])
        if update is not None:
            found.append((k, phase_ns + round(k * true_interval_ns), update))
        now = first_byte


CHANGING = st.lists(st.integers(0, 3), min_size=60, max_size=120)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([200 * MS, 500 * MS, S]),
    st.floats(-1, 1),
    st.floats(0, 1),
    CHANGING,
    st.sampled_from([200e-6, 0.05]),
    st.integers(0, 1 << 16),
)
def test_the_phase_is_found_and_repeats_are_dropped(interval, off, phase, values, tolerance, seed):
    true_interval = interval * (1 + off * tolerance / 2)
    found = follow(interval, true_interval, round(phase * interval), values, tolerance=tolerance, seed=seed)
    numbers = [k for k, _, _ in found]
    ends = [u.end_ns for _, _, u in found]
    assert ends == sorted(set(ends))
    # Nothing that differs from what was handed on before goes unseen, but for what was there at the start.
    handed = set(numbers)
    new = {k for k in range(3, len(values) - 2) if values[k] != values[k - 1]}
    assert new <= handed
    # Never more updates than there were.
    assert len(found) <= len(values) + 1
    for k, true_end, update in found:
        if values[k] == values[k - 1]:
            continue  # for equal values the instant means nothing
        assert abs(update.end_ns - true_end) <= update.u95_ns + MS


@pytest.mark.parametrize("phase", [0, 130, 470, 990])
def test_the_doubt_shrinks_below_the_time_between_polls(phase):
    values = list(range(200))
    found = follow(S, S * 1.00005, phase * MS, values, tolerance=200e-6, seed=phase, late_ns=5 * MS)
    polls_ns = S / 4.382
    late = [u.u95_ns for _, _, u in found[40:]]
    assert max(late) < polls_ns / 4
    assert [k for k, _, _ in found] == list(range(found[0][0], found[-1][0] + 1))
    assert all(not u.missed_ends_ns for _, _, u in found)


@pytest.mark.parametrize("share", [0.92, 1.0, 1.07])
def test_an_interval_that_is_about_a_second_is_learned(share):
    values = list(range(200))
    found = follow(S, S * share, 330 * MS, values, tolerance=0.1, seed=3, late_ns=5 * MS)
    late = found[60:]
    assert max(u.u95_ns for _, _, u in late) < S / 4.382 / 3
    assert all(abs(u.end_ns - end) <= u.u95_ns + MS for _, end, u in late)
    assert [k for k, _, _ in late] == list(range(late[0][0], late[-1][0] + 1))


def test_a_flat_load_is_read_once_per_update():
    found = follow(S, S, 300 * MS, [5] * 100, tolerance=200e-6, seed=1)
    assert 75 <= len(found) <= 101
    assert all(u.u95_ns <= 0.8 * S for _, _, u in found)


def test_updates_that_nobody_asked_for_are_missed_by_name():
    follower = PollFollower(S, 0, 0, 0)
    follower.follow(0, 10 * MS, 1)
    follower.follow(230 * MS, 240 * MS, 2)
    update = follower.follow(3300 * MS, 3310 * MS, 3)
    assert update is not None
    assert len(update.missed_ends_ns) == 2


def test_updates_that_moved_are_found_again():
    follower = PollFollower(S, 0, 0, 0)
    asked, ends = 0, []
    for at in range(0, 40_000, 228):
        shift = 400 if at > 20_000 else 0
        update = follower.follow(at * MS, (at + 1) * MS, (at - shift) // 1000)
        if update is not None:
            ends.append(update)
        asked = at
    assert asked > 20_000
    for update in ends[-10:]:
        off = (update.end_ns / MS - 400) % 1000
        assert min(off, 1000 - off) <= update.u95_ns / MS


def test_a_meter_that_needs_time_is_asked_less_often():
    follower = PollFollower(S, 0, 0, 0, PollTiming(shortest_ns=450 * MS))
    assert follower.next_ask_ns == 0
    follower.follow(1000 * MS, 1010 * MS, 1)
    assert follower.next_ask_ns == 1450 * MS


def test_an_answer_that_cannot_be_read_costs_nothing():
    assert PollFollower(S, 0, 0, 0).latest_before(5 * S) is None


def test_no_interval_is_an_error():
    with pytest.raises(ValueError, match="none"):
        PollFollower(0, 0, 0, 0)


def pushed() -> PushFollower:
    return PushFollower(UpdateFollower(S, 0, 0, 0))


def test_noise_between_two_pushes_is_no_update():
    follower = pushed()
    follower.follow(0, 10 * S)
    assert follower.latest_before(10 * S + 200 * MS) is None
    late = follower.latest_before(11 * S + 10 * MS)
    assert late is not None
    assert late.end_ns == 11 * S
    assert follower.latest_before(11 * S + 300 * MS) is None
    after = follower.follow(11 * S + 400 * MS, 12 * S)
    assert after is not None
    assert (after.end_ns, after.missed_ends_ns) == (12 * S, ())


def test_a_lost_push_is_named():
    follower = pushed()
    follower.follow(0, 10 * S)
    update = follower.follow(10 * S + MS, 12 * S)
    assert update is not None
    assert (update.end_ns, update.missed_ends_ns) == (12 * S, (11 * S,))


def test_the_follower_is_that_of_the_drivers_timing():
    kinds = {TimingMode.WAIT: UpdateFollower, TimingMode.POLL: PollFollower, TimingMode.PUSH: PushFollower}
    for driver in map(drivers.find, drivers.names()):
        assert isinstance(follower_for(driver, S, 0), kinds[driver.timing])
