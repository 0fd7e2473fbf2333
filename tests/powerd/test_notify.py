"""Words to a service manager, heard on a real datagram socket, of a part and of a whole daemon."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from powerd.client import PowerdClient
from powerd.notify import Notifier
from tests.powerd.rig import Meter, Process, wait_for_samples


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The service manager's ear."""
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.bind(str(tmp_path / "notify"))
    ear.settimeout(20)
    yield ear
    ear.close()


def heard(ear: socket.socket) -> dict[str, str]:
    return dict(line.split("=", 1) for line in ear.recv(4096).decode().split("\n"))


def until_ready(ear: socket.socket) -> None:
    """Pass over what is said before the next word that all is ready."""
    while "READY" not in heard(ear):
        pass


def test_what_is_said(manager: socket.socket, tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "60000000"})
    notifier.ready("fine")
    assert heard(manager) == {"READY": "1", "STATUS": "fine"}
    before = time.monotonic_ns() // 1000
    notifier.reloading()
    said = heard(manager)
    assert said["RELOADING"] == "1"
    assert before <= int(said["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    notifier.alive("fine")
    assert heard(manager) == {"WATCHDOG": "1", "STATUS": "fine"}
    notifier.alive("fine")  # half of the time has not passed: nothing is said
    notifier.stopping()
    assert heard(manager) == {"STOPPING": "1"}


def test_an_abstract_socket() -> None:
    name = f"edgewatt-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind("\0" + name)
        ear.settimeout(5)
        Notifier({"NOTIFY_SOCKET": f"@{name}"}).ready("fine")
        assert heard(ear)["READY"] == "1"


@pytest.mark.parametrize(
    ("environment", "every_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "2000000"}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_when_a_sign_of_life_is_wanted(environment: dict[str, str], every_s: float | None) -> None:
    assert Notifier(environment).watchdog_s == every_s


def test_nobody_listens(tmp_path: Path) -> None:
    Notifier({}).ready("fine")
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("fine")


def config(folder: Path, meters: dict[str, str], daemon: str = "") -> Path:
    file = folder / "powerd.toml"
    rows = "".join(
        f'[[meter]]\nname = "{name}"\ndriver = "yokogawa-wt300"\nport = "{port}"\ninterval = "100ms"\n'
        "baud = 115200\nvoltage_range = 300\ncurrent_range = 1\n"
        for name, port in meters.items()
    )
    file.write_text(f'[daemon]\nlisten = "127.0.0.1:0"\ndata_dir = "{folder / "data"}"\n{daemon}\n{rows}')
    return file


def test_a_daemon_under_a_service_manager(manager: socket.socket, tmp_path: Path) -> None:
    """READY, signs of life, a reload between RELOADING and READY, STOPPING; and no sample is lost by it."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    wall, rack = Meter(tmp_path / "a"), Meter(tmp_path / "b", "constant:50")
    file = config(tmp_path, {"wall": wall.port})
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
    daemon = Process("run", "--config", str(file), "--log-format", "json", env=environment)
    try:
        assert heard(manager) == {"READY": "1", "STATUS": "1 of 1 meters connected, store ok"}
        assert heard(manager)["WATCHDOG"] == "1"
        client = PowerdClient(daemon.first_line)
        wait_for_samples(client)
        begin = time.time_ns()
        config(tmp_path, {"wall": wall.port, "rack": rack.port})
        daemon.process.send_signal(signal.SIGHUP)
        said = [heard(manager) for _ in range(3)]
        words = [next(iter(s)) for s in said if "WATCHDOG" not in s]
        assert words[:1] == ["RELOADING"]
        if "READY" not in words:
            until_ready(manager)
        deadline = time.monotonic() + 20
        while not all(m["connected"] and m["samples"] > 3 for m in client.meters()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert [m["name"] for m in client.meters()] == ["wall", "rack"]
        sequences = [s["sequence"] for s in client.samples("wall", begin, time.time_ns())]
        assert sequences == list(range(sequences[0], sequences[-1] + 1))
        assert client.meter("wall")["reconnects"] == 0

        file.write_text("[daemon]\nlissten = 1\n")  # a mistake changes nothing
        daemon.process.send_signal(signal.SIGHUP)
        until_ready(manager)
        config(tmp_path, {"wall": wall.port})
        assert [m["name"] for m in client.meters()] == ["wall", "rack"]
        daemon.process.send_signal(signal.SIGHUP)
        while [m["name"] for m in client.meters()] != ["wall"]:
            assert time.monotonic() < deadline + 20
            time.sleep(0.05)
        daemon.process.send_signal(signal.SIGTERM)
        last: dict[str, str] = {}
        while "STOPPING" not in last:
            last = heard(manager)
        assert daemon.process.wait(20) == 0
    finally:
        daemon.stop()
        wall.stop()
        rack.stop()
