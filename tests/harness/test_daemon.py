"""The helpers of a run end with it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import daemon

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys, time
from pathlib import Path
from harness import daemon
meter, port = daemon.emulator("yokogawa-wt300", "constant:100", Path("."))
powerd, url = daemon.powerd("yokogawa-wt300", port, Path("."))
print(meter._process.pid, powerd._process.pid, flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_helpers_of_a_killed_run_end_too(tmp_path: Path, number: int) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stdout is not None
    helpers = [int(word) for word in run.stdout.readline().split()]
    assert len(helpers) == 2
    assert all(alive(pid) for pid in helpers)
    run.send_signal(number)
    run.wait(10)
    run.stdout.close()
    deadline = time.monotonic() + 15
    while any(alive(pid) for pid in helpers):
        assert time.monotonic() < deadline, "a helper has outlived its run"
        time.sleep(0.05)
    # The daemon ended in order: its lock is free and its last record is kept.
    from powerd.store import Store

    Store(tmp_path / "data", "another boot").close()


def test_a_helper_that_is_told_to_end_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    meter, port = daemon.emulator("yokogawa-wt300", "constant:100", tmp_path)
    assert Path(port).exists()
    with meter:
        assert meter.running()
    assert not meter.running()
