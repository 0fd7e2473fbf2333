"""SIGKILL at any moment of a daemon's life, also while it starts or a window is being opened or closed.

After each death the file is whole, the samples have no holes, and all that a client had seen a second ago or had been
promised is there. A window that lives through all of it says how often the daemon was away.
"""

from __future__ import annotations

import contextlib
import random
import select
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from powerd.client import ClientError, PowerdClient
from tests.powerd.rig import Daemon, Meter, wait_for_samples

S = 1_000_000_000
LONGEST_LIFE_S = 4.0


@dataclass
class Known:
    """What a client knows: the newest sample that it saw a second ago, and what it was promised."""

    sequence: int = 0
    windows: set[str] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)
    lives: int = 0
    ready: int = 0


def spawn(folder: Path, port: str) -> subprocess.Popen[str]:
    """A daemon that need not live to say that it is ready."""
    meter = f"wall=yokogawa-wt300:{port},interval=100ms,baud=115200,voltage_range=300,current_range=1"
    command = ["run", "--meter", meter, "--data-dir", str(folder / "data"), "--listen", "127.0.0.1:0"]
    return subprocess.Popen([sys.executable, "-m", "powerd", *command], stdout=subprocess.PIPE, text=True)


def life(folder: Path, port: str, length_s: float, known: Known, chance: random.Random) -> None:
    """One daemon from its start to its death after so many seconds, with a client that works as long as it can."""
    daemon = spawn(folder, port)
    assert daemon.stdout is not None
    reaper = threading.Timer(length_s, daemon.kill)
    reaper.start()
    known.lives += 1
    try:
        ready, _, _ = select.select([daemon.stdout], [], [], length_s + 5)
        url = daemon.stdout.readline().strip() if ready else ""
        if url:
            known.ready += 1
            with contextlib.suppress(ClientError), contextlib.closing(PowerdClient(url)) as client:
                work(client, known, chance)
    finally:
        assert daemon.wait(length_s + 10) == -signal.SIGKILL
        daemon.stdout.close()
        reaper.join()
    judge(folder, known)


def work(client: PowerdClient, known: Known, chance: random.Random) -> None:
    """Look at samples, and mark the window of this test, until the daemon dies."""
    if not known.windows:
        known.windows.add(client.open_window("through deaths", "wall", ident="through")["id"])
    while True:
        rows = client.samples("wall", time.time_ns() - 5 * S, time.time_ns() - S, limit=10_000)
        known.sequence = max([known.sequence, *(int(r["sequence"]) for r in rows)])
        text = f"mark {chance.getrandbits(60)}"
        client.mark("through", text)
        known.marks.add(text)
        time.sleep(chance.uniform(0, 0.1))


def judge(folder: Path, known: Known) -> None:
    """The file as it lies there."""
    file = folder / "data/powerd.sqlite"
    if not file.exists():
        assert not known.windows
        return
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
        assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = {row[0] for row in store.execute("SELECT name FROM sqlite_master")}
        if "readings" not in tables or "marks" not in tables:  # killed before it had made them
            assert known.sequence == 0
            return
        there = [row[0] for row in store.execute("SELECT sequence FROM readings ORDER BY id")]
        assert there == list(range(1, len(there) + 1))
        assert len(there) >= known.sequence, "a sample older than a second is lost"
        assert known.windows <= {row[0] for row in store.execute("SELECT id FROM windows")}
        assert known.marks <= {row[0] for row in store.execute("SELECT text FROM marks")}


def kills(folder: Path, count: int, seed: int) -> None:
    chance, known = random.Random(seed), Known()
    meter = Meter(folder, "constant:100")
    last: Daemon | None = None
    try:
        life(folder, meter.port, 2 * LONGEST_LIFE_S, known, chance)
        begin = time.time_ns()
        for _ in range(count - 1):
            life(folder, meter.port, chance.uniform(0.05, LONGEST_LIFE_S), known, chance)
        last = Daemon(folder, meter.port)
        client = PowerdClient(last.url)
        wait_for_samples(client)
        time.sleep(1.0)
        end = time.time_ns()
        window: dict[str, Any] = client.close_window("through", begin, end)
        client.close()
        truth_j = meter.energy_j(begin, end)
    finally:
        if last is not None:
            last.stop()
        meter.stop()
    (absent,) = [r for r in window["reasons"] if r.startswith("daemon-absent: ")]
    print(
        f"{known.lives} kills, {known.ready} after the daemon was ready; {known.sequence} samples and "
        f"{len(known.marks)} marks kept; {absent}; "
        f"{window['energy_j']:.1f} ± {window['energy_u95_j']:.1f} J, drawn {truth_j:.1f} J"
    )
    assert known.sequence > 5
    assert known.marks
    assert abs(window["energy_j"] - truth_j) <= window["energy_u95_j"]
    assert window["quality"] == "bad"


def test_two_kills_at_random(tmp_path: Path) -> None:
    kills(tmp_path, 2, seed=1)


@pytest.mark.proof
def test_fifty_kills_at_random(tmp_path: Path) -> None:
    kills(tmp_path, 50, seed=2)
