"""Ctrl-C in a run of the length that the rules want: LoadGen has hundreds of thousands of queries prepared by then."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.model import Fixture
from tests.harness.interrupted import completed

WITHIN_S = 2.0


def test_an_interrupted_campaign_says_how_to_go_on(fixture: Fixture, tmp_path: Path) -> None:
    path = tmp_path / "my lab.toml"
    path.write_text(
        f'output = "tree"\n[defaults]\nfixture = "{fixture.path}"\nrehearsal = 60\ntarget_latency_ms = 2\n'
        '[[run]]\nbenchmark = "resnet50"\nscenario = "SingleStream"\nmode = "performance"\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "campaign", str(path)], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert any("performance: running" in line for line in iter(process.stderr.readline, ""))
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert f"go on with: mlharness campaign '{path}' --resume" in said


@pytest.mark.alone
@pytest.mark.parametrize(
    ("scenario", "expectation"),
    [
        ("SingleStream", ("--target-latency-ms", "1.6")),
        ("MultiStream", ("--target-latency-ms", "12")),
        ("Offline", ("--target-qps", "500")),
    ],
)
def test_ctrl_c_answers_within_two_seconds_with_complete_logs(
    fixture: Fixture, tmp_path: Path, scenario: str, expectation: tuple[str, str]
) -> None:
    """The small ResNet50 takes about 2 ms on a desktop processor: of SingleStream 750,000 queries are prepared."""
    words = [
        "run",
        "resnet50",
        "--scenario",
        scenario,
        "--mode",
        "performance",
        *expectation,
        "--threads",
        "1",
    ]
    words += ["--output", str(tmp_path / "tree"), "--fixture", str(fixture.path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *words], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert any("performance: running" in line for line in iter(process.stderr.readline, ""))
    time.sleep(4.0)
    process.send_signal(signal.SIGINT)
    begin_s = time.monotonic()
    process.communicate(timeout=60)
    took_s = time.monotonic() - begin_s
    print(f"{scenario}: {took_s:.2f} s")
    assert process.returncode == 130
    (path,) = tmp_path.glob("tree.work/**/run_1/mlperf_log_detail.txt")
    log = completed(path)
    assert log.first("effective_min_duration_ms") == 600_000
    assert log.first("result_validity") == "INVALID"
    assert len(log.power_windows) == 1
    assert took_s < WITHIN_S
