"""A power log read in columns is the one that is read line by line, whatever stands in it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.powerlog import LONGEST_LINE, PowerLog, _columns, read_power_log, read_spl
from schemas.units import LogTimes, parse_log_time

LINE = "Time,08-12-2024 18:26:24.892,Watts,537.0,Volts,117.8,Amps,4.58,PF,0.994,Mark,run"
LOGS = {
    "usual": f"{LINE}\n{LINE}\n",
    "an empty line at the end": f"{LINE}\n\n",
    "no end": f"{LINE}\n{LINE}",
    "Windows": f"{LINE}\r\n{LINE}\r\n",
    "Windows, with an end of its own": f"{LINE}\r\n{LINE}\n",
    "blanks behind every mark": f"{LINE} \n{LINE} \n",
    "blanks in a mark": f"{LINE} x\n{LINE} x\n",
    "no mark": f"{LINE.removesuffix('run')}\n{LINE.removesuffix('run')}\n",
    "two marks": f"{LINE}\n{LINE}s\n",
    "negative": f"{LINE.replace('537.0', '-540.5')}\n{LINE.replace('0.994', '-0.000')}\n",
    "no dot": f"{LINE.replace('537.0', '537')}\n{LINE}\n",
    "a dot in another field": f"{LINE.replace('537.0,Volts', '537,V.olts')}\n{LINE}\n",
    "a digit in a label": f"{LINE}\n{LINE.replace('Volts', 'Vo1ts').replace('117.8', '.')}\n",
    "a minus in a label": f"{LINE}\n{LINE.replace('Volts', '-Volts')}\n",
    "time and value glued": f"{LINE.replace('.892,Watts,5', '.8925,Watts,')}\n{LINE}\n",
    "all values in one line": f"{LINE.replace(',Mark', LINE[28:-9] + ',Mark')}\n{LINE[:28]},Mark,run\n",
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


IN_COLUMNS = {
    "usual", "an empty line at the end", "no end", "Windows", "Windows, with an end of its own",
    "a blank behind the mark",
    "blanks behind every mark", "blanks in a mark", "no mark", "negative",
}  # fmt: skip


def told(log: PowerLog) -> str:
    """Everything that a log holds, to the sign of a zero."""
    return repr((list(log.samples), log.bad))


@pytest.mark.parametrize("name", LOGS)
def test_both_ways_of_reading_agree(name: str, tmp_path: Path) -> None:
    path = tmp_path / "spl.txt"
    path.write_bytes(LOGS[name].encode())
    assert told(read_power_log(path)) == told(PowerLog.of(read_spl(path)))
    assert (_columns(LOGS[name].encode()) is not None) == (name in IN_COLUMNS)


def test_nobody_can_tell_the_two_apart(tmp_path: Path) -> None:
    path = tmp_path / "spl.txt"
    path.write_text(f"{LINE}\n{LINE.replace('24.892', '25.900').replace('537.0', '-1.25')}\n")
    quick, slow = read_power_log(path).samples, PowerLog.of(read_spl(path)).samples
    assert [list(column) for column in quick.columns] == [list(column) for column in slow.columns]
    assert (len(quick), quick[1], quick[-1], list(quick[:1])) == (2, slow[1], slow[-1], list(slow[:1]))
    assert (quick.index(slow[1]), slow[1] in quick, list(reversed(quick))) == (1, True, list(reversed(slow)))


def agree(data: bytes) -> bool:
    """Whether a log can be read in columns, which then hold what is read line by line."""
    found = _columns(data)
    if found is not None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            assert told(PowerLog(found)) == told(PowerLog.of(read_spl(file.name))), data
    return found is not None


def test_a_log_with_one_character_more_or_less() -> None:
    """Wherever it stands: no line that is read in columns is one that line by line would be read otherwise."""
    log = f"{LINE}\n{LINE}\n".encode()
    edits = [log[:at] + log[at + 1 :] for at in range(len(log))]
    edits += [
        log[:at] + sign.encode() + log[at + skipped :]
        for sign in "01-.,: \r\n\teWVAP"
        for at in range(len(log) + 1)
        for skipped in (0, 1)
    ]
    assert {agree(edit) for edit in edits} == {True, False}


ODD = st.sampled_from(
    ["", "-", "-0", "-0.0", "+1.0", "01.5", "1.", ".5", "1_0.0", " 1.5", "1.5 ", "nan", "inf", "1e5", "1.5e3"]
)
NUMBERS = st.floats(-1e9, 1e9).map("{:.6f}".format) | st.floats().map(repr) | ODD
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\n\n", " \n", "\x1c\n", ""])


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=4)
    | st.lists(st.tuples(*[st.floats(-1e300, 1e300).map("{:.9f}".format)] * 4), min_size=1, max_size=4),
    ENDS,
    st.text("ab1 ,-\x0b", max_size=3),
)
def test_logs_of_any_numbers(rows: Sequence[tuple[str, str, str, str]], end: str, mark: str) -> None:
    parts = "Time,08-12-2024 18:26:{:02d}.892,Watts,{},Volts,{},Amps,{},PF,{},Mark,{}{}"
    agree("".join(parts.format(at, *row, mark, end) for at, row in enumerate(rows)).encode())


@pytest.mark.parametrize("length", [LONGEST_LINE - 2, LONGEST_LINE - 1, LONGEST_LINE])
@pytest.mark.parametrize("field", ["run", "537.0"])
def test_a_line_may_be_as_long_in_either_way(length: int, field: str, tmp_path: Path) -> None:
    path = tmp_path / "spl.txt"
    long = LINE.replace(field, field + "0" * (length - len(LINE)))
    path.write_text(f"{long}\n{long}\n")
    if length >= LONGEST_LINE - 1:
        assert _columns(path.read_bytes()) is None
        with pytest.raises(ValueError, match="line 1 is longer"):
            read_power_log(path)
    else:
        assert told(read_power_log(path)) == told(PowerLog.of(read_spl(path)))


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


STAMPS = st.datetimes().map("{:%m-%d-%Y %H:%M:%S.%f}".format).map(lambda text: text.zfill(26)[:23])
TIMES = STAMPS | st.from_regex(
    r"0[1-9]-01-2024 1[0-9]:[0-6][0-9]:[0-6][0-9][.,:]?[0-9e]{2,4}", fullmatch=True
)


@given(st.lists(STAMPS, max_size=9).map(sorted) | st.lists(TIMES, max_size=4))
def test_times_at_once_are_those_one_by_one(texts: Sequence[str]) -> None:
    try:
        wanted = [parse_log_time(text) for text in texts]
    except ValueError:
        with pytest.raises(ValueError, match=r"not a log time|must be in|out of range"):
            LogTimes().all(texts)
    else:
        assert LogTimes().all(texts) == wanted
