"""Every term of the budget, recomputed by hand."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerd.model import Quality, Reading
from schemas.budget import BudgetTerm, ClockBounds, budget, normal, rectangular, u95
from schemas.energy import EnergyResult, EnergySample, integrate
from schemas.metrology import series
from tests.powerd.made import S, reading

SPEC = series("yokogawa-wt300")["WT310E"]


def run(
    readings: list[Reading], begin_s: float, end_s: float, clock: ClockBounds | None = None
) -> tuple[EnergyResult, dict[str, BudgetTerm]]:
    samples = [
        EnergySample(r.end_ns, r.values.power_w or 0.0, r.values.quality is Quality.GOOD) for r in readings
    ]
    result = integrate(samples, round(begin_s * S), round(end_s * S), S)
    terms = budget(readings, result, SPEC, clock or ClockBounds(0.0, 0.0))
    assert len({t.term for t in terms}) == len(terms)
    return result, {t.term: t for t in terms}


def test_ten_seconds_of_a_hundred_watts_by_hand() -> None:
    """IM WT310E-02: 0.1 % of reading, 0.05 % of range; 300 V and 1 A; ten seconds; whole samples."""
    result, terms = run([reading(i) for i in range(15)], 2, 12)
    assert result.energy_j == pytest.approx(1000)
    assert terms["specification/reading"].value == pytest.approx(0.001 * 100 * 10)
    assert terms["specification/range"].value == pytest.approx(0.0005 * 300 * 10)
    assert terms["specification/power-factor"].value == 0
    heating = (1e-9 * 230**2 + 1.3e-6 * (100 / 230) ** 2) * 100 * 10
    assert terms["specification/self-heating"].value == pytest.approx(heating)
    assert "specification/fast-update" not in terms
    for term in terms.values():
        assert term.u == pytest.approx(term.value / (math.sqrt(3) if term.kind == "rectangular" else 1.96))
    by_hand = 1.96 * math.sqrt((1.0**2 + 1.5**2 + heating**2) / 3)
    assert u95(list(terms.values())) == pytest.approx(by_hand)


@settings(deadline=None)
@given(st.integers(2, 200))
def test_the_share_of_the_specification_never_falls_with_the_number_of_samples(count: int) -> None:
    _, short = run([reading(i) for i in range(4)], 1, 2)
    _, long = run([reading(i) for i in range(count + 3)], 1, count + 1)
    for name in ("specification/reading", "specification/range"):
        assert long[name].value / count == pytest.approx(short[name].value)


def test_bridged_time_is_as_uncertain_as_the_time_beside_it() -> None:
    rows = [reading(i) if i != 5 else reading(i, None, Quality.NODATA) for i in range(12)]
    result, terms = run(rows, 1, 11)
    assert result.coverage < 1
    assert terms["specification/reading"].value == pytest.approx(0.001 * 100 * 10)


def test_a_gap_may_hide_as_much_as_the_load_was_seen_to_change() -> None:
    rows = [reading(i, 20.0 if i % 2 else 180.0) for i in range(20)]
    rows[9] = replace(rows[9], values=replace(rows[9].values, power_w=None, quality=Quality.GARBLED))
    result, terms = run(rows, 1, 18)
    missing_s = 17 * (1 - result.coverage)
    assert terms["gaps"].value == pytest.approx(160 * missing_s)


def test_each_end_that_may_be_off_costs_the_power_there() -> None:
    _, terms = run([reading(i) for i in range(12)], 2, 10, ClockBounds(0.003, 0.004))
    assert terms["clock"].value == pytest.approx(100 * 0.005)


def test_a_common_shift_of_the_stamps_costs_only_what_power_differs() -> None:
    flat = [reading(i, end_u95_ns=S // 100) for i in range(12)]
    assert run(flat, 2, 10)[1]["clock/stamps"].value == pytest.approx(0)
    stepped = [reading(i, 180.0 if 2 < i <= 10 else 20.0, end_u95_ns=S // 100) for i in range(14)]
    assert run(stepped, 2, 10)[1]["clock/stamps"].value == pytest.approx(160 * 0.01)


def test_one_doubtful_stamp_costs_only_the_border_that_it_moves() -> None:
    rows = [reading(i, 20.0 if i % 2 else 180.0) for i in range(12)]
    rows[6] = replace(rows[6], end_u95_ns=S // 10)
    _, terms = run(rows, 2, 10)
    assert terms["clock/stamps"].value == 0
    assert terms["sampling"].value == pytest.approx(160 * 0.1)


def test_the_error_bar_holds_meters_drawn_across_their_specification() -> None:
    """Errors of reading and of range anywhere within their limits, fully correlated within the window."""
    draw = random.Random(1)
    _, terms = run([reading(i) for i in range(15)], 2, 12)
    bar = u95(list(terms.values()))
    errors = [draw.uniform(-1, 1) * 1.0 + draw.uniform(-1, 1) * 1.5 for _ in range(5000)]
    assert 0.94 < sum(abs(e) <= bar for e in errors) / len(errors) <= 1


def test_scattered_stamps_cost_what_neighbours_differ() -> None:
    even = [reading(i, 20.0 if i % 2 else 180.0) for i in range(12)]
    assert run(even, 2, 10)[1]["sampling"].value == 0
    scattered = [replace(r, end_ns=r.end_ns + (S // 100 if i % 2 else 0)) for i, r in enumerate(even)]
    # Spacings are off by 10 ms each; seven borders inside the window between samples that differ by 160 W.
    wanted = 1.96 * 0.01 * 160 * math.sqrt(8)
    assert run(scattered, 2, 10)[1]["sampling"].value == pytest.approx(wanted, rel=0.1)


def test_terms_combine_in_quadrature() -> None:
    assert u95([rectangular("a", 3 * math.sqrt(3)), normal("b", 4 * 1.96)]) == pytest.approx(1.96 * 5)
