"""What a window says beside its energy, by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from schemas.energy import EnergyResult, EnergySample, integrate
from schemas.measured import Quality, Reading
from schemas.metrology import series
from schemas.statements import mains, mains_notes, net_of_idle, official, one_percent, samples_above
from tests.powerd.made import S, reading

SPEC = series("yokogawa-wt300")["WT310E"]


def integrated(readings: list[Reading], begin_s: float, end_s: float) -> EnergyResult:
    samples = [
        EnergySample(r.end_ns, r.values.power_w or 0.0, r.values.quality is Quality.GOOD) for r in readings
    ]
    return integrate(samples, round(begin_s * S), round(end_s * S), S)


def test_the_official_mean_counts_each_sample_in_the_window_alike() -> None:
    rows = [reading(i, 10.0 * i) for i in range(1, 10)]
    rows[4] = reading(5, None, Quality.NODATA)
    found = official(rows, [r.end_ns for r in rows], round(2.5 * S), round(6.5 * S))
    assert found == {
        "average_w": pytest.approx((30 + 40 + 60) / 3),
        "energy_j": pytest.approx(130 / 3 * 4),
        "samples": 3,
    }
    assert official(rows, [r.end_ns for r in rows], 20 * S, 30 * S) is None


def judged(rows: list[Reading], u95_j: float) -> dict[str, Any]:
    """The 1 % rule from 2 to 12 s."""
    result = integrated(rows, 2, 12)
    return one_percent(samples_above([(r,) for r in rows], result, SPEC), result.energy_j, u95_j)


@pytest.mark.parametrize(
    ("share", "statement"),
    [
        (0.005, "met"),
        (0.0098, "met"),
        (0.00995, "undecided"),
        (0.01005, "undecided"),
        (0.0103, "not-met"),
        (2, "not-met"),
    ],
)
def test_the_one_percent_rule_with_its_guard_band(share: float, statement: str) -> None:
    """At 1 % the guard band is 0.0101 %: what 1 % of the reading at its lower end is more than 1 %."""
    rows = [reading(i) for i in range(15)]
    found = judged(rows, share * 1000)
    assert found["statement"] == statement
    if share < 1:
        assert found["u95_share"] == pytest.approx(share)
        assert found["guard_share"] == pytest.approx(share**2 / (1 - share))
    assert found["samples_above"] == 0


def test_samples_whose_limits_add_up_to_more_than_one_percent_are_counted() -> None:
    """0.05 % of 300 V times 1 A are 150 mW: more than 0.9 % below 16.7 W."""
    rows = [reading(i, 10.0 if i in (4, 5) else 100.0) for i in range(15)]
    assert judged(rows, 1.0)["samples_above"] == 2


def test_nothing_is_divided_by_no_energy() -> None:
    rows = [reading(i, 0.0) for i in range(15)]
    found = judged(rows, 1.0)
    assert (found["statement"], found["u95_share"]) == ("not-met", None)


def at_mains(volts: float, hertz: float | None) -> Reading:
    row = reading(1)
    return replace(row, values=replace(row.values, voltage_v=volts, frequency_hz=hertz))


@pytest.mark.parametrize(
    ("volts", "hertz", "notes"),
    [
        ((230.0,), 50.0, []),
        ((120.0, 118.0), 60.0, []),
        ((243.0, 230.0), 50.0, []),
        ((150.0,), 50.0, ["line-voltage"]),
        ((230.0,), 51.0, ["line-frequency"]),
        ((100.0, 130.0), 60.0, ["line-voltage"]),
        ((230.0,), None, []),
    ],
)
def test_mains_that_are_not_as_spec_wants_them(
    volts: tuple[float, ...], hertz: float | None, notes: list[str]
) -> None:
    found = mains([at_mains(v, hertz) for v in volts])
    assert [n.split(":")[0] for n in mains_notes(found)] == notes


def test_without_a_voltage_there_is_nothing_to_say() -> None:
    assert mains([at_mains(math.nan, 50.0), reading(2, None, Quality.GARBLED)]) is None
    assert mains_notes(None) == []


def test_net_of_idle() -> None:
    idle = {"window": "i", "sha256": "0" * 64, "average_w": 20.0, "average_u95_w": 0.3}
    found = net_of_idle(idle, 1000.0, 4.0, 10.0)
    assert found is not None
    assert (found["net_j"], found["net_u95_j"]) == (pytest.approx(800), pytest.approx(5))
    assert net_of_idle(None, 1000.0, 4.0, 10.0) is None
