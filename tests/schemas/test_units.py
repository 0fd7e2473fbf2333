from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.units import UnixNs, format_log_time, format_rfc3339, parse_log_time


def test_a_log_time_is_utc() -> None:
    assert parse_log_time("07-23-2024 15:48:32.939") == 1721749712_939_000_000
    assert format_log_time(UnixNs(1721749712_939_999_999)) == "07-23-2024 15:48:32.939"
    assert format_rfc3339(UnixNs(1721749712_939_000_000)) == "2024-07-23T15:48:32.939Z"


@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_milliseconds_survive_the_way_there_and_back(ms: int) -> None:
    assert parse_log_time(format_log_time(UnixNs(ms * 1_000_000))) == ms * 1_000_000


@pytest.mark.parametrize(
    "text", ["", "2024-07-23 15:48:32", "13-01-2024 00:00:00.000", "07-23-2024", "٠٧-23-2024 15:48:32"]
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_log_time(text)


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        parse_log_time(text)
    except ValueError:
        pass
