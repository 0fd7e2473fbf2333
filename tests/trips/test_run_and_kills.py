"""A benchmark run whose power daemon is killed again and again: the run goes on, and the result says so."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.registry import benchmark
from powerd.client import ClientError, PowerdClient
from tests.calm import when_calm
from tests.powerd.rig import Daemon, Meter, wait_for_samples

OLD_NS = 1_000_000_000
PATIENCE_S = 60.0


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextlib.contextmanager
def harness_run(folder: Path, url: str, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """SingleStream of a small ResNet50 in the power windows of the daemon at ``url``."""
    made = benchmark("resnet50").make_fixture(folder / "fixture", width="small", seed=1, samples=32)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "harness.cli", "run", "resnet50", "--scenario", "SingleStream"),
            *("--fixture", str(made.path), "--output", str(folder / "tree"), "--mode", "performance"),
            *("--power", url, "--rehearsal", str(seconds), "--threads", "1"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def window_under_test(client: PowerdClient) -> dict[str, Any] | None:
    """The open window of the testing pass, once there is one."""
    rows = [
        w for w in client.windows(limit=30) if w["state"] == "open" and w["labels"].get("mode") == "testing"
    ]
    return client.window(rows[0]["id"]) if rows else None


def wait_for_testing(client: PowerdClient, process: subprocess.Popen[str]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        found = window_under_test(client)
        if found is not None:
            return found
        time.sleep(0.2)
    raise AssertionError("the testing pass never began")


def on_disk(folder: Path) -> set[int]:
    """Sequence numbers in the store, read while no daemon runs."""
    with sqlite3.connect(folder / "data" / "powerd.sqlite") as connection:
        return {row[0] for row in connection.execute("SELECT sequence FROM readings")}


def killed_in_a_run(folder: Path, kills: int, seconds: float, between_s: float) -> dict[str, Any]:
    """What the daemon says of the testing window of a run in which it was killed ``kills`` times."""
    address = free_address()
    meter = Meter(folder, "constant:60")
    daemon = Daemon(folder, meter.port, "250ms", listen=address)
    client = PowerdClient(daemon.url)
    try:
        wait_for_samples(client)
        with harness_run(folder, daemon.url, seconds) as process:
            window = wait_for_testing(client, process)
            for _ in range(kills):
                time.sleep(between_s)
                rows = client.samples("wall", limit=10_000)
                seen = {r["sequence"] for r in rows if r["unix_ns"] < time.time_ns() - OLD_NS}
                daemon.stop(signal.SIGKILL)
                assert seen
                assert seen <= on_disk(folder), "a sample older than a second is lost"
                daemon = Daemon(folder, meter.port, "250ms", listen=address)
                client = PowerdClient(daemon.url)
            out, err = process.communicate(timeout=seconds + PATIENCE_S)
            assert process.returncode == 1, (out, err)
        closed = client.window(window["id"])
        assert "Traceback" not in err
        assert "the testing window is covered by good samples to" in err
        assert "daemon-absent" in err.splitlines()[-1]
        assert not (folder / "tree").exists(), "a result with holes in its power is not a result"
        drawn = meter.energy_j(closed["begin_unix_ns"], closed["end_unix_ns"])
        assert abs(closed["energy_j"] - drawn) <= closed["energy_u95_j"] * 2
        return closed
    finally:
        with contextlib.suppress(ClientError):
            client.close()
        daemon.stop()
        meter.stop()


def judge(closed: dict[str, Any], kills: int) -> None:
    (absent,) = [r for r in closed["reasons"] if r.startswith("daemon-absent")]
    print(
        f"{absent}; {closed['energy_j']:.1f} ± {closed['energy_u95_j']:.1f} J, coverage {closed['coverage']:.3f}"
    )
    assert absent.endswith("(once)" if kills == 1 else f"({kills} times)")
    assert closed["quality"] == "bad"
    assert closed["coverage"] < 0.99


@when_calm
def test_a_run_goes_on_when_its_daemon_is_killed(tmp_path: Path) -> None:
    judge(killed_in_a_run(tmp_path, kills=1, seconds=8.0, between_s=2.5), 1)


@pytest.mark.proof
@when_calm
def test_a_run_goes_on_through_twenty_kills(tmp_path: Path) -> None:
    judge(killed_in_a_run(tmp_path, kills=20, seconds=100.0, between_s=2.0), 20)
