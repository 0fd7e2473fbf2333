"""The follower against a meter whose clock drifts and a host that is late."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerd.stamping import UpdateFollower

MS = 1_000_000


def run(interval_ns: int, ppm: float, noise_ns: list[int], skip: set[int]):
    """Follow answers to every update not in ``skip``; returns (true end, update) of each."""
    follower = UpdateFollower(interval_ns, byte_time_ns=0, delay_ns=0, delay_u95_ns=0)
    true_interval = interval_ns * (1 + ppm * 1e-6)
    found, asked = [], 0
    for k, noise in enumerate(noise_ns):
        end = 10_000_000_000 + round(k * true_interval)
        if k in skip:
            asked = end + interval_ns // 10
            continue
        first = end + noise
        found.append((end, follower.follow(max(asked, end - interval_ns // 2), first)))
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([100 * MS, 250 * MS, 1000 * MS]),
    st.floats(-100, 100),
    st.lists(st.integers(0, 20 * MS), min_size=80, max_size=200),
    st.sets(st.integers(1, 79), max_size=6),
)
def test_stamps_follow_the_lower_envelope(interval, ppm, noise, skip):
    noise = [0 if k % 10 == 0 else n for k, n in enumerate(noise)]
    found = run(interval, ppm, noise, skip)
    ends = [u.end_ns for _, u in found]
    assert all(b > a for a, b in itertools.pairwise(ends))
    # From the first prompt answer on, the error is what two clocks can drift apart between prompt answers.
    for true_end, update in found[20:]:
        assert abs(update.end_ns - true_end) <= 300e-6 * 30 * interval + 1000
        assert abs(update.end_ns - true_end) <= update.u95_ns + 300e-6 * 30 * interval
    everything = sorted(e for _, u in found for e in (*u.missed_ends_ns, u.end_ns))
    assert len(everything) == len(noise)
    assert all(abs(b - a - interval) <= 21 * MS for a, b in itertools.pairwise(everything))


def test_a_late_reader_does_not_shift_the_answer():
    follower = UpdateFollower(100 * MS, 0, 0, 0)
    follower.follow(0, 1000 * MS)
    late = follower.follow(1005 * MS, 1100 * MS + 140 * MS)
    assert abs(late.end_ns - 1100 * MS) < MS
    assert late.missed_ends_ns == ()
    assert late.u95_ns >= 100 * MS
    following = follower.follow(1250 * MS, 1252 * MS)
    assert abs(following.end_ns - 1200 * MS) < MS


def test_a_lost_update_is_named():
    follower = UpdateFollower(100 * MS, 0, 0, 0)
    follower.follow(0, 1000 * MS)
    update = follower.follow(1210 * MS, 1300 * MS)
    assert round(update.end_ns / MS) == 1300
    assert [round(e / MS) for e in update.missed_ends_ns] == [1100, 1200]


def test_byte_time_and_delay_are_taken_off():
    follower = UpdateFollower(1000 * MS, byte_time_ns=MS, delay_ns=15 * MS, delay_u95_ns=4 * MS)
    update = follower.follow(0, 5016 * MS)
    assert update.end_ns == 5000 * MS
    assert update.u95_ns == 500 * MS + 5 * MS + 200_000
    assert follower.follow(5500 * MS, 6016 * MS).u95_ns == 5 * MS + 200_000


def test_an_unreadable_answer_gets_the_latest_update():
    follower = UpdateFollower(100 * MS, 0, 0, 0)
    follower.follow(0, 1000 * MS)
    assert follower.latest_before(1105 * MS).end_ns == 1100 * MS
    far = follower.latest_before(1405 * MS)
    assert far.end_ns == 1400 * MS
    assert far.missed_ends_ns == (1200 * MS, 1300 * MS)


def test_a_grid_that_moved_is_found_again():
    follower = UpdateFollower(100 * MS, 0, 0, 0)
    for k in range(1, 20):
        follower.follow(k * 100 * MS - 50 * MS, k * 100 * MS)
    doubtful = []
    for k in range(20, 80):
        update = follower.follow(k * 100 * MS - 20 * MS, k * 100 * MS + 40 * MS)
        doubtful.append(update.u95_ns)
    assert abs(update.end_ns - (79 * 100 + 40) * MS) < MS
    assert max(doubtful) >= 40 * MS


def test_after_a_new_setting_the_next_answer_is_believed():
    follower = UpdateFollower(100 * MS, 0, 0, 0)
    follower.follow(0, 1000 * MS)
    follower.reacquire()
    update = follower.follow(1300 * MS, 1345 * MS)
    assert update.end_ns == 1345 * MS
    assert update.u95_ns >= 50 * MS
    assert update.missed_ends_ns == (1145 * MS, 1245 * MS)


def test_no_interval_is_an_error():
    with pytest.raises(ValueError, match="none"):
        UpdateFollower(0, 0, 0, 0)
