"""``mlperf_log_summary.txt`` from v1.0 on: what LoadGen prints for people, against the detail log of the same run.

LoadGen writes both from the same numbers. A label that stands twice (MultiStream prints percentiles of queries and of
samples) is compared with either value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from schemas.loadgen import LoadgenLog

LABELS: dict[str, tuple[str, ...]] = {
    "SUT name": ("sut_name",),
    "Scenario": ("effective_scenario",),
    "Mode": ("effective_test_mode",),
    "Result is": ("result_validity",),
    "Samples per second": ("result_samples_per_second",),
    "Scheduled samples per second": ("result_scheduled_samples_per_sec",),
    "Completed samples per second": ("result_completed_samples_per_sec",),
    "Tokens per second": ("result_tokens_per_second",),
    "QPS w/ loadgen overhead": ("result_qps_with_loadgen_overhead",),
    "QPS w/o loadgen overhead": ("result_qps_without_loadgen_overhead",),
    "Min latency (ns)": ("result_min_latency_ns", "result_min_query_latency_ns"),
    "Max latency (ns)": ("result_max_latency_ns", "result_max_query_latency_ns"),
    "Mean latency (ns)": ("result_mean_latency_ns", "result_mean_query_latency_ns"),
    "samples_per_query": ("effective_samples_per_query",),
    "min_query_count": ("effective_min_query_count",),
    "min_duration (ms)": ("effective_min_duration_ms",),
    "qsl_rng_seed": ("effective_qsl_rng_seed",),
    "sample_index_rng_seed": ("effective_sample_index_rng_seed",),
    "schedule_rng_seed": ("effective_schedule_rng_seed",),
    "performance_sample_count": ("effective_performance_sample_count",),
}
"""Labels of the summary and the keys of the detail log under which the same value stands."""
CLOSE = 1e-5
"""Share by which a printed number may differ: six digits. Rates are printed with two decimals in some versions."""
Rows = list[tuple[int, str]]
"""Lines of a summary with one label: number and value."""
LONGEST = 200
"""Bytes of a value that is compared."""
_INTEGER = re.compile(r"-?\d{1,40}")
_MODES = {"PerformanceOnly": "Performance", "AccuracyOnly": "Accuracy"}
_PERCENTILE = re.compile(r"(\d+\.\d+) percentile latency \(ns\)\Z")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A label whose value is not that of the detail log. ``line`` counts from 1."""

    label: str
    line: int
    found: str
    wanted: str


def disagreements(summary: str, log: LoadgenLog) -> Iterator[Disagreement]:
    """Where a summary and a detail log are not of one run."""
    seen: dict[str, Rows] = {}
    for number, line in enumerate(summary.splitlines(), start=1):
        label, colon, value = line.partition(":")
        if colon and _keys(label := label.strip()):
            seen.setdefault(label, []).append((number, value.strip()))
    for label, rows in seen.items():
        keys = _keys(label)
        if _as_written(rows, log, keys):
            continue
        values = [v for key in keys if (v := _value(log, key)) is not None]
        if values and not any(_same(text, value) for _, text in rows for value in values):
            yield Disagreement(label, rows[0][0], rows[0][1], str(values[0]))


def _as_written(rows: Rows, log: LoadgenLog, keys: Sequence[str]) -> bool:
    """Whether a text of a summary is one of the values to the letter, as nearly all are. Numbers without a sign and
    texts without escapes are then the same; other words are not looked at here."""
    for _, text in rows:
        if "\\" in text or len(text) > LONGEST - 2 or not text.isascii():
            continue
        number = text.encode()
        quoted = b'"%s"' % number
        for key in keys:
            raw = log.raw(key)
            if raw == quoted or (raw == number and raw[:1].isdigit()):
                return True
    return False


@lru_cache(maxsize=1024)
def _keys(label: str) -> tuple[str, ...]:
    match = _PERCENTILE.match(label)
    if match is None:
        return LABELS.get(label, ())
    return tuple(f"result_{match[1]}_percentile_{kind}latency_ns" for kind in ("", "per_query_"))


def _value(log: LoadgenLog, key: str) -> Any:
    entry = log.entry(key)
    if entry is None or len(entry.raw) > LONGEST or entry.is_list:
        return None
    return entry.value


def _same(text: str, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "".join(text.split()) in ("".join(str(value).split()), _MODES.get(str(value)))
    if isinstance(value, int) and _INTEGER.fullmatch(text):
        return int(text) == value  # seeds are beyond what a float holds
    try:
        number = float(text)
    except ValueError:
        return False
    last_digit = 10.0 ** -len(text.partition(".")[2]) if "e" not in text.lower() else 0.0
    return math.isclose(number, value, rel_tol=CLOSE, abs_tol=0.51 * last_digit if "." in text else 0.0)
