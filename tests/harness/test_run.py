"""The trip from a command to a tree, with the real LoadGen and ONNX Runtime on the small fixture."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import service
from harness.accuracy_log import truncated
from harness.model import Fixture, PowerRequest, RunRequest, RunSpec
from harness.plan import plan
from harness.runner import Runner
from schemas import documents
from schemas.loadgen import LoadgenLog
from schemas.rounds import load_round
from tests.harness.interrupted import completed

Request = Callable[..., RunRequest]
Program = Callable[..., tuple[int, str, str]]
ROUND = load_round("v4.1")


def silent(text: str) -> None:
    assert text


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def record(tree: Path, scenario: str = "SingleStream") -> dict[str, object]:
    path = tree / f"open/tester/measurements/bench/resnet50/{scenario}/edgewatt.json"
    document: dict[str, object] = json.loads(path.read_text())
    assert list(documents.violations("run-record", document)) == []
    return document


def test_single_stream_to_a_tree(request_for: Request, fixture: Fixture) -> None:
    outcome = service.run(request_for(), silent)
    tree = outcome.written.tree
    place = "results/bench/resnet50/SingleStream"
    notes = "measurements/bench/resnet50/SingleStream"
    assert files(tree / "open/tester") == {
        "systems/bench.json",
        "code/resnet50/edgewatt/README.md",
        f"{place}/accuracy/accuracy.txt",
        f"{place}/accuracy/mlperf_log_accuracy.json",
        f"{place}/accuracy/mlperf_log_detail.txt",
        f"{place}/accuracy/mlperf_log_summary.txt",
        f"{place}/performance/run_1/mlperf_log_detail.txt",
        f"{place}/performance/run_1/mlperf_log_summary.txt",
        f"{notes}/mlperf.conf",
        f"{notes}/user.conf",
        f"{notes}/README.md",
        f"{notes}/bench_edgewatt_SingleStream.json",
        f"{notes}/edgewatt.json",
    }
    assert sorted(p.name for p in tree.iterdir()) == ["open"]
    accuracy = (tree / "open/tester" / place / "accuracy/accuracy.txt").read_text().splitlines()
    good = round(fixture.value * fixture.samples / 100)
    assert accuracy[0] == f"accuracy={fixture.value:.3f}%, good={good}, total={fixture.samples}"
    work = outcome.done.results["accuracy"].log_dir / "mlperf_log_accuracy.json"
    assert accuracy[-1] == "hash=" + hashlib.sha256(work.read_bytes()).hexdigest()
    log = LoadgenLog.read(tree / "open/tester" / place / "performance/run_1/mlperf_log_detail.txt")
    assert log.first("effective_min_duration_ms") == 1000
    assert log.first("result_validity") == "VALID"
    said = record(tree)
    assert said["rehearsal"] is True
    assert said["shortened"] == {
        "min_duration_ms": {"used": 1000.0, "wanted": 600_000},
        "performance_sample_count": {"used": fixture.samples, "wanted": 1024},
        "dataset_size": {"used": fixture.samples, "wanted": 50_000},
    }
    assert set(said["synthetic"]) == {"dataset", "weights", "planted_accuracy"}  # type: ignore[call-overload]
    assert said["simulated"] == said["unofficial"] == said["windows"] == {}
    assert said["runs"]["performance"]["telemetry"]["samples"] >= 1  # type: ignore[index]
    assert (outcome.done.results["performance"].log_dir / "telemetry.csv").is_file()


@pytest.mark.parametrize("scenario", ["MultiStream", "Offline"])
def test_other_scenarios_join_the_tree(request_for: Request, fixture: Fixture, scenario: str) -> None:
    request = request_for(
        scenario=scenario, rehearsal_s=0.5, threads=2, target_latency_ms=4.0, target_qps=2000.0
    )
    outcome = service.run(request, silent)
    assert outcome.accuracy is not None
    assert outcome.accuracy.value == fixture.value
    log = LoadgenLog.read(outcome.written.results / "performance/run_1/mlperf_log_detail.txt")
    assert log.first("effective_scenario") == scenario
    assert log.first("effective_samples_per_query") == (8 if scenario == "MultiStream" else 1100)
    short = record(outcome.written.tree, scenario)["shortened"]
    assert ("offline_samples" in short) == (scenario == "Offline")  # type: ignore[operator]


def test_accuracy_may_follow_later_and_nothing_is_overwritten(request_for: Request, program: Program) -> None:
    request = request_for(mode="performance", target_latency_ms=1.0)
    first = service.run(request, silent)
    system = first.written.tree / "open/tester/systems/bench.json"
    system.write_text(system.read_text().replace("TO BE FILLED IN: air, passive, liquid", "passive"))
    conf = first.written.record.with_name("user.conf").read_text()
    second = service.run(request_for(mode="accuracy", rehearsal_s=None), silent)
    assert json.loads(system.read_text())["cooling"] == "passive"
    assert second.written.record.with_name("user.conf").read_text() == conf
    said = record(second.written.tree)
    assert set(said["runs"]) == {"performance", "accuracy"}  # type: ignore[call-overload]
    assert said["rehearsal"] is True
    assert "min_duration_ms" in said["shortened"]  # type: ignore[operator]
    before = files(first.written.tree)
    code, _, err = program(
        *(
            "run",
            "resnet50",
            "--scenario",
            "SingleStream",
            "--output",
            first.written.tree,
            "--system",
            "bench",
        ),
        *("--fixture", request.fixture, "--mode", "performance", "--submitter", "tester"),
    )
    assert code == 2
    assert "exists already" in err
    assert files(first.written.tree) == before


def test_wrong_expectation_is_retried_once_with_corrected_numbers(request_for: Request) -> None:
    said: list[str] = []
    outcome = service.run(
        request_for(mode="performance", target_latency_ms=500.0, rehearsal_s=3.0), said.append
    )
    assert outcome.done.retried == ["performance"]
    assert any("INVALID" in line and "corrected" in line for line in said)
    assert outcome.done.settings.target_latency_ms is not None
    assert outcome.done.settings.target_latency_ms < 100.0
    assert (outcome.done.results["performance"].log_dir.parent / "run_1.attempt1").is_dir()
    assert record(outcome.written.tree)["retried"] == ["performance"]


class Recorder:
    """What a runner does around its performance runs."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def before(self, spec: RunSpec) -> None:
        self.calls.append(f"before {spec.name}")

    def after(self, spec: RunSpec, log_dir: Path) -> None:
        assert (log_dir / "mlperf_log_detail.txt").is_file()
        self.calls.append(f"after {spec.name}")

    def restart(self) -> None:
        self.calls.append("restart")


def test_a_correction_begins_again_with_ranging(request_for: Request, tmp_path: Path) -> None:
    """Ranging and testing must have the same settings."""
    power = PowerRequest("http://127.0.0.1:9", None, None, None)
    planned = plan(request_for(power=power, mode="performance", target_latency_ms=500.0, rehearsal_s=3.0))
    recorder = Recorder()
    done = Runner(planned, tmp_path / "logs", recorder, silent).run()
    assert recorder.calls == [
        *("before ranging", "after ranging", "restart"),
        *("before ranging", "after ranging", "before performance", "after performance"),
    ]
    rates = {
        LoadgenLog.read(r.log_dir / "mlperf_log_detail.txt").first("effective_target_qps")
        for r in done.results.values()
    }
    assert len(rates) == 1


def test_invalid_with_own_settings_says_what_to_change(
    fixture: Fixture, program: Program, tmp_path: Path
) -> None:
    conf = tmp_path / "user.conf"
    conf.write_text("*.SingleStream.target_latency = 1000\n*.SingleStream.min_duration = 1500\n")
    tree = tmp_path / "tree"
    code, out, err = program(
        *("-q", "run", "resnet50", "--scenario", "SingleStream", "--output", tree, "--fixture", fixture.path),
        *("--user-conf", conf, "--mode", "performance"),
    )
    assert (code, out) == (1, "")
    assert "INVALID" in err
    assert "set *.SingleStream.target_latency = " in err
    assert f"in {conf}, or give --target-latency-ms" in err
    assert err.count("\n") == 1
    assert not tree.exists(), "never half a result"


def test_missing_image_is_refused_before_anything_runs(
    fixture: Fixture, program: Program, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(fixture.dataset, data)
    (data / "ILSVRC2012_val_00000005.JPEG").unlink()
    code, out, err = program(
        *("run", "resnet50", "--scenario", "SingleStream", "--output", tmp_path / "tree"),
        *("--model", fixture.model, "--dataset", data),
    )
    assert (code, out) == (2, "")
    assert "ILSVRC2012_val_00000005.JPEG" in err
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("tree*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_drains_and_keeps_what_is_there(fixture: Fixture, tmp_path: Path, number: int) -> None:
    tree = tmp_path / "tree"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "harness.cli", "run", "resnet50", "--scenario", "SingleStream"),
            *("--output", str(tree), "--fixture", str(fixture.path), "--target-latency-ms", "1"),
            *("--rehearsal", "40"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    assert any("performance: running" in line for line in lines)
    time.sleep(1.0)
    os.kill(process.pid, number)
    rest = process.communicate(timeout=40)[1]
    assert process.returncode == 130
    assert "stopping: the run is brought to its end, its logs are kept\n" in rest
    assert rest.endswith("mlharness: interrupted; what was written so far is kept\n")
    (log,) = tmp_path.glob("tree.work/**/run_1/mlperf_log_detail.txt")
    assert completed(log).first("result_validity") == "INVALID"
    assert not tree.exists()


def test_truncation_keeps_both_ends(tmp_path: Path) -> None:
    data, log = bytes(range(256)) * 200, tmp_path / "log"
    log.write_bytes(data)
    short = truncated(log)
    assert short == data[:4096] + b"\n\n...\n\n" + data[-4096:]
    assert len(short) <= 10_240
    log.write_bytes(data[:5000])
    assert truncated(log) == data[:5000]
