"""A power log read in columns is the one that is read line by line, whatever stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.powerlog import _numbers, read_power_log, read_spl
from schemas.units import LogTimes, parse_log_time

LINE = "Time,08-12-2024 18:26:24.892,Watts,537.0,Volts,117.8,Amps,4.58,PF,0.994,Mark,run"
LOGS = {
    "usual": f"{LINE}\n{LINE}\n",
    "an empty line at the end": f"{LINE}\n\n",
    "no end": f"{LINE}\n{LINE}",
    "Windows": f"{LINE}\r\n{LINE}\r\n",
    "an empty line within": f"{LINE}\n\n{LINE}\n",
    "two channels": f"{LINE},Ch1,Watts,1.0\n{LINE}\n",
    "thirteen and eleven fields": f"{LINE},Time\n{LINE.removeprefix('Time,')}\n",
    "a blank behind the mark": f"{LINE} \n{LINE}\n",
    "no number": f"{LINE.replace('537.0', 'many')}\n{LINE}\n",
    "numbers of Python": f"{LINE.replace('537.0', '-0')}\n{LINE.replace('4.58', '+1_0')}\n",
    "large numbers": f"{LINE.replace('537.0', '1e400')}\n{LINE.replace('4.58', '123456789012345678901234')}\n",
    "numbers that are lists": f"{LINE.replace('537.0', '1]')}\n{LINE.replace('4.58', '[1')}\n",
    "losses": f"{LINE.replace('537.0', 'nan')}\n{LINE.replace('4.58', '-inf')}\n",
    "another form of time": f"{LINE.replace('.892', '.89')}\n{LINE.replace('.892', '')}\n{LINE}\n",
    "no time": f"{LINE.replace('26:24', '26:61')}\n{LINE.replace('08-12', '13-12')}\n",
    "letters of elsewhere": f"{LINE}é\n",
    "another text": "hello\n",
    "nothing": "",
}


@pytest.mark.parametrize("name", LOGS)
def test_both_ways_of_reading_agree(name: str, tmp_path: Path) -> None:
    path = tmp_path / "spl.txt"
    path.write_bytes(LOGS[name].encode())
    assert repr(read_power_log(path)) == repr(tuple(read_spl(path)))


@given(
    st.lists(
        st.floats().map(repr)
        | st.from_regex(r"[-+]?[0-9]{1,25}([.][0-9]{0,20})?(e[-+]?[0-9]{1,3})?", fullmatch=True)
    )
)
def test_a_column_of_numbers_is_what_python_reads(texts: list[str]) -> None:
    assert list(map(repr, _numbers(texts))) == [repr(float(text)) for text in texts]


def test_a_mark_without_end_is_refused_in_either_way(tmp_path: Path) -> None:
    path = tmp_path / "spl.txt"
    path.write_text(f"{LINE}{'x' * 70_000}\n")
    with pytest.raises(ValueError, match="line 1 is longer"):
        read_power_log(path)


def test_times_of_one_log() -> None:
    times = LogTimes()
    texts = (
        "08-12-2024 18:26:24.892",
        "08-12-2024 18:26:59.000",
        "08-12-2024 18:26:07.5",
        "12-31-2300 23:59:59.999",
    )
    assert times.quick(texts[0]) is None
    assert [times.parse(t) for t in texts] == [parse_log_time(t) for t in texts]
    assert times.quick(texts[1]) == parse_log_time(texts[1])
    with pytest.raises(ValueError, match="not a log time"):
        times.parse("08-12-2024 18:26:60.000")
