"""The energy so far equals the energy of the whole, however many samples were folded."""

from __future__ import annotations

import pytest

from powerd.model import Quality
from powerd.running import FOLD, RunningEnergy
from tests.powerd.made import S, reading


@pytest.mark.parametrize("seconds", [1, 20, FOLD - 1, FOLD, FOLD + 1, 3 * FOLD + 17])
def test_a_changing_load_second_by_second(seconds: int) -> None:
    running = RunningEnergy(5 * S)
    for i in range(1, 6 + seconds):
        running.add(reading(i, float(i % 7)))
    found = running.so_far()
    assert found is not None
    assert found.energy_j == pytest.approx(sum(i % 7 for i in range(6, 6 + seconds)))
    assert (found.coverage, found.seconds) == (1.0, seconds)


def test_losses_lower_the_coverage_and_are_bridged() -> None:
    running = RunningEnergy(
        0,
        (
            reading(i, 100.0 if i % 10 else None, Quality.GOOD if i % 10 else Quality.NODATA)
            for i in range(1, 1001)
        ),
    )
    found = running.so_far()
    assert found is not None
    assert found.energy_j == pytest.approx(100_000, rel=1e-3)
    assert 0.89 < found.coverage < 0.91


def test_nothing_before_the_first_sample() -> None:
    assert RunningEnergy(S).so_far() is None
    assert RunningEnergy(S, [reading(0.5)]).so_far() is None
