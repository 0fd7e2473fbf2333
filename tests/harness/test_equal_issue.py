"""Equal issue: how many queries there will be, told beforehand, and by the LoadGens of three rounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness import estimate
from harness.estimate import passes
from harness.model import LoadSettings
from harness.process import ChildProcess
from harness.scenarios import BY_NAME
from schemas.loadgen import LoadgenLog
from schemas.rounds import load_round
from tests.harness.test_tokens import Prompts, spoken_job


@pytest.mark.parametrize(("queries", "whole", "wanted"), [(1, 8, 8), (8, 8, 8), (9, 8, 16), (7, 1, 7)])
def test_whole_passes(queries: int, whole: int, wanted: int) -> None:
    assert passes(queries, whole) == wanted


def test_single_stream_takes_every_sample_equally_often_whatever_that_takes() -> None:
    """2 × 600 s at 80 ms are 15 000 queries: two passes over 13 368 articles, at 80 ms each."""
    settings = LoadSettings(target_latency_ms=80.0)
    one = estimate.performance(load_round("v5.0"), "gptj-99", BY_NAME["SingleStream"], settings, None)
    assert one is not None
    assert one.queries == one.prepared == 26_736
    assert one.seconds == pytest.approx(2138.88)


def test_a_fixture_has_few_samples_and_another_benchmark_none_of_this() -> None:
    settings, stream = LoadSettings(target_latency_ms=80.0), BY_NAME["SingleStream"]
    few = estimate.performance(load_round("v5.0"), "gptj-99", stream, settings, None, 8)
    other = estimate.performance(load_round("v5.0"), "resnet", stream, settings, None)
    assert few is not None
    assert other is not None
    assert few.queries == 15_000
    assert other.queries == 7501


@pytest.mark.parametrize("round_name", ["v4.1", "v5.1", "v6.1"])
def test_loadgen_issues_as_many_as_told(round_name: str, tmp_path: Path) -> None:
    """2 × 0.3 s at 4 ms are 150 queries: with 40 samples loaded, 160 are demanded.

    The runtime here is so fast that the duration is not reached, so LoadGen goes on with what else it has prepared.
    """
    conf = tmp_path / "user.conf"
    lines = ("min_duration = 300", "target_latency = 4")
    conf.write_text("".join(f"*.SingleStream.{line}\n" for line in lines), encoding="utf-8")
    told = spoken_job(tmp_path, round_name, conf, fails=False)
    told = replace(told, loadgen_model="gptj", token_latencies=False, performance_sample_count=40)
    assert len(Prompts()) > 40
    with ChildProcess(told, tmp_path, entry="tests.harness.speaking_child") as child:
        child.wait_for("ready")
        child.go()
        done = child.wait_for("done")
    log = LoadgenLog.read(tmp_path / "mlperf_log_detail.txt")
    assert log.first("effective_sample_concatenate_permutation") is True
    assert log.first("effective_min_query_count") == passes(150, 40) == 160
    assert done["completed"] in (160, 200)
