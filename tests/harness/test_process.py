"""The parent's side of a child: a hung one, a dead one, one whose parent is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import stacks
from harness.model import Fixture, Job
from harness.process import ChildProcess, Patience
from schemas.errors import Failed, UserError
from schemas.loadgen import LoadgenLog
from schemas.rounds import load_round
from tests.harness.interrupted import completed

QUICK = Patience(stall_s=0.6, drain_s=0.2, signal_s=0.3)


def job(fixture: Fixture, folder: Path, *, conf: str = "", **changes: str | int) -> Job:
    (folder / "user.conf").write_text(conf)
    facts = {
        "kind": "loadgen",
        "benchmark": "resnet50",
        "loadgen_model": "resnet50",
        "scenario": "SingleStream",
        "mode": "performance",
        "model": str(fixture.model),
        "dataset": str(fixture.dataset),
        "backend": "onnxruntime",
        "threads": 1,
        "log_dir": str(folder),
        "user_conf": str(folder / "user.conf"),
        "audit_conf": str(folder / "none"),
        "seeds": dict(load_round("v4.1").seeds()),
        "performance_sample_count": 32,
        "batch": 32,
    }
    return Job.from_json({**facts, **changes})


LONG = "*.SingleStream.target_latency = 1\n*.SingleStream.min_duration = 60000\n"


def test_hung_child_is_found_its_stacks_are_kept_and_it_is_killed(fixture: Fixture, tmp_path: Path) -> None:
    child = ChildProcess(job(fixture, tmp_path), tmp_path, patience=QUICK, entry="tests.harness.hung_child")
    with child:
        child.wait_for("ready")
        child.go()
        with pytest.raises(
            Failed,
            match=r"nothing was completed .* it hung in hang_here_for_ever \(harness/hung_child\.py:\d+\).*child\.log",
        ):
            child.wait_for("done")
    assert "hang_here_for_ever" in (tmp_path / "child.log").read_text()
    assert child.ended


DUMP = """some words of a runtime
Thread 0x00007f01 (most recent call first):
  File "/x/harness/backends/onnxruntime.py", line 61 in infer
  File "/x/harness/sut.py", line 141 in _answer
  File "/x/harness/sut.py", line 101 in issue
  File "/x/harness/loadgen.py", line 88 in run
  File "/usr/lib/python3.11/threading.py", line 982 in run

Thread 0x00007f02 (most recent call first):
  File "/x/harness/child.py", line 187 in _listen
  File "/usr/lib/python3.11/threading.py", line 982 in run

Current thread 0x00007f03 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 327 in wait
  File "/x/harness/child.py", line 95 in _measure
  File "/x/harness/child.py", line 220 in main
"""


def test_the_thread_that_works_is_named_not_those_that_wait() -> None:
    assert stacks.where(DUMP) == (
        "infer (backends/onnxruntime.py:61), called by _answer (harness/sut.py:141), "
        "called by issue (harness/sut.py:101)"
    )
    assert stacks.where("nothing of the kind\n") is None


def test_killed_child_is_one_sentence(fixture: Fixture, tmp_path: Path) -> None:
    with ChildProcess(job(fixture, tmp_path, conf=LONG), tmp_path) as child:
        child.wait_for("ready")
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(Failed, match="the process of the run ended by SIGKILL, maybe for want of memory"):
            child.wait_for("done")


def test_leaving_before_the_run_waits_for_nothing(fixture: Fixture, tmp_path: Path) -> None:
    """Loading a model cannot be interrupted, and there are no logs to complete."""
    with ChildProcess(job(fixture, tmp_path, conf=LONG), tmp_path) as child:
        pass
    assert child._process.returncode == -signal.SIGKILL
    assert not (tmp_path / "mlperf_log_detail.txt").exists()


def test_leaving_early_drains_and_leaves_complete_logs(fixture: Fixture, tmp_path: Path) -> None:
    with ChildProcess(job(fixture, tmp_path, conf=LONG), tmp_path) as child:
        child.wait_for("ready")
        child.go()
        while child.progress.completed < 5:
            child.wait_for("beat")
    log = LoadgenLog.read(tmp_path / "mlperf_log_detail.txt")
    assert log.first("result_validity") == "INVALID"
    assert len(log.power_windows) == 1
    assert child.ended


def test_one_who_pressed_ctrl_c_waits_for_an_answer_and_not_for_a_long_log(
    fixture: Fixture, tmp_path: Path
) -> None:
    child = ChildProcess(job(fixture, tmp_path, conf=LONG), tmp_path, patience=Patience(answer_s=0.0))
    child.wait_for("ready")
    child.go()
    while child.progress.completed < 5:
        child.wait_for("beat")
    with pytest.raises(KeyboardInterrupt), child:
        raise KeyboardInterrupt
    assert child.left
    assert completed(tmp_path / "mlperf_log_detail.txt").first("result_validity") == "INVALID"
    child.end()


def test_child_ends_by_itself_when_its_parent_is_gone(fixture: Fixture, tmp_path: Path) -> None:
    """The end of its input is the word ``stop``."""
    text = json.dumps(job(fixture, tmp_path, conf=LONG).to_json()) + "\ngo\n"
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "harness.child"],
        input=text,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 0
    assert time.monotonic() - begin < 30
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["event"], last["drained"]) == ("done", True)


def test_seeds_stay_64_bits_wide(fixture: Fixture, tmp_path: Path) -> None:
    conf = "*.SingleStream.target_latency = 1\n*.SingleStream.min_duration = 100\n"
    with ChildProcess(job(fixture, tmp_path, conf=conf), tmp_path) as child:
        child.wait_for("ready")
        child.go()
        child.wait_for("done")
    log = LoadgenLog.read(tmp_path / "mlperf_log_detail.txt")
    for name, seed in load_round("v4.1").seeds().items():
        assert log.first(f"effective_{name}") == seed
        assert isinstance(log.first(f"effective_{name}"), int)
    assert max(load_round("v4.1").seeds().values()) > 2**63


def test_line_that_loadgen_does_not_accept(fixture: Fixture, tmp_path: Path) -> None:
    with ChildProcess(
        job(fixture, tmp_path, conf="*.SingleStream.target_latency = soon\n"), tmp_path
    ) as child:
        child.wait_for("ready")
        child.go()
        with pytest.raises(UserError, match=r"LoadGen does not accept .*user\.conf"):
            child.wait_for("done")


def test_model_of_another_kind_is_refused_by_name(fixture: Fixture, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(b"not a model")
    with (
        ChildProcess(job(fixture, tmp_path, model=str(other)), tmp_path) as child,
        pytest.raises(UserError, match=r"other\.onnx cannot be opened"),
    ):
        child.wait_for("ready")
