"""What a week in a laboratory does to a daemon: signals, full disks, pulled plugs, noise. Real programs throughout.

After each knock every sample older than a second is in the store, gaps are named, and the window says it.
"""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from powerd.client import ClientError, PowerdClient
from tests.powerd.events import events, listen
from tests.powerd.rig import Daemon, Meter, Process, wait_for_samples

S = 1_000_000_000
PATIENCE_S = 30.0


@contextmanager
def laboratory(
    folder: Path, interval: str = "100ms", **meter: Any
) -> Iterator[tuple[Meter, Daemon, PowerdClient]]:
    """An emulated meter and a daemon that measures it; a longer interval bears a busier machine."""
    emulated = Meter(folder, **meter)
    daemon = Daemon(folder, emulated.port, interval)
    client = PowerdClient(daemon.url)
    try:
        wait_for_samples(client)
        yield emulated, daemon, client
    finally:
        client.close()
        daemon.stop()
        emulated.stop()


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def sequences(folder: Path) -> list[int]:
    """What lies in the store, read from the file itself."""
    with sqlite3.connect(f"file:{folder / 'data/powerd.sqlite'}?mode=ro", uri=True) as store:
        return [row[0] for row in store.execute("SELECT sequence FROM readings ORDER BY id")]


def older_than_a_second(client: PowerdClient) -> int:
    """The newest sequence number of a sample that is older than a second now."""
    now = time.time_ns()
    rows = client.samples("wall", now - 5 * S, now - S, limit=10_000)
    return int(rows[-1]["sequence"]) if rows else 0


def newest(client: PowerdClient) -> int:
    return int(client.meters()[0]["latest"]["sequence"])


def names(window: dict[str, Any]) -> set[str]:
    return {reason.split(":")[0] for reason in window["reasons"]}


def holds(window: dict[str, Any], truth_j: float) -> bool:
    """Whether the error bar holds what was really drawn."""
    return abs(float(window["energy_j"]) - truth_j) <= float(window["energy_u95_j"])


def killed_in_a_window(folder: Path, deaths: Mapping[int, int], times: int = 1) -> dict[str, Any]:
    """A window through deaths by these signals, with the exit code of each; closed by the last life."""
    meter = Meter(folder, "sine:100,40,3")
    lives: list[Daemon] = []
    try:
        lives.append(Daemon(folder, meter.port))
        client = PowerdClient(lives[-1].url)
        wait_for_samples(client)
        window = client.open_window("through deaths", "wall")
        begin = time.time_ns()
        for number, code in list(deaths.items()) * times:
            time.sleep(1.3)
            sure = older_than_a_second(client)
            client.close()
            assert lives[-1].stop(number) == code
            there = sequences(folder)
            assert there == list(range(1, len(there) + 1))
            assert there[-1] >= sure > 0
            lives.append(Daemon(folder, meter.port))
            client = PowerdClient(lives[-1].url)
            wait_for_samples(client)
        time.sleep(0.5)
        end = time.time_ns()
        closed = client.close_window(window["id"], begin, end)
        client.close()
        assert holds(closed, meter.energy_j(begin, end))
        return closed
    finally:
        for life in lives:
            life.stop()
        meter.stop()


def test_a_window_outlives_three_deaths_of_the_daemon(tmp_path: Path) -> None:
    deaths: dict[int, int] = {signal.SIGTERM: 0, signal.SIGINT: 130, signal.SIGKILL: -signal.SIGKILL}
    window = killed_in_a_window(tmp_path, deaths)
    assert {"daemon-absent", "coverage"} <= names(window)
    assert "(3 times)" in "".join(window["reasons"])
    assert window["quality"] == "bad"
    assert window["max_gap_s"] > 0.2


@pytest.mark.proof
def test_twenty_kills_in_one_window(tmp_path: Path) -> None:
    window = killed_in_a_window(tmp_path, {signal.SIGKILL: -signal.SIGKILL}, times=20)
    (absent,) = [r for r in window["reasons"] if r.startswith("daemon-absent")]
    print(
        f"{absent}; {window['energy_j']:.1f} ± {window['energy_u95_j']:.1f} J, coverage {window['coverage']:.3f}"
    )
    assert "(20 times)" in absent


def test_a_second_daemon_is_refused_and_the_first_does_not_notice(tmp_path: Path) -> None:
    with laboratory(tmp_path, "250ms") as (meter, daemon, client):
        before = newest(client)
        code, text = Process(
            "run", "--meter", f"wall=yokogawa-wt300:{meter.port}", "--data-dir", str(tmp_path / "data"),
            "--listen", "127.0.0.1:0",
        ).outcome()  # fmt: skip
        assert code == 2
        assert f"process {daemon.process.pid}" in text
        until(lambda: newest(client) > before + 5, "the first daemon stopped measuring")
        rows = client.samples("wall", limit=10_000)
        assert [r["sequence"] for r in rows] == list(range(1, len(rows) + 1))
        assert {r["quality"] for r in rows if r["sequence"] > before} == {"good"}


def test_a_full_disk_stops_nothing_and_loses_nothing(tmp_path: Path) -> None:
    with laboratory(tmp_path, "250ms") as (meter, daemon, client):
        window = client.open_window("full", "wall")
        begin = time.time_ns()
        largest = max(os.path.getsize(p) for p in (tmp_path / "data").iterdir())
        # No file of this process may grow beyond this: to it, that is a full disk.
        limit = (largest + 4096, resource.RLIM_INFINITY)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, limit)
        until(lambda: client.health()["store"]["error"] is not None, "the disk never was full")
        assert client.health()["status"] == "degraded"
        assert "free disk space" in client.health()["problems"][0]
        with pytest.raises(ClientError) as refused:
            client.mark(window["id"], "nobody can keep this")
        assert refused.value.status == 507
        before = newest(client)
        until(lambda: newest(client) > before + 5, "measuring stopped with the disk")
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        until(lambda: client.health()["store"]["error"] is None, "the store never came back")
        end = time.time_ns()
        closed = client.close_window(window["id"], begin, end)
        assert (closed["quality"], closed["coverage"], closed["reasons"]) == ("good", pytest.approx(1.0), [])
        assert holds(closed, meter.energy_j(begin, end))
        there = sequences(tmp_path)
        assert there == list(range(1, len(there) + 1))
        assert there[-1] > before + 5


def unplugged(folder: Path, times: int, every_s: float = 2.0, out_s: float = 0.5) -> None:
    """A plug that is pulled again and again, half a second each time."""
    pulls = [(4 + every_s * n, 4 + out_s + every_s * n) for n in range(times)]
    faults = ",".join(f"unplug@{a:.3f}-{b:.3f}" for a, b in pulls)
    with laboratory(folder, load="constant:100", faults=faults) as (_, daemon, client):
        stream = listen(daemon.url)
        window = client.open_window("unplugged", "wall")
        begin = time.time_ns()
        until_s = PATIENCE_S + every_s * times
        deadline = time.monotonic() + until_s
        while not (client.meters()[0]["reconnects"] >= times and client.meters()[0]["connected"]):
            assert time.monotonic() < deadline, "the meter did not come back"
            time.sleep(0.1)
        back = newest(client)
        until(lambda: newest(client) > back + 5, "no samples after the last plug")
        closed = client.close_window(window["id"], begin, time.time_ns())
        assert client.meters()[0]["reconnects"] == times
        there = sequences(folder)
        assert there == list(range(1, len(there) + 1))
        assert "coverage" in names(closed)
        assert closed["quality"] == "bad"
        assert 0.6 * out_s < closed["max_gap_s"] < 4.0
        # The load is even, so bridging is right; what a gap may hide stands in the error bar.
        assert abs(closed["energy_j"] / closed["duration_s"] - 100) < 0.5
        gone = closed["duration_s"] * (1 - closed["coverage"])
        assert 0.6 * out_s * times < gone < 3.0 * times
        print(f"{times} pulls: {gone:.2f} s without samples, longest {closed['max_gap_s']:.2f} s")
        daemon.stop()
        alarms = [body["kind"] for kind, body in events(stream) if kind == "alarm"]
        assert alarms.count("disconnected") == times


def test_unplug_and_replug_twice(tmp_path: Path) -> None:
    unplugged(tmp_path, 2)


@pytest.mark.proof
def test_unplug_and_replug_a_hundred_times(tmp_path: Path) -> None:
    unplugged(tmp_path, 100, every_s=1.8, out_s=0.3)


def test_noise_on_the_line_is_a_named_loss(tmp_path: Path) -> None:
    faults = "overrange@3.5-3.9,garbage=20@4.3-4.5,half@5-5.2"
    with laboratory(tmp_path, load="constant:100", faults=faults) as (_, daemon, client):
        stream = listen(daemon.url)
        window = client.open_window("noise", "wall")
        begin = time.time_ns()

        def well_again() -> bool:
            rows = [row["quality"] for row in client.samples("wall", begin, limit=10_000)]
            return {"overrange", "garbled"} <= set(rows) and set(rows[-5:]) == {"good"}

        until(well_again, "the faults never came or never went")
        closed = client.close_window(window["id"], begin, time.time_ns())
        counted = {name for name, count in closed["bad_samples"].items() if count}
        assert {"garbled", "overrange"} <= counted <= {"garbled", "late", "overrange"}
        assert counted | {"coverage"} <= names(closed)
        assert closed["quality"] == "bad"
        assert abs(closed["energy_j"] / closed["duration_s"] - 100) < 1.0
        assert closed["energy_high_j"] is None
        daemon.stop()
        alarms = {body["kind"] for kind, body in events(stream) if kind == "alarm"}
        assert alarms == {"garbled", "overrange"}
        there = sequences(tmp_path)
        assert there == list(range(1, len(there) + 1))
