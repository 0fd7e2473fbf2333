"""SIGKILL of the daemon within a window: nothing older than a second is lost, and the window tells the tale."""

from __future__ import annotations

import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from powerd.client import PowerdClient
from tests.calm import when_calm
from tests.powerd.rig import Daemon, Meter, wait_for_samples

OLD_NS = 1_000_000_000


def seen_by(client: PowerdClient, since_ns: int) -> list[int]:
    """Sequence numbers of the samples that a client could see at least a second ago."""
    rows = client.samples("wall", since_ns, limit=10_000)
    return [r["sequence"] for r in rows if r["unix_ns"] < time.time_ns() - OLD_NS]


def kept(folder: Path) -> set[int]:
    """Sequence numbers on disk, read while no daemon runs."""
    with sqlite3.connect(folder / "data" / "powerd.sqlite") as connection:
        return {row[0] for row in connection.execute("SELECT sequence FROM readings")}


def kill_series(folder: Path, kills: int, between_s: float, down_s: float) -> dict[str, Any]:
    """Open a window, kill and restart the daemon some times, close the window; its document and the facts."""
    meter = Meter(folder, "constant:100")
    daemon = Daemon(folder, meter.port)
    client = PowerdClient(daemon.url)
    absent_s = 0.0
    try:
        wait_for_samples(client, count=3)
        ident = client.open_window("killed", "wall", ident="killed")["id"]
        begin = time.time_ns()
        for _ in range(kills):
            time.sleep(between_s)
            seen = seen_by(client, begin)
            killed = time.monotonic()
            daemon.stop(signal.SIGKILL)
            assert len(seen) > 5
            assert set(seen) <= kept(folder), "a sample older than a second is lost"
            time.sleep(down_s)
            daemon = Daemon(folder, meter.port)
            client = PowerdClient(daemon.url)
            wait_for_samples(client, count=1)
            absent_s += time.monotonic() - killed
            assert client.window(ident)["state"] == "open"
            with pytest.raises(Exception, match="leased by window 'killed'"):
                client.open_window("another", "wall")
        time.sleep(between_s)
        end = time.time_ns()
        document = client.close_window(ident, begin, end)
        truth = meter.energy_j(begin, end)
        return {"document": document, "absent_s": absent_s, "truth_j": truth, "seconds": (end - begin) / 1e9}
    finally:
        client.close()
        daemon.stop()
        meter.stop()


def judge(found: dict[str, Any], kills: int) -> None:
    document = found["document"]
    (absence,) = [r for r in document["reasons"] if r.startswith("daemon-absent: ")]
    named_s = float(absence.split()[1])
    missing_s = (1 - document["coverage"]) * document["duration_s"]
    print(f"{kills} kills: {absence}; {missing_s:.3f} s uncovered; at most {found['absent_s']:.3f} s; "
          f"{document['energy_j']:.2f} ± {document['energy_u95_j']:.2f} J, drawn {found['truth_j']:.2f} J")  # fmt: skip
    assert absence.endswith("(once)" if kills == 1 else f"({kills} times)")
    assert 0 < named_s <= missing_s + 0.2 * kills
    assert missing_s <= found["absent_s"] + 0.3 * kills
    assert document["state"] == "closed"
    assert document["quality"] == "bad"
    assert abs(document["energy_j"] - found["truth_j"]) <= document["energy_u95_j"]
    assert document["bridged_j"] == pytest.approx(100 * missing_s, rel=0.02)


@when_calm
def test_one_kill_within_a_window(tmp_path: Path) -> None:
    judge(kill_series(tmp_path, 1, 2.0, 0.2), 1)


@pytest.mark.proof
@when_calm
def test_five_kills_within_a_window(tmp_path: Path) -> None:
    judge(kill_series(tmp_path, 5, 4.0, 1.0), 5)
