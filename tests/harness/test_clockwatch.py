"""Steps and slews of the wall clock, on made-up looks."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.clockwatch import ClockWatch, Look, evidence, objection, step_ns

S = 1_000_000_000


def at(seconds: float, *, gained_ns: int = 0, asleep_ns: int = 0, width_ns: int = 100) -> Look:
    raw = int(seconds * S)
    return Look(1_795_000_000 * S + raw + gained_ns, raw, raw, raw + asleep_ns, width_ns)


def watch(looks: list[Look]) -> str | None:
    largest = max(step_ns(a, b) for a, b in itertools.pairwise(looks))
    return objection(evidence(looks[0], looks[-1], largest, len(looks)))


def test_quiet_clock_is_fine() -> None:
    assert watch([at(t) for t in range(600)]) is None


@pytest.mark.parametrize("step_ms", [5000, -5000, 1.3, -1.3])
def test_step_voids_a_run_even_when_it_is_taken_back(step_ms: float) -> None:
    gained = int(step_ms * 1e6)
    looks = [at(0), at(0.2), at(0.4, gained_ns=gained), at(0.6), at(600)]
    assert "stepped" in str(watch(looks))


def test_slew_of_ntp_is_fine_but_not_a_faster_one() -> None:
    assert watch([at(t, gained_ns=int(t * 400e3)) for t in range(60)]) is None
    assert "ppm" in str(watch([at(t / 5, gained_ns=int(t / 5 * 900e3)) for t in range(300)]))


def test_suspend_voids_a_run() -> None:
    assert "suspended" in str(watch([at(0), at(1), at(2, asleep_ns=3 * S)]))


@given(st.integers(-400, 400), st.integers(0, 2_000_000))
def test_a_slow_look_is_no_step(ppm: int, width_ns: int) -> None:
    """When the process was put aside inside a look, the width of the look explains the difference."""
    late = at(0.2, gained_ns=int(0.2 * ppm * 1000) + width_ns // 2, width_ns=width_ns)
    assert step_ns(at(0), late) == 0


def test_real_clocks_of_this_machine() -> None:
    with ClockWatch(interval_s=0.02) as watching:
        time.sleep(0.2)
    found = watching.evidence()
    assert objection(found) is None
    assert found.looks > 4
    assert found.elapsed_raw_ns == pytest.approx(0.2 * S, rel=0.5)
