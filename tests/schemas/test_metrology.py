from __future__ import annotations

import math

import pytest

from schemas.metrology import series

WT310E = series("yokogawa-wt300")["WT310E"]


def test_the_terms_of_a_reading_by_hand() -> None:
    terms = {
        t.name: t.limit_w
        for t in WT310E.power_terms(
            power_w=100,
            voltage_v=230,
            current_a=0.5,
            power_factor=None,
            voltage_range_v=300,
            current_range_a=1,
        )
    }
    assert terms["specification/reading"] == pytest.approx(0.1)
    assert terms["specification/range"] == pytest.approx(0.15)
    assert terms["specification/power-factor"] == pytest.approx(0.001 * math.sqrt(115**2 - 100**2))
    assert terms["specification/self-heating"] == pytest.approx(100 * (1e-9 * 230**2 + 1.3e-6 * 0.25))


def test_crest_factor_6_doubles_the_range_term_and_halves_the_ranges() -> None:
    at_3, at_6 = (
        WT310E.power_terms(power_w=1, voltage_v=230, current_a=0.1, power_factor=1.0, voltage_range_v=300,
                           current_range_a=1, crest_factor=cf)[1].limit_w for cf in (3, 6)
    )  # fmt: skip
    assert at_6 == 2 * at_3
    assert WT310E.with_crest_factor(6)[0][-1] == 300


def test_fast_updates_cost_accuracy() -> None:
    slow, fast = (
        len(WT310E.power_terms(power_w=1, voltage_v=230, current_a=0.1, power_factor=1.0, voltage_range_v=300,
                               current_range_a=1, interval_ns=ns)) for ns in (250_000_000, 100_000_000)
    )  # fmt: skip
    assert fast == slow + 1


@pytest.mark.parametrize(("value", "range_"), [(0.43, 0.5), (0.5, 0.5), (0.5001, 1.0), (0.0, 0.005)])
def test_the_smallest_range_that_is_not_below(value: float, range_: float) -> None:
    assert WT310E.range_for(value, WT310E.current_ranges_a) == range_


def test_a_value_above_every_range() -> None:
    with pytest.raises(ValueError, match="largest range 20"):
        WT310E.range_for(21, WT310E.current_ranges_a)


def test_an_unknown_series() -> None:
    with pytest.raises(KeyError, match="abacus"):
        series("abacus")
