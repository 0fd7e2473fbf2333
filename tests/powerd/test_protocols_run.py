"""``powerd run`` with foreign protocols in its configuration, as a process."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path

import pytest

from powerd.cli import main
from powerd.client import PowerdClient
from tests.powerd.power_dev_client import PowerDevClient, Wire
from tests.powerd.rig import Meter, Process
from tests.powerd.test_ptd import free_port


def write(folder: Path, meter: str, ptd: int, power_dev: int) -> Path:
    file = folder / "powerd.toml"
    file.write_text(
        f'[daemon]\nlisten = "127.0.0.1:0"\ndata_dir = "{folder}/data"\n[ptd]\nlisten = "127.0.0.1:{ptd}"\n'
        f'[power_dev]\nlisten = "127.0.0.1:{power_dev}"\nmeter = "wall"\n[[meter]]\nname = "wall"\n'
        f'driver = "yokogawa-wt300"\nport = "{meter}"\ninterval = "100ms"\nbaud = 115200\n'
    )
    return file


def test_both_languages_from_one_daemon_and_an_end_in_the_middle_of_a_run(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    ptd, power_dev = free_port(), free_port()
    file = write(tmp_path, meter.port, ptd, power_dev)
    assert main(["config", "check", str(file)]) == 0
    daemon = Process("run", "--config", str(file))
    analyzer = Wire(ptd)
    assert analyzer.ask("Hello") == "Hello, PTDaemon here!"
    client = PowerDevClient(power_dev, "end")
    client.hello()
    client.new()
    client.start("ranging")
    assert analyzer.ask("Go,100,0,other").startswith("Error: channel 1 of meter wall is leased")
    (window,) = PowerdClient(daemon.first_line).windows()
    assert (window["name"], window["labels"]["mode"], window["state"]) == (
        f"{client.name}_ranging",
        "ranging",
        "open",
    )
    time.sleep(2.5)
    began = time.monotonic()
    assert daemon.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < 20
    (kept,) = (tmp_path / "data/sessions").iterdir()
    assert (kept / "ranging/spl.txt").read_text().count("\nTime,") >= 1
    document = json.loads((kept / "power/server.json").read_text())
    assert document["edgewatt"]["windows"]["ranging"]["energy_j"] > 0
    assert [len(document["phases"][m]) for m in ("ranging", "testing")] == [4, 0]
    meter.stop()


def test_a_window_of_a_daemon_that_was_killed_is_closed_by_the_next(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    ptd, power_dev = free_port(), free_port()
    file = write(tmp_path, meter.port, ptd, power_dev)
    for life in ("first", "second"):
        daemon = Process("run", "--config", str(file))
        wire = Wire(ptd)
        assert wire.ask(f"Go,100,0,{life}").startswith("Starting")
        time.sleep(0.5)
        if life == "first":
            daemon.stop(signal.SIGKILL)
    windows = {w["name"]: w["state"] for w in PowerdClient(daemon.first_line).windows()}
    assert windows == {"first": "closed", "second": "open"}
    assert daemon.stop() == 0
    meter.stop()


@pytest.mark.parametrize(
    ("number", "why"), [(signal.SIGKILL, "was started again at"), (signal.SIGTERM, "was stopped")]
)
def test_a_session_does_not_outlive_its_daemon_and_client_files_and_log_say_why(
    tmp_path: Path, number: signal.Signals, why: str
) -> None:
    meter = Meter(tmp_path)
    file = write(tmp_path, meter.port, free_port(), power_dev := free_port())
    daemon = Process("run", "--config", str(file))
    client = PowerDevClient(power_dev, "restart")
    client.hello()
    client.new()
    client.start("ranging")
    time.sleep(1.2)
    client.stop("ranging")
    client.start("testing")
    daemon.stop(number)
    daemon = Process("run", "--config", str(file))
    client.wire = Wire(power_dev)
    client.hello()
    reply = client.command(f"session,{client.name},stop,testing")
    assert reply.startswith(f"Error: session {client.name} has ended: powerd {why}")
    assert reply.endswith("during testing; begin a new one")
    said = reply.removeprefix("Error: session ").partition(" has ended: ")[2].partition("; begin")[0]
    assert client.command(f"cleanup,{client.name}") == "OK"
    api = PowerdClient(daemon.first_line)
    (window,) = [w for w in api.windows() if w["name"].endswith("testing")]
    kept = tmp_path / "data/sessions" / window["labels"]["session"]
    until = time.monotonic() + 20
    while not (kept / "power/server.json").exists():
        assert time.monotonic() < until
        time.sleep(0.1)
    time.sleep(0.2)
    client.wire.send(f"download,{client.name},power/server.log\r\n".encode())
    text = client.wire.exactly(int(client.wire.line())).decode()
    assert client.wire.line() == "0"
    assert f"session {client.name} ended before it was done: {said}" in text
    document = json.loads((kept / "power/server.json").read_text())
    assert document["ptd_messages"][0]["cmd"] == "Hello"
    assert document["ptd_config"][0]["device_port"] == meter.port
    assert "ranging/spl.txt" in document["results"]
    again = PowerDevClient(power_dev, "again")
    again.hello()
    again.new()
    again.start("ranging")
    assert daemon.stop() == 0
    meter.stop()


def test_a_port_that_is_taken_is_said_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        file = write(tmp_path, "/dev/nothing-there", taken.getsockname()[1], free_port())
        assert main(["run", "--config", str(file)]) == 2
    said = capsys.readouterr().err
    assert "for ptd" in said
    assert "another port" in said
