"""Runs of the rounds v0.5 and v0.7, whose numbers stand in ``mlperf_log_summary.txt``.

LoadGen wrote ``label : value`` lines then, and a detail log of plain text in which only the word ERROR tells of
trouble. Both are read into the ``LoadgenLog`` of the later rounds, under the keys of the later rounds, so that
one rule serves all. Of several lines with one label the last counts, as in the official checkers; the first
percentiles of a MultiStream summary are those per query.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from schemas.loadgen import LoadgenLog, LogEntry
from schemas.plainfile import open_plain

SUMMARY, DETAIL = "mlperf_log_summary.txt", "mlperf_log_detail.txt"
KEYS = {
    "SUT name": "sut_name",
    "Scenario": "effective_scenario",
    "Mode": "effective_test_mode",
    "performance_sample_count": "effective_performance_sample_count",
    "samples_per_query": "effective_samples_per_query",
    "min_query_count": "effective_min_query_count",
    "min_duration (ms)": "effective_min_duration_ms",
    "target_latency (ns)": "effective_target_latency_ns",
    "qsl_rng_seed": "effective_qsl_rng_seed",
    "sample_index_rng_seed": "effective_sample_index_rng_seed",
    "schedule_rng_seed": "effective_schedule_rng_seed",
    "Min latency (ns)": "result_min_latency_ns",
    "Max latency (ns)": "result_max_latency_ns",
    "QPS w/o loadgen overhead": "result_qps_without_loadgen_overhead",
}
"""Labels and what the same value is called in later rounds; all others keep their label."""
VALID = re.compile(r"Result\s+is\s*:\s+VALID")
_LINE = re.compile(r"([\w\s.()/]++):\s*+([\w+.][\w+.\s]*+)")
_PERCENTILE = re.compile(r"(\d+\.\d+) percentile latency \(ns\)\Z")
LARGEST = 100_000_000
"""Bytes of either file; GitHub, where results are published, takes none above."""
LONGEST_LINE = 1 << 20
MOST = 10_000
"""Labels of a summary; errors of a detail log that are kept."""
LONGEST_NUMBER = 309
"""Digits; a longer whole number is read as a floating point number."""
_WITHOUT_BLANKS = ("effective_scenario",)
_MODES = {"Performance": "PerformanceOnly", "Accuracy": "AccuracyOnly"}


def read_run(path: Path, ignored: Sequence[str] = ()) -> LoadgenLog:
    """The run of a summary, with the errors of the detail log beside it.

    Raises OSError or ValueError when one of them is not there or no UTF-8 text. ``ignored``: texts of errors
    that the round lets pass.
    """
    detail = path.with_name(DETAIL)
    if not detail.is_file():
        raise ValueError(f"there is no {DETAIL} beside it")
    return LoadgenLog(path, (*_values(path), *_errors(detail, ignored)))


def read_errors(path: Path, ignored: Sequence[str] = ()) -> LoadgenLog:
    """The errors of a detail log of plain text; raises as ``read_run``."""
    return LoadgenLog(path, tuple(_errors(path, ignored)))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, from 1."""
    with io.TextIOWrapper(open_plain(path, LARGEST), encoding="utf-8") as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                raise ValueError(f"line {number} of {path.name} is longer than {LONGEST_LINE} characters")
            yield number, line


def _values(path: Path) -> Iterator[LogEntry]:
    first: dict[str, LogEntry] = {}
    last: dict[str, LogEntry] = {}
    valid: LogEntry | None = None
    for number, line in _lines(path):
        if VALID.match(line):
            valid = _entry("result_validity", "VALID", number)
        match = _LINE.match(line)
        if match is not None:
            label, text = (part.strip() for part in match.groups())
            entry = _entry(*_named(label, text), number)
            first.setdefault(entry.key, entry)
            last[entry.key] = entry
            if len(last) > MOST:
                raise ValueError(f"{path.name} has more than {MOST} labels")
    for entry in first.values():
        if entry.key.endswith("_percentile_latency_ns"):
            yield _entry(entry.key.replace("_latency_ns", "_per_query_latency_ns"), entry.value, entry.line)
    said = valid or last.get("Result is")
    if said is not None:
        yield _entry("result_validity", said.value, said.line)
    yield from last.values()


def _named(label: str, text: str) -> tuple[str, Any]:
    """Key and value as later rounds write them."""
    percentile = _PERCENTILE.match(label)
    key = f"result_{percentile.group(1)}_percentile_latency_ns" if percentile else KEYS.get(label, label)
    if key in _WITHOUT_BLANKS:
        return key, "".join(text.split())
    if key == "effective_test_mode":
        return key, _MODES.get(text, text)
    return key, _number(text)


def _number(text: str) -> int | float | str:
    for kind in (int, float) if len(text) <= LONGEST_NUMBER else (float,):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _errors(path: Path, ignored: Sequence[str]) -> Iterator[LogEntry]:
    found = 0
    for number, line in _lines(path):
        if "ERROR" in line and not any(text in line for text in ignored):
            yield _entry("ERROR", line.strip()[:400], number, is_error=True)
            found += 1
            if found == MOST:
                return


def _entry(key: str, value: Any, line: int, *, is_error: bool = False) -> LogEntry:
    raw = json.dumps(value).encode()
    return LogEntry(key, raw, line, is_error=is_error, is_warning=False, time_ms=0.0)
