"""power-dev's unmodified server and client against powerd, and its own compliance check on what comes out.

The checkout is named by EDGEWATT_POWER_DEV (docs/protocols.md says how to run this). Nobody's clock is set: an SNTP
server of the tests tells this machine's own time, so power-dev has no reason to call ``ntpdate``, and a stand-in on
PATH would tell if it did. Of the checks only those may fail that say who measured: the version that ``Identify``
names, and source checksums where these are not the checkout's own or power-dev itself does not know its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.powerd.rig import Process
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
ROOT = Path(CHECKOUT or "/nowhere")
HOME, CHECK = ROOT / "ptd_client_server", ROOT / "compliance/check.py"
PTD, CLIENT, SERVER = (
    "Check PTD commands and replies",
    "Check client sources checksum",
    "Check server sources checksum",
)
"""The first must fail on the version that Identify names: powerd is not PTDaemon."""
NO_VERSION = re.compile(r"PTD version 'powerd [^']*' is not supported")
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
BEHIND = """
import re, sys
sys.path.insert(0, sys.argv[1])
import check
told = check.SessionDescriptor(sys.argv[2] + "/power/server.json")
(said,) = {m["reply"] for m in told.json_object["ptd_messages"] if m["cmd"] == "Identify"}
check.SUPPORTED_VERSION.append(re.search(r"version=(powerd [^-]*)-", said)[1])
check.ptd_messages_check(told)
"""


def source(name: str) -> str:
    """A file of power-dev's library; empty where it has none."""
    path = HOME / "lib" / name
    return path.read_text() if path.is_file() else ""


@dataclass(frozen=True, slots=True)
class Analyzer:
    """An emulated meter and how power-dev's configuration names it."""

    model: str
    device_type: int
    loads: tuple[str, ...]
    channel: str = ""


ONE = Analyzer("WT310E", 49, ("constant:100",))
THREE = Analyzer("WT333E", 77, ("constant:100", "constant:40", "constant:60"), "1,3")


@contextmanager
def on_a_terminal(folder: Path, analyzer: Analyzer, name: str = "tty") -> Iterator[str]:
    """The meter's port while it answers."""
    port = str(folder / name)
    loads = (word for load in analyzer.loads for word in ("--load", load))
    meter = Process("emulate", "yokogawa-wt300", "--model", analyzer.model, "--link", port, *loads)
    try:
        yield port
    finally:
        meter.stop()


@contextmanager
def untouched_clock(folder: Path) -> Iterator[dict[str, str]]:
    """The environment for power-dev, whose NTP server tells this machine's own time; no clock may be set meanwhile."""
    stubs, asked = folder / "stubs", folder / "asked"
    stubs.mkdir()
    for name in ("ntpdate", "sudo"):
        (stubs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {asked}\n')
        (stubs / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{stubs}:{os.environ['PATH']}", "XDG_STATE_HOME": str(folder / "state"),
                   "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    environment.pop("MLPP_DEBUG", None)
    with subprocess.Popen([sys.executable, "-c", SNTP], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready", "port 123 is taken"
            yield environment
        finally:
            process.kill()
    assert not asked.exists(), f"a clock would have been set: {asked.read_text()}"


def configuration(port: int, analyzers: Sequence[tuple[Analyzer, str]]) -> str:
    """``server.conf`` for this checkout; before v5.0 there was one analyzer, in the section of ptd."""
    several = "analyzerCount" in source("server.py")
    wrapper = Path(sys.executable).parent / "powerd-ptd"
    lines = ["[server]", "ntpServer: 127.0.0.1", f"listen: 127.0.0.1 {port}", "[ptd]", f"ptd: {wrapper}"]
    if several:
        lines.append(f"analyzerCount: {len(analyzers)}")
    for number, (analyzer, device) in enumerate(analyzers, start=1):
        lines += [f"[analyzer{number}]"] if several else []
        lines += [f"deviceType: {analyzer.device_type}", "interfaceFlag:", f"devicePort: {device}",
                  f"networkPort: {free_port()}"]  # fmt: skip
        lines += [f"channel: {analyzer.channel}"] if analyzer.channel else []
    return "\n".join(lines) + "\n"


@contextmanager
def server(
    folder: Path, analyzers: Sequence[tuple[Analyzer, str]], environment: dict[str, str]
) -> Iterator[int]:
    """power-dev's own server with powerd as its ptd; its port."""
    port = free_port()
    (folder / "server.conf").write_text(configuration(port, analyzers))
    with (folder / "server.txt").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, str(HOME / "server.py"), "-c", str(folder / "server.conf")],
            stdout=said, stderr=said, env=environment, cwd=folder,
        )  # fmt: skip
        try:
            connect(port).close()
            yield port
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def daemon(folder: Path, device: str, channels: str = "") -> Iterator[int]:
    """powerd in the place of power-dev's server; its port."""
    port = free_port()
    (folder / "powerd.toml").write_text(
        f'[daemon]\nlisten = "127.0.0.1:0"\ndata_dir = "{folder}/data"\n[power_dev]\nlisten = "127.0.0.1:{port}"\n'
        f'[[meter]]\nname = "wall"\ndriver = "yokogawa-wt300"\nport = "{device}"\n{channels}'
    )
    process = Process("run", "--config", str(folder / "powerd.toml"))
    try:
        yield port
    finally:
        process.stop()


def run_client(folder: Path, port: int, environment: dict[str, str], *more: str) -> Path:
    """A whole session; the folder of its results."""
    work, logs, out = folder / "work.py", folder / "loadgen", folder / "out"
    work.write_text(WORKLOAD)
    done = subprocess.run(
        [sys.executable, str(HOME / "client.py"), "-a", "127.0.0.1", "-p", str(port), "-n", "127.0.0.1",
         "-L", str(logs), "-o", str(out), "-w", f"{sys.executable} {work} {logs}", "-f", *more],
        capture_output=True, text=True, timeout=600, cwd=folder, check=False, env=environment,
    )  # fmt: skip
    said = done.stdout[-3000:] + done.stderr[-3000:]
    assert done.returncode == 0, said
    assert "Successful exit" in said
    (session,) = out.iterdir()
    return session


# power-dev's own check


def verdicts(session: Path) -> dict[str, str]:
    """Every check and why it failed; empty where it passed."""
    done = subprocess.run(
        [sys.executable, str(CHECK), str(session)], capture_output=True, text=True, timeout=300, check=False
    )
    said = done.stdout + done.stderr
    print(said)  # the words of the check, for who reads the proof
    parts = re.split(r"^(?:\w+:main:)?\[([x ])\] (Check .*)$", said, flags=re.MULTILINE)[1:]
    found = {
        name.strip(): "" if mark == "x" else why.strip() or "failed"
        for mark, name, why in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    }
    assert len(found) == 11, "check.py has another form than the one that this proof was written for"
    return found


def in_the_older_form(session: Path, folder: Path) -> Path:
    """A copy as power-dev's server wrote it before v5.0.

    No blank line behind the samples, one analyzer and no list of them, and ``SR,A,Auto`` said once.
    """
    copy = Path(shutil.copytree(session, folder / "older" / session.name))
    for name in ("ranging/spl.txt", "run_1/spl.txt"):
        kept = [line for line in (copy / name).read_text().splitlines() if line]
        (copy / name).write_text("".join(f"{line}\n" for line in kept))
    path = copy / "power/server.json"
    told = json.loads(path.read_text())
    if isinstance(told["ptd_config"], list):
        (told["ptd_config"],) = told["ptd_config"]
    said = told["ptd_messages"]
    told["ptd_messages"] = [m for before, m in zip([None, *said], said, strict=False) if m != before]
    path.write_text(json.dumps(told, indent=4))
    return copy


def judge_behind_the_version(session: Path, folder: Path) -> None:
    """What that check would say of replies and ranges if it knew powerd's version: here it is told that one too."""
    (number,) = re.findall(r'get_command_by_value_and_number\("SR,A", (\d)\)', CHECK.read_text())
    told = json.loads((session / "power/server.json").read_text())["ptd_messages"]
    if sum(m["cmd"].startswith("SR,A") for m in told) != int(number):
        session = in_the_older_form(session, folder / "said")
    done = subprocess.run(
        [sys.executable, "-c", BEHIND, str(CHECK.parent), str(session)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def unknown_sources() -> bool:
    """Whether this checkout's own list of checksums lacks its own sources, as between two of its releases."""
    own = {
        path.relative_to(HOME).as_posix(): hashlib.sha1(path.read_bytes()).hexdigest()
        for path in HOME.rglob("*.py")
    }
    return own not in json.loads((ROOT / "compliance/sources_checksums.json").read_text())


def judge(session: Path, folder: Path, *, foreign_server: bool = False) -> None:
    """All checks pass but those on identity and source checksums.

    Where check.py is older than the files of its own server it ends with an exception of its own instead of a
    judgement; those checks, and no others, are then made on a copy in the older form.
    """
    found = verdicts(session)
    crashed = {name for name, why in found.items() if "Unhandled exeception" in why}
    if crashed:
        again = verdicts(in_the_older_form(session, folder))
        found.update((name, again[name]) for name in crashed)
    allowed = {PTD}
    if unknown_sources():
        allowed |= {CLIENT, SERVER}
    if foreign_server:
        allowed.add(SERVER)
    assert {name for name, why in found.items() if why} == allowed, found
    assert NO_VERSION.search(found[PTD]), found[PTD]
    judge_behind_the_version(session, folder)


def samples(session: Path, mode: str) -> list[list[float]]:
    """The watts of each line of ``spl.txt``."""
    lines = (session / mode / "spl.txt").read_text().split("\n")
    return [[float(w) for w in re.findall(r"Watts,([^,]+)", line)] for line in lines if line]


def assert_measured(session: Path, *watts: float) -> None:
    """Both runs hold samples of these groups: one a second over the 20 s of the workload at least."""
    for mode in ("ranging", "run_1"):
        found = samples(session, mode)
        assert len(found) >= 20
        for line in found:
            assert line == pytest.approx(watts, rel=0.02), (mode, line)


# sessions


def test_power_dev_server_with_powerd_as_its_ptd(tmp_path: Path) -> None:
    with (
        on_a_terminal(tmp_path, ONE) as device,
        untouched_clock(tmp_path) as environment,
        server(tmp_path, [(ONE, device)], environment) as port,
    ):
        session = run_client(tmp_path, port, environment)
    assert_measured(session, 100.0)
    judge(session, tmp_path)


def test_power_dev_server_with_a_meter_of_three_channels(tmp_path: Path) -> None:
    with (
        on_a_terminal(tmp_path, THREE) as device,
        untouched_clock(tmp_path) as environment,
        server(tmp_path, [(THREE, device)], environment) as port,
    ):
        session = run_client(tmp_path, port, environment)
    assert_measured(session, 200.0, 100.0, 40.0, 60.0)
    judge(session, tmp_path)


@pytest.mark.skipif(
    "def merge" not in source("summary.py"), reason="this checkout's server cannot lead several analyzers"
)
def test_power_dev_server_with_two_analyzers(tmp_path: Path) -> None:
    """power-dev's check knows one analyzer only, so the files themselves are looked at."""
    with (
        on_a_terminal(tmp_path, ONE) as first,
        on_a_terminal(tmp_path, ONE, "tty2") as second,
        untouched_clock(tmp_path) as environment,
        server(tmp_path, [(ONE, first), (ONE, second)], environment) as port,
    ):
        session = run_client(tmp_path, port, environment)
    assert_measured(session, 200.0, 100.0, 100.0)


fixed_ranges = pytest.mark.skipif(
    "max-volts" not in source("client.py"), reason="this checkout's client has no fixed ranges"
)


@fixed_ranges
def test_power_dev_server_and_client_with_fixed_ranges(tmp_path: Path) -> None:
    """Without a ranging run, which no official result may be without: its check is not asked."""
    with (
        on_a_terminal(tmp_path, ONE) as device,
        untouched_clock(tmp_path) as environment,
        server(tmp_path, [(ONE, device)], environment) as port,
    ):
        session = run_client(tmp_path, port, environment, "-V", "230", "-A", "0.6")
    assert all(line == pytest.approx([100.0], rel=0.02) for line in samples(session, "run_1"))
    assert "OK" in (session / "power/client.log").read_text()


def test_power_dev_client_on_powerd(tmp_path: Path) -> None:
    with (
        on_a_terminal(tmp_path, ONE) as device,
        untouched_clock(tmp_path) as environment,
        daemon(tmp_path, device) as port,
    ):
        session = run_client(tmp_path, port, environment)
    assert_measured(session, 100.0)
    judge(session, tmp_path, foreign_server=True)


def test_power_dev_client_on_powerd_with_three_channels(tmp_path: Path) -> None:
    with (
        on_a_terminal(tmp_path, THREE) as device,
        untouched_clock(tmp_path) as environment,
        daemon(tmp_path, device, 'channels = ["1", "2", "3"]\n') as port,
    ):
        session = run_client(tmp_path, port, environment)
    assert_measured(session, 200.0, 100.0, 40.0, 60.0)
    judge(session, tmp_path, foreign_server=True)


@fixed_ranges
def test_power_dev_client_with_fixed_ranges_on_powerd(tmp_path: Path) -> None:
    with (
        on_a_terminal(tmp_path, ONE) as device,
        untouched_clock(tmp_path) as environment,
        daemon(tmp_path, device) as port,
    ):
        session = run_client(tmp_path, port, environment, "-V", "230", "-A", "0.6")
    assert all(line == pytest.approx([100.0], rel=0.02) for line in samples(session, "run_1"))
