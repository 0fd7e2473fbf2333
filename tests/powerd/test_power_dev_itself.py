"""power-dev's unmodified server and client against powerd, and its own compliance check on what comes out.

The checkout is named by EDGEWATT_POWER_DEV; it needs no NTP server, because a stand-in for SNTP on loopback answers.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.powerd.rig import Meter, Process
from tests.powerd.test_ptd import connect, free_port

CHECKOUT = os.environ.get("EDGEWATT_POWER_DEV")
pytestmark = [
    pytest.mark.proof,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not CHECKOUT, reason="EDGEWATT_POWER_DEV names no checkout of mlcommons/power-dev"),
    pytest.mark.skipif(
        os.geteuid() != 0, reason="power-dev asks its NTP server on port 123, which only root may take"
    ),
]
HOME = Path(CHECKOUT or "/nowhere") / "ptd_client_server"
PTD = "Check PTD commands and replies"
"""Must fail on the version that Identify names: powerd is not PTDaemon."""
WORKLOAD = """
import datetime, pathlib, sys, time
def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%m-%d-%Y %H:%M:%S.%f")[:-3]
folder = pathlib.Path(sys.argv[1]); folder.mkdir(parents=True, exist_ok=True)
time.sleep(1); begin = now(); time.sleep(20); end = now(); time.sleep(1)
line = ':::MLLOG {"key": "%s", "value": "%s", "time_ms": 0.0, "event_type": "POINT_IN_TIME"}' + chr(10)
(folder / "mlperf_log_detail.txt").write_text(line % ("power_begin", begin) + line % ("power_end", end))
(folder / "mlperf_log_summary.txt").write_text("a workload of the tests")
"""
SNTP = """
import socket, struct, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); sock.bind(("127.0.0.1", 123)); print("ready", flush=True)
while True:
    data, peer = sock.recvfrom(512)
    stamp = lambda t: struct.pack("!II", int(t) + 2208988800, int(t % 1 * 2**32))
    now = time.time()
    head = struct.pack("!BBBb3I", 0x24, 1, 4, -20, 0, 0, 0)
    sock.sendto(head + stamp(now) + data[40:48] + stamp(now) + stamp(now), peer)
"""


@contextmanager
def sntp() -> Iterator[None]:
    """This machine's own time, so that offset is nothing and nobody's clock is set."""
    with subprocess.Popen([sys.executable, "-c", SNTP], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready", "port 123 is taken"
            yield
        finally:
            process.kill()


def run_client(folder: Path, port: int) -> Path:
    """A whole session; the folder of its results."""
    work, logs, out = folder / "work.py", folder / "loadgen", folder / "out"
    work.write_text(WORKLOAD)
    done = subprocess.run(
        [sys.executable, str(HOME / "client.py"), "-a", "127.0.0.1", "-p", str(port), "-n", "127.0.0.1",
         "-L", str(logs), "-o", str(out), "-w", f"{sys.executable} {work} {logs}", "-f"],
        capture_output=True, text=True, timeout=600, cwd=folder, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (session,) = out.iterdir()
    return session


def judge(session: Path, allowed: set[str]) -> None:
    """power-dev's own check: eleven checks, of which only those on identity and source checksums fail."""
    done = subprocess.run(
        [sys.executable, str(HOME.parent / "compliance/check.py"), str(session)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    print(said)  # the words of the check, for who reads the proof
    passed = set(re.findall(r"\[x\] (Check .*)", said))
    failed = set(re.findall(r"\[ \] (Check .*)", said))
    assert len(passed | failed) == 11, (
        "check.py has another form than the one that this proof was written for"
    )
    assert failed == allowed
    assert "PTD version 'powerd" in said


def test_power_dev_server_with_powerd_as_its_ptd(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    port, ptd_port = free_port(), free_port()
    wrapper = Path(sys.executable).parent / "powerd-ptd"
    (tmp_path / "server.conf").write_text(
        f"[server]\nntpServer: 127.0.0.1\noutDir: {tmp_path}/server-out\nlisten: 127.0.0.1 {port}\n"
        f"[ptd]\nptd: {wrapper}\n[analyzer1]\ndeviceType: 49\ninterfaceFlag:\ndevicePort: {meter.port}\n"
        f"networkPort: {ptd_port}\n"
    )
    (tmp_path / "server-out").mkdir()
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"),
                   "POWERD_PTD_METER": f"yokogawa-wt300:{meter.port}"}  # fmt: skip
    with sntp(), (tmp_path / "server.txt").open("w") as said:
        server = subprocess.Popen(
            [sys.executable, str(HOME / "server.py"), "-c", str(tmp_path / "server.conf")],
            stdout=said, stderr=said, env=environment, cwd=tmp_path,
        )  # fmt: skip
        try:
            connect(port).close()
            time.sleep(1)
            session = run_client(tmp_path, port)
        finally:
            server.terminate()
            server.wait(30)
            meter.stop()
    judge(session, {PTD})


def test_power_dev_client_on_powerd(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    port = free_port()
    (tmp_path / "powerd.toml").write_text(
        f'[daemon]\nlisten = "127.0.0.1:0"\ndata_dir = "{tmp_path}/data"\n[power_dev]\nlisten = "127.0.0.1:{port}"\n'
        f'[[meter]]\nname = "wall"\ndriver = "yokogawa-wt300"\nport = "{meter.port}"\n'
    )
    daemon = Process("run", "--config", str(tmp_path / "powerd.toml"))
    try:
        with sntp():
            session = run_client(tmp_path, port)
    finally:
        daemon.stop()
        meter.stop()
    judge(session, {PTD, "Check server sources checksum"})
