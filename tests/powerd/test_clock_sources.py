"""Who keeps the clock right: a real chronyd where it is installed, planted answers of the others."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerd import clocks
from powerd.boottime import boottime_ns
from powerd.clocks import chrony, kernel, ptp, timesyncd
from powerd.clocks.base import SourceState
from powerd.kernel_clock import KernelClock
from schemas.discovery import modules

CHRONYD = shutil.which("chronyd") or shutil.which("chronyd", path="/usr/sbin")
PTP4L = shutil.which("ptp4l") or shutil.which("ptp4l", path="/usr/sbin")
SYNCHRONISED = KernelClock(True, 0.0001, 0.0, 0.002, 0.0, 0)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Chronyd:
    """A real one that sets no clock (``-x``); a server of its own time, or a client of that server."""

    def __init__(self, folder: Path, name: str, lines: list[str]) -> None:
        assert CHRONYD is not None
        self.command_port = free_port()
        file = folder / f"{name}.conf"
        common = [
            f"cmdport {self.command_port}", "bindcmdaddress 127.0.0.1", f"pidfile {folder}/{name}.pid",
            f"bindcmdaddress {folder}/{name}.sock",
        ]  # fmt: skip
        file.write_text("\n".join([*lines, *common]) + "\n")
        command = [CHRONYD, "-x", "-d", "-u", "root", "-f", str(file)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def state(self) -> SourceState | None:
        return chrony.ask(self.command_port)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Chronyd, Chronyd]]:
    if CHRONYD is None:
        pytest.skip("chronyd is not installed")
    port = free_port()
    server = Chronyd(
        tmp_path, "server", [f"port {port}", "local stratum 1", "allow 127.0.0.1", "bindaddress 127.0.0.1"]
    )
    client = Chronyd(
        tmp_path, "client", ["port 0", f"server 127.0.0.1 port {port} minpoll -4 maxpoll -4 iburst xleave"]
    )
    yield server, client
    client.stop()
    server.stop()


def test_a_real_chronyd(pair: tuple[Chronyd, Chronyd]) -> None:
    server, client = pair
    deadline = time.monotonic() + 30
    state = None
    # Its bound begins near a second, with the first answers on a busy machine, and falls from one to the next.
    while state is None or not state.synchronised or (state.bound_s or 1.0) >= 0.2:
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
        state = client.state()
    assert state.name == "chrony"
    assert state.detail.startswith("127.0.0.1, stratum ")
    assert state.bound_s is not None
    assert state.bound_s > 0
    assert state.leap == 0
    own = server.state()
    assert own is not None
    assert not own.synchronised  # it follows nobody but itself: that is no UTC
    assert own.bound_s is None


def test_nobody_answers() -> None:
    assert chrony.ask(free_port()) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_no_answer_of_chronyd_but_do_no_harm(data: bytes) -> None:
    assert chrony.read(data, 1, 0) is None


TIMESYNCD = "\n".join([
    json.dumps({"type": "(uuuuittayttttbtt)", "data": [0, 4, 4, 2, -24, 1000, 3000, [1, 2, 3, 4], 10_000_000,
                10_004_000, 10_005_000, 10_011_000, False, 15, 1200]}),
    json.dumps({"type": "s", "data": "ntp.example"}),
])  # fmt: skip


def test_timesyncd_is_as_good_as_its_root_distance_and_the_kernel_say() -> None:
    state = timesyncd.read(TIMESYNCD, SYNCHRONISED, 7)
    assert state is not None
    assert state.detail == "ntp.example, stratum 2"
    # half of (root delay 1 ms + round trip 10 ms), dispersion 3 ms, 2 ms of the kernel, 0.1 ms still to correct
    assert state.bound_s == pytest.approx(0.0055 + 0.003 + 0.002 + 0.0001)
    lost = timesyncd.read(TIMESYNCD, KernelClock(False, 0.0, 0.0, 16.0, 0.0), 7)
    assert lost is not None
    assert not lost.synchronised
    assert timesyncd.read("no JSON", SYNCHRONISED, 7) is None


def test_timesyncd_that_has_not_reached_anybody(tmp_path: Path) -> None:
    assert timesyncd.ask(tmp_path / "gone") is None
    state = timesyncd.ask(tmp_path)
    assert state is not None
    assert not state.synchronised


PMC = """sending: GET TIME_STATUS_NP
\ta0369f.fffe.123456-0 seq 0 RESPONSE MANAGEMENT TIME_STATUS_NP
\t\tmaster_offset              -250
\t\tingress_time               1700000000000000000
\t\tgmPresent                  true
\t\tgmIdentity                 001122.fffe.334455
"""


def test_ptp_is_as_good_as_its_offset_and_the_kernel_say() -> None:
    state = ptp.read(PMC, SYNCHRONISED, 7)
    assert state is not None
    assert (state.name, state.detail) == ("ptp", "grandmaster 001122.fffe.334455")
    assert state.bound_s == pytest.approx(0.002 + 250e-9)
    alone = ptp.read(PMC.replace("true", "false"), SYNCHRONISED, 7)
    assert alone is not None
    assert not alone.synchronised
    assert ptp.read("", SYNCHRONISED, 7) is None


@pytest.mark.skipif(
    PTP4L is None or shutil.which("pmc") is None or os.geteuid() != 0,
    reason="needs linuxptp, and root to open its ports: tools/debian-packages.sh",
)
def test_a_real_ptp4l_without_a_master(tmp_path: Path) -> None:
    """It sets no clock (free_running) and hears nobody on the loopback."""
    assert PTP4L is not None
    socket_path, file = tmp_path / "ptp4l", tmp_path / "ptp4l.conf"
    file.write_text(f"[global]\nfree_running 1\ntime_stamping software\nuds_address {socket_path}\n")
    process = subprocess.Popen([PTP4L, "-f", str(file), "-i", "lo"], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while (state := ptp.ask((socket_path,))) is None:
            assert process.poll() is None, "ptp4l has ended"
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert (state.name, state.detail, state.synchronised) == ("ptp", "not synchronised", False)
    finally:
        process.terminate()
        process.wait(10)


def test_the_bound_grows_until_the_source_is_asked_again() -> None:
    state = SourceState("chrony", "", True, 0, 0.001)
    assert state.bound_at(0) == 0.001
    assert state.bound_at(100 * 1_000_000_000) == pytest.approx(0.001 + 100 * 15e-6)
    assert SourceState("chrony", "", False, 0, 0.001).bound_at(0) is None


def test_the_kernel_speaks_last() -> None:
    ranks = {m.RANK: m for m in modules("powerd.clocks")}
    assert len(ranks) == len(modules("powerd.clocks"))
    assert ranks[max(ranks)] is kernel


def test_this_machine_tells_something_and_sets_nothing() -> None:
    before = time.time_ns() - boottime_ns()
    state = clocks.ask()
    assert state is None or state.bound_s is None or state.bound_s >= 0
    assert abs(time.time_ns() - boottime_ns() - before) < 50_000_000
