"""The load that keeps a latency limit: against a simulated queue, and at its ends."""

from __future__ import annotations

import random

import pytest

from harness.offered_load import offered_load, utilisation
from harness.results import Calibration
from harness.scenarios import BY_NAME
from schemas.errors import Failed


def p99_ms(rate: float, call_ms: float, queries: int = 40_000) -> float:
    """99th percentile of a queue with random arrivals and one call at a time."""
    draw = random.Random(5)
    now = free = 0.0
    latencies = []
    for _ in range(queries):
        now += draw.expovariate(rate / 1e3)
        free = max(free, now) + call_ms
        latencies.append(free - now)
    return sorted(latencies)[int(0.99 * queries)]


@pytest.mark.parametrize("call_ms", [0.5, 2.0, 4.0, 7.0])
def test_load_keeps_the_limit_in_a_simulated_queue(call_ms: float) -> None:
    rate = offered_load([(1, call_ms)], 15.0)
    assert p99_ms(rate, call_ms) <= 15.0
    assert p99_ms(min(2.0 * rate, 0.999e3 / call_ms), call_ms) > 15.0 or rate > 900 / call_ms


def test_larger_batches_count_only_while_they_keep_the_limit() -> None:
    assert offered_load([(1, 2.0), (8, 4.0)], 15.0) > 2 * offered_load([(1, 2.0)], 15.0)
    assert offered_load([(1, 2.0), (64, 15.5)], 15.0) == offered_load([(1, 2.0)], 15.0)


def test_too_slow_is_refused_with_both_figures() -> None:
    with pytest.raises(Failed, match="takes 40 ms, and Server allows 15 ms"):
        offered_load([(1, 40.0), (2, 60.0)], 15.0)
    assert utilisation(15.0, 15.0) == 0.0
    assert utilisation(0.001, 15.0) > 0.99


def test_expectation_keeps_a_margin() -> None:
    measured = Calibration(2.0, 900.0, 100, 2.0, 900.0, ((1, 2.0), (4, 4.0)))
    found = BY_NAME["Server"].expectation(measured, 15.0).target_qps
    assert found == pytest.approx(0.8 * offered_load(measured.batches, 15.0))
