"""``powerd run`` as users meet it: what it says and how it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from powerd.cli import main
from powerd.client import PowerdClient
from tests.powerd.rig import Daemon, Meter, Process, wait_for_samples


def sentence(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run in this process; exit code 2 and one line on stderr."""
    assert main(["run", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert "Traceback" not in captured.err
    return captured.err


@pytest.mark.parametrize(("arguments", "parts"), [
    ([], ["no meter", "--meter"]),
    (["--meter", "wall"], ["NAME=DRIVER:PORT"]),
    (["--meter", "wall=yokogawa-wt30:/dev/null"], ["yokogawa-wt300"]),
    (["--meter", "wall=yokogawa-wt300:/dev/x,intervall=1s,baud=quick"], ["'interval'", "baud"]),
    (["--meter", "wall=yokogawa-wt300:/dev/x,interval=soon,current_range=big"], ["interval", "current_range"]),
    (["--meter", "wall=yokogawa-wt300:/dev/x", "--listen", "0.0.0.0:8675"], ["0.0.0.0", "127.0.0.1"]),
    (["--meter", "wall=yokogawa-wt300:/dev/x", "--listen", "8675"], ["HOST:PORT"]),
    (["--meter", "a=yokogawa-wt300:/dev/x", "--meter", "a=yokogawa-wt300:/dev/y"], ["two meters", "a"]),
    (["--config", "/nonexistent.toml"], ["nonexistent.toml", "cannot be read"]),
])  # fmt: skip
def test_wrong_usage_is_one_sentence(
    arguments: list[str], parts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = sentence(capsys, *arguments, "--data-dir", str(tmp_path))
    assert all(part in text for part in parts), text


def test_a_port_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = str(tmp_path / "ttyUSB9")
    text = sentence(
        capsys,
        "--meter",
        f"wall=yokogawa-wt300:{port}",
        "--data-dir",
        str(tmp_path / "d"),
        "--listen",
        "127.0.0.1:0",
    )
    assert port in text


def test_a_port_that_is_no_tty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    text = sentence(
        capsys,
        "--meter",
        f"wall=yokogawa-wt300:{tmp_path / 'file'}",
        "--data-dir",
        str(tmp_path / "d"),
        "--listen",
        "127.0.0.1:0",
    )
    assert "file" in text


def test_a_port_where_nobody_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = os.openpty()
    try:
        text = sentence(
            capsys,
            "--meter",
            f"wall=yokogawa-wt300:{os.ttyname(theirs)}",
            "--data-dir",
            str(tmp_path),
            "--listen",
            "127.0.0.1:0",
        )
        assert "wall" in text
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_missing_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "uvicorn" else real(name, *a)
    )
    text = sentence(capsys, "--meter", "wall=yokogawa-wt300:/dev/x", "--data-dir", str(tmp_path))
    assert "uvicorn" in text
    assert "edgewatt[daemon]" in text


def test_the_life_of_a_daemon(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    messenger = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    messenger.bind(str(tmp_path / "notify"))
    messenger.settimeout(5)
    daemon = Daemon(tmp_path, meter.port, env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    try:
        assert daemon.url.startswith("http://127.0.0.1:")
        assert messenger.recv(100) == b"READY=1\nSTATUS=1 of 1 meters connected, store ok"
        wait_for_samples(PowerdClient(daemon.url))
        before = PowerdClient(daemon.url).meters()[0]["latest"]["sequence"]
        code, text = Process(
            "run", "--meter", f"other=yokogawa-wt300:{meter.port}", "--data-dir", str(tmp_path / "data"),
            "--listen", "127.0.0.1:0",
        ).outcome()  # fmt: skip
        assert code == 2
        assert f"another powerd (process {daemon.process.pid})" in text
        address = daemon.url.removeprefix("http://")
        code, text = Process(
            "run",
            "--meter",
            f"wall=yokogawa-wt300:{meter.port}",
            "--data-dir",
            str(tmp_path / "other"),
            "--listen",
            address,
        ).outcome()
        assert code == 2
        assert address in text
        assert daemon.stop(signal.SIGINT) == 130
        again = Daemon(tmp_path, meter.port)
        client = PowerdClient(again.url)
        wait_for_samples(client, count=1)
        assert client.meters()[0]["latest"]["sequence"] > before
        assert again.stop(signal.SIGTERM) == 0
    finally:
        daemon.stop()
        meter.stop()
        messenger.close()


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="without root every test here shows it; with root setpriv is needed",
)
def test_no_right_is_needed(tmp_path: Path) -> None:
    """Without a single capability: as any user who may open the port and write the data directory."""
    meter = Meter(tmp_path)
    command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", sys.executable, "-m", "powerd",
               "run", "--meter", f"wall=yokogawa-wt300:{meter.port}", "--data-dir", str(tmp_path / "data"),
               "--listen", "127.0.0.1:0"]  # fmt: skip
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert daemon.stdout is not None
        client = PowerdClient(daemon.stdout.readline().strip())
        wait_for_samples(client, count=2)
        held = Path(f"/proc/{daemon.pid}/status").read_text()
        assert "CapEff:\t0000000000000000" in held
        assert client.health()["status"] == "ok"
        assert client.clock()["u95_s"] < 1
    finally:
        daemon.terminate()
        assert daemon.wait(20) == 0
        meter.stop()


def test_a_config_file(tmp_path: Path) -> None:
    from powerd.config import load

    file = tmp_path / "powerd.toml"
    file.write_text(
        '[daemon]\nlisten = "127.0.0.1:0"\ndata_dir = "/x"\n[[meter]]\nname = "wall"\ndriver = "yokogawa-wt300"\n'
        'port = "/dev/ttyUSB0"\ninterval = "500ms"\nvoltage_range = 300\ncurrent_range = "auto"\nbaud = 57600\n'
    )
    config = load(file)
    assert (config.host, config.port, config.data_dir) == ("127.0.0.1", 0, Path("/x"))
    (meter,) = config.meters
    assert (meter.settings.interval_ns, meter.settings.voltage_range_v) == (500_000_000, 300.0)
    assert meter.settings.current_range_a is None
    assert meter.line.baud == 57600


def test_all_mistakes_of_a_config_file_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text('[deamon]\n[daemon]\nlissten = "x"\n[[meter]]\nname = "wall"\nvoltage_rnage = 300\n')
    text = sentence(capsys, "--config", str(file))
    for part in ("'daemon'", "'listen'", "'voltage_range'", "driver"):
        assert part in text
