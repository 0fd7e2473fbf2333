from __future__ import annotations

import tempfile
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import loadgen, loadgen_rows
from schemas.loadgen import LoadgenLog, LogGarbled, stream

META = '"time_ms": 1.5, "metadata": {"is_error": false, "is_warning": false}'


def log(tmp_path: Path, *lines: str) -> LoadgenLog:
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return LoadgenLog.read(path)


def entry(key: str, value: str, meta: str = META) -> str:
    return f':::MLLOG {{"key": "{key}", "value": {value}, {meta}}}'


def test_the_first_value_of_a_key_counts(tmp_path: Path) -> None:
    read = log(tmp_path, "some text", entry("a", "1"), entry("a", "2"))
    assert (read.first("a"), read.entry("a").line, len(read.all("a"))) == (1, 2, 2)  # type: ignore[union-attr]
    assert read.first("never") is None


def test_a_seed_keeps_all_its_64_bits(tmp_path: Path) -> None:
    assert log(tmp_path, entry("effective_sample_index_rng_seed", "10688027786191513375")).result()[
        "values"
    ] == {"effective_sample_index_rng_seed": 10688027786191513375}


def test_the_power_window(tmp_path: Path) -> None:
    read = log(
        tmp_path,
        entry("power_begin", '"07-23-2024 15:48:32.939"'),
        entry("power_end", '"07-23-2024 15:58:32.940"'),
    )
    (window,) = read.power_windows
    assert window.begin_ns == 1721749712_939_000_000
    assert window.seconds == pytest.approx(600.001)
    assert (window.begin_line, window.end_line) == (1, 2)


def test_a_window_without_an_end(tmp_path: Path) -> None:
    with pytest.raises(LogGarbled, match="1 power_begin but 0 power_end"):
        _ = log(tmp_path, entry("power_begin", '"07-23-2024 15:48:32.939"')).power_windows


def test_errors_are_those_that_loadgen_marked(tmp_path: Path) -> None:
    bad = entry("error_runtime", '"no"', '"time_ms": 1, "metadata": {"is_error": true}')
    read = log(tmp_path, entry("a", "NaN"), bad)
    assert [e.value for e in read.errors] == ["no"]
    assert read.result()["errors"] == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (":::MLLOG {", "not a LoadGen entry"),
        (':::MLLOG {"key": "a", "value": 1}', "no 'metadata'"),
        (':::MLLOG {"key": 3, "value": 1, "metadata": {}}', "key is int"),
        (":::MLLOG [1]", "not a LoadGen entry"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(LogGarbled, match=reason) as caught:
        log(tmp_path, entry("a", "1"), line)
    assert caught.value.line == 2


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(b":::MLLOG " + junk)
    try:
        LoadgenLog.read(path)
    except LogGarbled:
        pass


def test_a_published_log(corpus: Path) -> None:
    run = corpus / "v4.1/closed/UntetherAI/results/h13_u3_slim/resnet50/singlestream/performance/run_1"
    read = LoadgenLog.read(run / "mlperf_log_detail.txt")
    assert read.first("result_validity") == "VALID"
    assert read.first("effective_schedule_rng_seed") == 14962580496156340209
    assert read.power_windows[0].seconds == 600.0


WORDS = st.sampled_from(
    [
        "1",
        "-0.5e3",
        "NaN",
        "[1, 2]",
        "[1,]",
        '"a"',
        '"\\q"',
        '"\\ud800"',
        "null",
        "true",
        "01",
        "{}",
        "9" * 5000,
    ]
)
BREAKS = st.sampled_from(["", "\r", " ", "x", "\x00", "\xff", "é", '"'])


@settings(max_examples=300, deadline=None)
@given(
    key=st.text(max_size=5), value=WORDS, junk=BREAKS, flag=st.sampled_from(["true", "false", "1", "null"])
)
def test_the_quick_reading_is_the_careful_one(key: str, value: str, junk: str, flag: str) -> None:
    text = f':::MLLOG {{"key": "{key}", "value": {value}, "metadata": {{"is_error": {flag}}}, "time_ms": 2}}{junk}'
    line = text.encode("latin-1" if junk == "\xff" else "utf-8", "replace")
    quick = loadgen._fast(3, line)
    if quick is None:
        return
    careful = loadgen._parse(Path("log"), 3, line)
    assert (quick.key, quick.value, quick.line) == (careful.key, careful.value, careful.line)
    assert (quick.is_error, quick.is_warning, quick.time_ms) == (careful.is_error, careful.is_warning, 2.0)


def test_lines_of_any_length_come_out_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loadgen, "BLOCK", 7)
    read = log(tmp_path, entry("a", "[1, 2, 3]"), "", entry("b", '"' + "x" * 100 + '"'))
    assert [(e.key, e.value, e.line) for e in read.entries] == [("a", [1, 2, 3], 1), ("b", "x" * 100, 3)]
    assert read.result()["values"] == {"b": "x" * 100}
    monkeypatch.setattr(loadgen, "LONGEST_LINE", 50)
    with pytest.raises(LogGarbled, match="longer than 50 bytes"):
        LoadgenLog.read(read.path)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                ':::MLLOG {"key": "a", "value": 1, "time_ms": 1.5, "metadata": {"is_error": false}}',
                ':::MLLOG {"key": "b", "value": [1, {"c": "]}"}], "time_ms": 2, "metadata": {"is_error": true}}',
                ':::MLLOG {"key": "a", "value": "x\\u00e9é", "time_ms": 3.0, "metadata": {}}\r',
                ':::MLLOG {"key": "n", "value": 18446744073709551615, "metadata": {}}',
                ':::MLLOG {"key": "k", "value": NaN, "metadata": {}}',
                ':::MLLOG {"key": "k", "value": 1, "metadata": {}}:::MLLOG {"key": "k", "value": 1, "metadata": {}}',
                ':::MLLOG {"key": "k", "value": 1, "metadata": {}}{"key": "k", "value": 1, "metadata": {}}',
                ':::MLLOG {"key": "b", "value": [1, "é"], "time_ms": 2, "metadata": {}}',
                ':::MLLOG {"key": "b", "value": [1, 2, "time_ms": 2, "metadata": {}}',
                ':::MLLOG {"key": "b", "value": [1], "value": [2], "time_ms": 2, "metadata": {}}',
                ':::MLLOG {"key": "b", "value": {"a": 1, "time_ms": 2}, "metadata": {}}',
                ':::MLLOG {"key": "b", "value": {"a": 1}, "time_ms": 2, "metadata": {}, "value": [3]}',
                ':::MLLOG {"key": "k", "value":',
                f':::MLLOG {{"key": "k", "value": {"[" * 60}1{"]" * 60}, "metadata": {{}}}}',
                f':::MLLOG {{"key": "k", "value": {"1" * 400}, "metadata": {{}}}}',
                "another line",
                "",
                '{"key": "k", "value": 1, "metadata": {}}',
                '"value": 1, "metadata": {}}',
                ':::MLLOG {"key": "k", "value": {"c": 1}',
                ':::MLLOG {"key": "k", "value": [1, {"c": 1}',
                ':::MLLOG {"d": 1}], "metadata": {}}',
                ':::MLLOG {"key": "k", "value": "x}',
                ':::MLLOG {"key": "k", "value": 1, "metadata": {"x": "[[["}}',
            ]
        ),
        max_size=6,
    ),
    st.sampled_from(["", "\n", "\n\n", "\r\n"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([0, loadgen_rows.LONG_ENTRY]),
)
def test_a_log_read_in_one_go_is_the_log_read_line_by_line(
    lines: list[str], end: str, between: str, long: int
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(loadgen_rows, "LONG_ENTRY", long),
        patch.object(loadgen_rows, "_remembered", loadgen_rows._Remembered()),
    ):
        path = Path(folder, "log")
        path.write_text(between.join(lines) + end, newline="")
        try:
            slow: object = tuple(stream(path))
        except LogGarbled as error:
            slow = (error.line, error.reason)
        try:
            fast: object = tuple(LoadgenLog.read(path).entries)
        except LogGarbled as error:
            fast = (error.line, error.reason)
        assert fast == slow


WHOLE = '{"key": "k", "value": 1, "metadata": {}}'


@pytest.mark.parametrize(
    "lines",
    [
        ('{"key": "k", "value":', '{"a": 1}, "metadata": {}}', WHOLE + WHOLE),
        ('{"key": "k", "value": [', '1], "metadata": {}}', WHOLE + WHOLE),
        ('{"key": "k", "value": [{"a": 1},', '{"b": 1}], "metadata": {}}', WHOLE + WHOLE),
    ],
)
def test_an_entry_that_runs_on_into_the_next_line_is_none(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """Also where another line holds one too many, so that there are as many entries as lines."""
    with pytest.raises(LogGarbled) as caught:
        log(tmp_path, f":::MLLOG {WHOLE}", *(f":::MLLOG {line}" for line in lines))
    assert caught.value.line == 2


def test_line_ends_of_another_system_change_nothing(tmp_path: Path) -> None:
    lines = entry("a", "1"), entry("loaded_qsl_set", str(list(range(1000)))), entry("b", '"[x]"')
    plain = log(tmp_path, *lines)
    plain.path.write_bytes(plain.path.read_bytes().replace(b"\n", b"\r\n"))  # type: ignore[attr-defined]
    other = LoadgenLog.read(plain.path)
    assert isinstance(other.entries, loadgen.Entries)
    assert tuple(other.entries) == tuple(plain.entries)


def test_a_list_that_many_logs_hold_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []
    real = loadgen_rows._decode_raw

    def decode(text: bytes) -> msgspec.Raw:
        decoded.append(text)
        return real(text)

    monkeypatch.setattr(loadgen_rows, "_decode_raw", decode)
    monkeypatch.setattr(loadgen_rows, "_remembered", loadgen_rows._Remembered())
    samples = str(list(range(1000)))
    for at in range(3):
        read = log(tmp_path, entry("version", f'"{at}"'), entry("loaded_qsl_set", samples))
        assert isinstance(read.entries, loadgen.Entries)
        assert (read.first("version"), read.first("loaded_qsl_set")) == (str(at), list(range(1000)))
    assert decoded == [samples.encode()]


def test_of_the_lists_no_more_is_remembered_than_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loadgen_rows, "MOST_REMEMBERED", 5000)
    held = loadgen_rows._Remembered()
    monkeypatch.setattr(loadgen_rows, "_remembered", held)
    for number in range(20):
        line = f':::MLLOG {{"key": "a", "value": [{number}{" " * 1990}], {META}}}'.encode()
        entries = loadgen_rows.at_once(line, b":::MLLOG")
        assert entries is not None
        assert entries[0].value == [number]
        assert held.size == sum(len(v) for alike in held.values() for v in alike) <= 5000
