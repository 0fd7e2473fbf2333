from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.powerlog import BadLine, PowerLine, format_spl_line, parse_spl_line, read_spl
from schemas.units import UnixNs

LINE = (
    "Time,07-23-2024 15:47:16.858,Watts,172.900000,Volts,118.000000,Amps,1.673000,PF,0.876000,Mark,a_testing"
)


def test_a_published_line_reads_and_writes_back() -> None:
    sample = parse_spl_line(7, LINE)
    assert isinstance(sample, PowerLine)
    assert (sample.line, sample.power_w, sample.mark) == (7, 172.9, "a_testing")
    assert format_spl_line(sample.at, 172.9, 118.0, 1.673, 0.876, "a_testing") == LINE


def test_losses_stand_as_the_meter_gave_them() -> None:
    nan = parse_spl_line(1, LINE.replace("172.900000", "nan"))
    over = parse_spl_line(1, LINE.replace("172.900000", "inf"))
    assert isinstance(nan, PowerLine)
    assert isinstance(over, PowerLine)
    assert math.isnan(nan.power_w)
    assert not nan.plain
    assert not over.plain


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Watts,3", "does not start"),
        (LINE.rsplit(",", 1)[0], "11 fields"),
        (LINE.replace("Watts", "Wats"), "Watts"),
        (LINE.replace("172.900000", "lots"), "lots"),
        (LINE.replace("07-23-2024", "2024-07-23"), "not a log time"),
    ],
)
def test_a_bad_line_says_why(text: str, reason: str) -> None:
    bad = parse_spl_line(3, text)
    assert isinstance(bad, BadLine)
    assert reason in bad.reason


def test_several_channels_follow_behind_the_sum(tmp_path: Path) -> None:
    path = tmp_path / "spl.txt"
    path.write_text(f"{LINE},Ch1,Watts,90.0,Ch2,Watts,82.9\n\n", encoding="utf-8")
    (sample,) = read_spl(path)
    assert isinstance(sample, PowerLine)
    assert sample.power_w == 172.9


@given(st.integers(0, 4_000_000_000_000), st.floats(0, 1e5), st.floats(-1, 1))
def test_what_is_written_is_read(ms: int, watts: float, pf: float) -> None:
    at = UnixNs(ms * 1_000_000)
    sample = parse_spl_line(1, format_spl_line(at, watts, 230.0, 0.5, pf, "m"))
    assert isinstance(sample, PowerLine)
    assert sample.at == at
    assert sample.power_w == pytest.approx(watts, abs=1e-6)


def test_a_mark_may_not_break_the_line() -> None:
    with pytest.raises(ValueError, match="commas"):
        format_spl_line(UnixNs(0), 1, 1, 1, 1, "a,b")


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str) -> None:
    assert isinstance(parse_spl_line(1, "Time," + text), PowerLine | BadLine)
