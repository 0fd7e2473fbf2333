"""Summaries of v0.5 and v0.7: the labels, which of two lines counts, and anything else one may find in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.loadgen_summary import read_errors, read_run

MULTISTREAM = """\
SUT name : PySUT
Scenario : Multi Stream
Mode     : Performance
Samples per query : 70
Result is : VALID
  Min duration satisfied : Yes
Intervals between each IssueQuery:  "qps" : 20, "ms" : 50
99.00 percentile : 1
Per-query latency:  "target_ns" : 50000000, "target_ms" : 50
99.00 percentile latency (ns)   : 49305533
Per-sample latency:
99.00 percentile latency (ns)   : 49305999
QPS w/o loadgen overhead        : 1.66
min_duration (ms): 60000
sample_index_rng_seed : 12640797754436136668
"""


def run(folder: Path, summary: str, detail: str = "") -> dict[str, object]:
    (folder / "mlperf_log_detail.txt").write_text(detail, encoding="utf-8")
    (folder / "mlperf_log_summary.txt").write_text(summary, encoding="utf-8")
    found: dict[str, object] = read_run(folder / "mlperf_log_summary.txt").result()["values"]
    return found


def test_labels_become_the_keys_of_later_rounds(tmp_path: Path) -> None:
    found = run(tmp_path, MULTISTREAM)
    assert found["effective_scenario"] == "MultiStream"
    assert found["effective_test_mode"] == "PerformanceOnly"
    assert found["result_validity"] == "VALID"
    assert found["Samples per query"] == 70
    assert found["effective_min_duration_ms"] == 60000
    assert found["effective_sample_index_rng_seed"] == 12640797754436136668
    assert found["result_qps_without_loadgen_overhead"] == 1.66


def test_the_first_percentiles_are_those_per_query_and_the_last_ones_count(tmp_path: Path) -> None:
    found = run(tmp_path, MULTISTREAM)
    assert found["result_99.00_percentile_latency_ns"] == 49305999
    assert found["result_99.00_percentile_per_query_latency_ns"] == 49305533


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("Result is : INVALID\n", "INVALID"),
        ("Result is : VALID\nResult is : INVALID\n", "VALID"),
        (" Result is : VALID\n", "VALID"),
        ("", None),
    ],
)
def test_what_the_summary_says_of_the_run(lines: str, says: str | None, tmp_path: Path) -> None:
    assert run(tmp_path, lines).get("result_validity") == says


def test_errors_stand_in_the_detail_log(tmp_path: Path) -> None:
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_text("a\n: ERROR : CAS failed\n: ERROR : lost\n: error_runtime\n", encoding="utf-8")
    assert [e.line for e in read_errors(path).errors] == [2, 3]
    assert [e.line for e in read_errors(path, ("CAS failed",)).errors] == [3]


def test_without_its_detail_log_a_run_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "mlperf_log_summary.txt").write_text(MULTISTREAM, encoding="utf-8")
    with pytest.raises(ValueError, match=r"no mlperf_log_detail\.txt"):
        read_run(tmp_path / "mlperf_log_summary.txt")


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_any_text_is_a_summary_with_or_without_values(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), text, text)
        assert all(isinstance(v, int | float | str) for v in found.values())
