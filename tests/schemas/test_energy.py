"""Planted answers: loads whose energy is known in closed form, sampled as a meter samples them."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.energy import EnergySample, NoSamples, integrate, usual_interval_ns

S = 1_000_000_000
Load = Callable[[float, float], float]
"""Energy in joules between two instants in seconds."""


def square(low: float, high: float, period: float) -> Load:
    def until(t: float) -> float:
        whole, rest = divmod(t, period)
        return (
            whole * period * (low + high) / 2
            + low * min(rest, period / 2)
            + high * max(0.0, rest - period / 2)
        )

    return lambda a, b: until(b) - until(a)


def pulse(low: float, high: float, begin: float, end: float) -> Load:
    return lambda a, b: low * (b - a) + (high - low) * max(0.0, min(b, end) - max(a, begin))


def sampled(load: Load, interval: float, until: float, phase: float = 0.0) -> list[EnergySample]:
    """What a perfect meter reports: the mean of each interval, stamped at its end."""
    count = int((until - phase) / interval)
    edges = [phase + k * interval for k in range(count + 1)]
    return [EnergySample(round(b * S), load(a, b) / (b - a)) for a, b in itertools.pairwise(edges)]


def test_a_constant_load_is_exact_wherever_the_window_lies() -> None:
    result = integrate(sampled(lambda a, b: 100 * (b - a), 1.0, 20), round(3.25 * S), round(13.5 * S))
    assert result.energy_j == pytest.approx(1025.0, abs=1e-9)
    assert result.coverage == pytest.approx(1.0)
    assert result.max_gap_s == 1.0
    assert result.edge_limit_j == pytest.approx(0.0, abs=1e-9)
    assert result.bridged_j == 0.0


@pytest.mark.parametrize("interval", [0.1, 1.0])
@pytest.mark.parametrize("phase", [0.0, 0.03, 0.05, 0.071])
def test_a_load_that_steps_exactly_at_the_ends_is_exact(interval: float, phase: float) -> None:
    load = pulse(20, 180, 10.0, 40.0)
    result = integrate(sampled(load, interval, 60, phase), 10 * S, 40 * S)
    assert result.energy_j == pytest.approx(180 * 30, rel=1e-6)


@pytest.mark.parametrize("interval", [0.1, 0.25, 0.5, 1.0])
def test_what_the_edges_may_hide_is_within_their_u95(interval: float) -> None:
    """A load that swings within one interval is the worst case: 95 of 100 windows must hold the truth."""
    load, draw = square(20, 180, 0.7), random.Random(7)
    held = 0
    for _ in range(400):
        begin, length = 1 + 3 * draw.random(), 5 + 30 * draw.random()
        samples = sampled(load, interval, 45, draw.random())
        result = integrate(samples, round(begin * S), round((begin + length) * S))
        u95 = 1.96 * result.edge_limit_j / math.sqrt(3)
        held += abs(result.energy_j - load(begin, begin + length)) <= u95
    assert held >= 380


def test_a_gap_is_bridged_by_its_neighbours_and_named() -> None:
    samples = [s for s in sampled(lambda a, b: 50 * (b - a), 1.0, 30) if not 10 * S < s.end_ns <= 14 * S]
    result = integrate(samples, 5 * S, 25 * S)
    assert result.energy_j == pytest.approx(1000)
    # the first sample after the gap stands for 1.5 intervals at most
    assert result.bridged_j == pytest.approx(50 * 3.5)
    assert result.coverage == pytest.approx(16.5 / 20)
    assert result.max_gap_s == 5.0


def test_a_bad_sample_stands_for_nothing() -> None:
    samples = sampled(lambda a, b: 50 * (b - a), 1.0, 10)
    samples[4] = EnergySample(samples[4].end_ns, -37.0, good=False)
    result = integrate(samples, 1 * S, 9 * S)
    assert result.energy_j == pytest.approx(400)
    assert result.coverage == pytest.approx(7 / 8)
    assert result.min_w == 50


def test_zero_watts_is_a_good_sample() -> None:
    result = integrate([EnergySample(k * S, 0.0) for k in range(10)], 2 * S, 5 * S)
    assert (result.energy_j, result.coverage) == (0.0, 1.0)


def test_the_weights_say_what_each_sample_stands_for() -> None:
    result = integrate([EnergySample(k * S, 10.0) for k in range(1, 6)], round(1.5 * S), 4 * S)
    assert result.weights_ns == (0, S // 2, S, S, 0)


def test_nothing_good_in_the_window() -> None:
    with pytest.raises(NoSamples):
        integrate([EnergySample(k * S, 1.0) for k in range(3)], 10 * S, 11 * S)


def test_stamps_out_of_order_and_empty_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        integrate([EnergySample(2 * S, 1.0), EnergySample(S, 1.0)], 0, S, S)
    with pytest.raises(ValueError, match="not after"):
        integrate([EnergySample(S, 1.0)], S, S, S)


def test_the_usual_interval_is_the_median() -> None:
    assert usual_interval_ns([0, 10, 20, 20, 30, 90]) == 10
    with pytest.raises(ValueError, match="two samples"):
        usual_interval_ns([5, 5])


@given(
    st.lists(st.tuples(st.integers(1, 3 * S), st.floats(0, 1e4), st.booleans()), min_size=2, max_size=40),
    st.integers(0, 20 * S),
    st.integers(1, 40 * S),
)
def test_no_samples_break_it_and_the_parts_add_up(
    rows: list[tuple[int, float, bool]], begin: int, length: int
) -> None:
    at = 0
    samples = []
    for step, watts, good in rows:
        at += step
        samples.append(EnergySample(at, watts, good))
    try:
        result = integrate(samples, begin, begin + length)
    except NoSamples:
        return
    assert math.isclose(result.energy_j, result.measured_j + result.bridged_j, abs_tol=1e-6)
    assert 0 < result.coverage <= 1
    assert result.edge_limit_j >= 0
    assert result.gap_limit_j >= 0
    assert (result.bridged_j == 0) or result.coverage < 1


def test_what_the_doubt_about_a_stamp_explains_is_no_doubt_about_the_edge() -> None:
    """A load that steps at the ends, under stamps that are 40 ms late: that is for the term of the stamps."""
    late = 40 * S // 1000
    rows = [(k * S + S // 2 + late, 160.0 if k < 20 else 92.0 if k == 20 else 24.0) for k in range(1, 40)]
    certain = integrate([EnergySample(at, w) for at, w in rows], 5 * S, 20 * S)
    doubtful = integrate([EnergySample(at, w, True, late) for at, w in rows], 5 * S, 20 * S)
    assert certain.edge_limit_j > 2.0
    assert doubtful.edge_limit_j == pytest.approx(0.0, abs=0.01)
    assert doubtful.energy_j == certain.energy_j
