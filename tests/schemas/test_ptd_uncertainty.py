"""The uncertainty that PTDaemon computes, against numbers that it printed, and what is said where none can be told."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ptd_uncertainty import ptd_formula

PUBLISHED = [
    # meter, U range, I range, W, V, A, PF, printed percent
    ("WT310E", 300.0, 0.5, 6.525, 206.93, 0.11364, 0.2775, 1.12),
    ("WT210", 300.0, 0.5, 15.88, 244.34, 0.14647, 0.4436, 1.50),
    ("WT210", 300.0, 0.5, 17.19, 244.43, 0.15897, 0.4425, 1.43),
]
"""Samples of published power logs beside the warning of the same second."""


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row[0]} {row[-1]} %")
def test_a_printed_uncertainty(row: tuple[str, float, float, float, float, float, float, float]) -> None:
    model, volts, amperes, power, voltage, current, factor, printed = row
    formula = ptd_formula(model)
    assert formula is not None
    found = formula.percent(power_w=power, voltage_v=voltage, current_a=current, power_factor=factor,
                            voltage_range_v=volts, current_range_a=amperes)  # fmt: skip
    assert found == pytest.approx(printed, abs=0.0051)


def test_an_enhanced_model_that_answers_as_the_older_series() -> None:
    assert ptd_formula("WT333E", emulates=True) == ptd_formula("WT333") != ptd_formula("WT333E")
    assert ptd_formula("WT5000") is None


@pytest.mark.parametrize("reading", [
    (-37.41, 245.98, -3.28663, 0.4881), (0.0, 230.0, 0.1, 0.9), (10.0, 230.0, 0.0, 0.9), (10.0, 230.0, 0.1, -1.0),
    (10.0, 230.0, 0.1, 1.5), (float("nan"), 230.0, 0.1, 0.9), (float("inf"), 230.0, 0.1, 0.9),
])  # fmt: skip
def test_a_reading_of_which_none_can_be_told(reading: tuple[float, float, float, float]) -> None:
    formula = ptd_formula("WT210")
    assert formula is not None
    power, voltage, current, factor = reading
    assert formula.percent(power_w=power, voltage_v=voltage, current_a=current, power_factor=factor,
                           voltage_range_v=300.0, current_range_a=0.5) is None  # fmt: skip


@given(st.floats(1.0, 300.0), st.floats(0.001, 20.0), st.floats(0.05, 1.0), st.floats(1.0, 4.0))
def test_a_larger_range_is_never_more_certain(
    volts: float, amperes: float, factor: float, times: float
) -> None:
    for model in ("WT310E", "WT310", "WT210"):
        formula = ptd_formula(model)
        assert formula is not None
        about = {
            "power_w": volts * amperes * factor,
            "voltage_v": volts,
            "current_a": amperes,
            "power_factor": factor,
        }
        near = formula.percent(**about, voltage_range_v=volts, current_range_a=amperes)
        far = formula.percent(**about, voltage_range_v=volts * times, current_range_a=amperes)
        assert near is not None
        assert far is not None
        assert far >= near > 0.1


def test_every_row_names_its_source() -> None:
    path = resources.files("schemas") / "meters" / "spec-ptdaemon.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["models"]
    assert all(row["source"] and row["confidence"] and row["base"] in ("active", "apparent") for row in rows)
    models = [m for row in rows for m in row["models"]]
    assert len(models) == len(set(models))
