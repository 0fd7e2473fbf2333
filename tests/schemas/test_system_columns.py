"""Columns of a system from any description: what counts nothing is not told."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.system_columns import columns


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2, "2x Chip"), ("2", "2x Chip"), ("2 (one per socket)", "2x Chip"), (2.0, "2x Chip"), (None, "Chip"),
        (float("inf"), "Chip"), (float("-inf"), "Chip"), (float("nan"), "Chip"), (10**30, "Chip"), ("9" * 5000, "Chip"),
        ("two", "Chip"), (True, "Chip"), (0, ""), ("N/A", ""),
    ],
)  # fmt: skip
def test_the_number_of_accelerators(value: object, shown: str) -> None:
    assert columns({"accelerator_model_name": "Chip", "accelerators_per_node": value}).accelerator == shown


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
KEYS = (
    "accelerators_per_node",
    "number_of_nodes",
    "host_processors_per_node",
    "accelerator_model_name",
    "framework",
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_any_description_has_columns(description: dict[str, object]) -> None:
    columns(description)
