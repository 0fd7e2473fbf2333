"""Wrong expectations through the real LoadGen: what is said, with which option and value, and one more try."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.calibrate import Judgement, advice, merged
from harness.model import LoadSettings, RunRequest
from harness.plan import plan
from harness.results import Done
from harness.runner import NoPower, Runner
from harness.scenarios import BY_NAME
from schemas.errors import Failed

Request = Callable[..., RunRequest]
FEW = LoadSettings(min_query_count=4)
"""LoadGen's own minimum would fill these short runs whatever is expected."""


def executed(request: RunRequest, folder: Path, said: list[str]) -> Done:
    planned = plan(request)
    return Runner(planned, folder, NoPower(), said.append).run()


def few(request: RunRequest, folder: Path, said: list[str]) -> Done:
    planned = plan(request)
    short = replace(planned, settings=merged(planned.settings, FEW))
    return Runner(short, folder, NoPower(), said.append).run()


def corrected(said: list[str], option: str) -> float:
    """The value behind the option in the one sentence about an invalid run."""
    (told,) = (line for line in said if "INVALID" in line)
    match = re.search(rf"{option} ([\d.e+]+)$", told)
    assert match is not None, told
    return float(match.group(1))


def test_single_stream_that_ends_early_is_told_and_tried_once_more(
    request_for: Request, tmp_path: Path
) -> None:
    said: list[str] = []
    request = request_for(mode="performance", rehearsal_s=1.5, target_latency_ms=400.0)
    done = few(request, tmp_path / "logs", said)
    assert done.retried == ["performance"]
    assert done.results["performance"].valid
    value = corrected(said, "--target-latency-ms")
    assert value < 400.0
    assert done.settings.target_latency_ms == pytest.approx(value, rel=1e-3)


def test_offline_that_ends_early_is_told_and_tried_once_more(request_for: Request, tmp_path: Path) -> None:
    said: list[str] = []
    request = request_for(scenario="Offline", mode="performance", rehearsal_s=1.5, target_qps=10.0)
    done = executed(request, tmp_path / "logs", said)
    assert done.retried == ["performance"]
    assert done.results["performance"].valid
    value = corrected(said, "--target-qps")
    assert value > 10.0, "a busy machine is faster too"
    assert done.settings.target_qps == pytest.approx(value, rel=1e-3)


def test_multi_stream_that_ends_early_is_told_and_lasts_its_time_at_the_second_try(
    request_for: Request, tmp_path: Path
) -> None:
    """So few queries are not enough for early stopping; the second try fails by this alone, and says so."""
    said: list[str] = []
    request = request_for(
        scenario="MultiStream", mode="performance", rehearsal_s=1.5, target_latency_ms=2000.0
    )
    with pytest.raises(Failed) as caught:
        few(request, tmp_path / "logs", said)
    assert corrected(said, "--target-latency-ms") < 2000.0
    assert "INVALID: too few queries for early stopping; let it run longer" in str(caught.value)
    assert "minimum duration" not in str(caught.value)


@pytest.mark.parametrize(
    ("scenario", "option", "wrong"),
    [
        ("SingleStream", "target_latency_ms", 0.05),
        ("MultiStream", "target_latency_ms", 0.2),
        ("Offline", "target_qps", 3000.0),
    ],
)
def test_an_expectation_that_is_too_good_only_costs_time_or_memory(
    request_for: Request, tmp_path: Path, scenario: str, option: str, wrong: float
) -> None:
    request = request_for(scenario=scenario, mode="performance", rehearsal_s=0.5)
    done = executed(replace(request, **{option: wrong}), tmp_path / "logs", [])
    assert done.retried == []
    assert done.results["performance"].valid


@pytest.mark.parametrize(
    ("scenario", "key", "wrong", "option"),
    [
        ("SingleStream", "target_latency", 400, "--target-latency-ms"),
        ("MultiStream", "target_latency", 2000, "--target-latency-ms"),
        ("Offline", "target_qps", 20, "--target-qps"),
    ],
)
def test_own_settings_are_never_changed_and_the_sentence_says_what_to_change(
    request_for: Request, tmp_path: Path, scenario: str, key: str, wrong: int, option: str
) -> None:
    conf = tmp_path / "user.conf"
    rows = {"min_duration": 1500, "min_query_count": 4, key: wrong}
    conf.write_text("".join(f"*.{scenario}.{name} = {value}\n" for name, value in rows.items()))
    request = request_for(scenario=scenario, mode="performance", rehearsal_s=None, user_conf=conf)
    with pytest.raises(Failed, match="LoadGen calls the performance run INVALID") as caught:
        Runner(plan(request), tmp_path / "logs", NoPower(), [].append).run()
    match = re.search(
        rf"set \*\.{scenario}\.{key} = ([\d.e+]+) or \w+ in {re.escape(str(conf))}, or give {option} \1",
        str(caught.value),
    )
    assert match is not None, str(caught.value)
    assert (float(match.group(1)) < wrong) == (key == "target_latency")


def test_a_fault_that_no_option_cures_points_at_the_logs() -> None:
    assert "mlperf_log_detail.txt" in advice(BY_NAME["Offline"], Judgement(False, ("x",), None))
