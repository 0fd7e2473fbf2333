"""LoadGen's verdict, corrections, and the settings that are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.calibrate import advice, judge, merged
from harness.loadgen import conf_values, user_conf_text
from harness.model import LoadSettings
from harness.results import Calibration
from harness.scenarios import BY_NAME
from schemas.loadgen import LoadgenLog


def log(tmp_path: Path, *errors: str, **values: object) -> LoadgenLog:
    rows: list[tuple[str, object, bool]] = [(k, v, False) for k, v in values.items()]
    rows += [("error_runtime", text, True) for text in errors]
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_text(
        "".join(
            f":::MLLOG {json.dumps({'key': k, 'value': v, 'metadata': {'is_error': e, 'is_warning': False}})}\n"
            for k, v, e in rows
        )
    )
    return LoadgenLog.read(path)


SINGLE, OFFLINE = BY_NAME["SingleStream"], BY_NAME["Offline"]


def test_valid() -> None:
    busy = Calibration(
        p50_latency_ms=30.0,
        samples_per_second=30.0,
        queries=5,
        fast_latency_ms=10.0,
        fast_samples_per_second=90.0,
    )
    assert SINGLE.expectation(busy) == LoadSettings(target_latency_ms=8.0)
    assert OFFLINE.expectation(busy).target_qps == pytest.approx(99.0)


def test_early_end_is_corrected_by_the_measured_latency(tmp_path: Path) -> None:
    found = judge(
        log(
            tmp_path,
            "Ending early: Ran out of generated queries. Please update.",
            result_validity="INVALID",
            result_min_duration_met=False,
            effective_min_duration_ms=600000,
            result_mean_latency_ns=2_000_000,
        ),
        "performance",
        SINGLE,
        LoadSettings(target_latency_ms=50.0, min_duration_ms=1),
    )
    assert not found.valid
    assert found.reasons == (
        "it ended before the minimum duration of 600000 ms",
        "Ending early: Ran out of generated queries",
    )
    assert found.retry == LoadSettings(target_latency_ms=1.6, min_duration_ms=1)
    assert "--target-latency-ms 1.6 " in advice(SINGLE, found)


@pytest.mark.parametrize(("samples", "rate"), [(24576, 125.0), (40, 300.0)])
def test_offline_rate_is_corrected_and_more_after_few_samples(
    tmp_path: Path, samples: int, rate: float
) -> None:
    text = log(
        tmp_path,
        result_validity="INVALID",
        result_min_duration_met=False,
        result_samples_per_second=100.0,
        effective_samples_per_query=samples,
    )
    found = judge(text, "performance", OFFLINE, LoadSettings(target_qps=10.0))
    assert found.retry is not None
    assert found.retry.target_qps == pytest.approx(rate)
    found = judge(text, "performance", OFFLINE, LoadSettings(target_qps=300.0))
    assert found.retry is not None
    assert found.retry.target_qps == pytest.approx(450.0)


def test_latency_of_few_queries_is_trusted_less(tmp_path: Path) -> None:
    text = log(
        tmp_path,
        result_validity="INVALID",
        result_min_duration_met=False,
        result_mean_latency_ns=2_000_000,
        result_query_count=5,
    )
    found = judge(text, "performance", SINGLE, LoadSettings(target_latency_ms=50.0))
    assert found.retry is not None
    assert found.retry.target_latency_ms == pytest.approx(0.8)


def test_error_that_no_setting_cures_is_not_retried(tmp_path: Path) -> None:
    text = log(tmp_path, "Attempted to complete a sample twice.", result_validity="VALID")
    found = judge(text, "performance", SINGLE, LoadSettings())
    assert (found.valid, found.retry) == (False, None)
    assert "mlperf_log_detail.txt" in advice(SINGLE, found)


def test_log_without_result_is_invalid(tmp_path: Path) -> None:
    found = judge(log(tmp_path, test_started=1), "performance", SINGLE, LoadSettings())
    assert found.reasons == ("LoadGen wrote no result",)


def test_accuracy_run_is_judged_by_its_errors_alone(tmp_path: Path) -> None:
    assert judge(log(tmp_path, test_started=1), "accuracy", SINGLE, LoadSettings()).valid
    assert not judge(log(tmp_path, "broken"), "accuracy", SINGLE, LoadSettings()).valid


def test_what_the_user_gives_wins_over_calibration() -> None:
    base = LoadSettings(target_latency_ms=8.0)
    over = LoadSettings(target_latency_ms=3.0, min_duration_ms=5)
    assert merged(base, over) == over


def test_user_conf_has_only_what_is_set() -> None:
    text = user_conf_text(LoadSettings(target_latency_ms=1.23456789), "resnet50", "SingleStream")
    assert conf_values(text) == {"*.SingleStream.target_latency": "1.23457"}
    full = LoadSettings(4.0, 99.5, 2000, 7, 128)
    assert conf_values(user_conf_text(full, "resnet50", "Offline")) == {
        "*.Offline.min_duration": "2000",
        "*.Offline.min_query_count": "7",
        "*.Offline.target_latency": "4",
        "*.Offline.target_qps": "99.5",
        "resnet50.*.performance_sample_count_override": "128",
    }
