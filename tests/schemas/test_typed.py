"""Values of another kind than their field are refused before anybody computes with them."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.clocks import ClockFix
from schemas.measured import Settings
from schemas.typed import made

FIX: dict[str, Any] = {"boot_id": "b", "boottime_ns": 1, "utc_ns": 2, "u95_ns": 3}


def test_what_its_fields_name_is_made() -> None:
    assert made(ClockFix, FIX | {"raw_ns": None}) == ClockFix("b", 1, 2, 3)
    assert made(Settings, {"voltage_range_v": 300, "channels": ("1", "2")}).channels == ("1", "2")


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (ClockFix, FIX | {"u95_ns": "3"}, "u95_ns is str, wanted int"),
        (ClockFix, FIX | {"u95_ns": 3.0}, "u95_ns is float, wanted int"),
        (ClockFix, FIX | {"u95_ns": True}, "u95_ns is bool, wanted int"),
        (ClockFix, FIX | {"raw_ns": []}, "raw_ns is list, wanted int"),
        (ClockFix, FIX | {"boot_id": None}, "boot_id is NoneType, wanted str"),
        (ClockFix, FIX | {"more": 1}, "unexpected keyword argument 'more'"),
        (ClockFix, {"boot_id": "b"}, "missing 3 required"),
        (Settings, {"voltage_range_v": "auto"}, "voltage_range_v is str, wanted float"),
        (Settings, {"channels": ("1", 2)}, "channels is int, wanted str"),
        (Settings, {"channels": 5}, "not iterable"),
    ],
)
def test_other_kinds_are_refused(kind: type, values: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        made(kind, values)
