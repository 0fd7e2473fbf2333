"""The lines beside ttys: raw TCP, GPIB behind an adapter, USB-TMC, RS-485; recorded and through a driver."""

from __future__ import annotations

import errno
import json
import os
import pty
import socket
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerd import drivers
from powerd.boottime import boottime_ns
from powerd.config import parse_meter
from powerd.emulators.prologix import EscapedLines, _plain
from powerd.errors import Garbled, Gone, NotThere
from powerd.model import Quality, Settings
from powerd.transports import LineSettings, open_port, usbtmc
from powerd.transports.gpib import escaped
from powerd.transports.hurried import HurriedTransport
from powerd.transports.tcp import TcpTransport
from powerd.transports.usbtmc import UsbtmcTransport
from schemas.errors import UserError
from tests.powerd.benches import bench

LINE = LineSettings(baud=115200)
FIXED = Settings(interval_ns=100_000_000, voltage_range_v=300.0, current_range_a=1.0)
ASKED = Settings(interval_ns=100_000_000)


def measures(port) -> None:
    """A WT300 driver identifies, sets and reads the meter on this line, and gets back in step."""
    driver = drivers.find("yokogawa-wt300")
    info = driver.identify(port)
    assert (info.model, info.simulated) == ("WT310E", True)
    settings = driver.configure(port, info, FIXED)
    for _ in range(4):
        (values,) = driver.read(port, settings)
        stamps = port.stamps
        assert 0 < stamps.request_ns < stamps.first_byte_ns <= stamps.last_byte_ns <= boottime_ns()
    assert values.quality is Quality.GOOD
    assert values.power_w == pytest.approx(100, abs=1)


@pytest.mark.parametrize("where", [{"tcp": True}, {"gpib": 7}, {"gpib": 7, "tcp": True}], ids=str)
def test_a_driver_does_not_see_the_line(where, tmp_path):
    record = tmp_path / "talk.jsonl"
    with bench(**where) as meter:
        port = open_port(meter.port, LINE, record)
        try:
            measures(port)
        finally:
            port.close()
    head = json.loads(record.read_text().splitlines()[0])
    assert head["port"] == meter.port
    measures(_ReplayedMeter(record))


class _ReplayedMeter:
    """A recording of any line is a port like any other."""

    def __new__(cls, path):
        return open_port(f"replay:{path}", LINE)


# TCP


@contextmanager
def peer(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A socket that answers each message of one client after the other; yields port and what it heard."""
    server = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve():
        for answer in answers:
            client, _ = server.accept()
            with client:
                heard.append(client.recv(100))
                client.sendall(answer)
                time.sleep(0.1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"tcp:127.0.0.1:{server.getsockname()[1]}", heard
    finally:
        thread.join()
        server.close()


def test_a_peer_that_is_silent_or_hangs_up():
    with peer(b"") as (name, heard):
        port = open_port(name, LINE)
        port.write(b"*IDN?\n", 1)
        with pytest.raises(Gone, match=r"did not answer within 0\.05 s"):
            port.read_until(b"\n", 0.05)
        with pytest.raises(Gone, match="hung up"):
            port.read_until(b"\n", 1)
        port.close()
    assert heard == [b"*IDN?\n"]


def test_half_an_answer_is_garbled(monkeypatch):
    monkeypatch.setattr(TcpTransport, "stall_ns", 50_000_000)
    with peer(b"12") as (name, _):
        port = open_port(name, LINE)
        port.write(b"?\n", 1)
        with pytest.raises(Garbled, match="in the middle of an answer after b'12'"):
            port.read_until(b"\n", 1)
        port.close()


def test_after_a_lost_connection_the_next_one_serves():
    with peer(b"1\n", b"2\n") as (name, _):
        for answer in (b"1\n", b"2\n"):
            port = open_port(name, LINE)
            port.write(b"?\n", 1)
            assert port.read_until(b"\n", 1) == answer
            with pytest.raises(Gone, match=r"hung up|broke"):
                port.read_exactly(1, 1)
            with pytest.raises(Gone, match=r"closed|broke"):
                port.discard_input()
            port.close()
            port.close()
            with pytest.raises(Gone, match="was closed"):
                port.write(b"?", 1)


def test_a_peer_that_never_ends_is_cut_short():
    with peer(b"x" * 50_000) as (name, _):
        port = open_port(name, LINE)
        port.write(b"?\n", 1)
        with pytest.raises(Garbled, match="4096 bytes without the end"):
            port.read_until(b"\n", 1)
        port.close()


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("tcp:localhost", "wanted tcp:HOST:PORT"),
        ("tcp:[::1", "wanted tcp:HOST:PORT"),
        ("tcp:localhost:99999", "wanted tcp:HOST:PORT"),
        ("tcp:127.0.0.1:1", "cannot be reached"),
        ("gpib:31@/dev/ttyUSB0", "address from 0 to 30"),
        ("gpib:x", "address from 0 to 30"),
        ("gpib:1@/dev/no-such-tty", "does not exist"),
        ("usbtmc:/dev/no-such-device", "does not exist"),
        ("usbtmc:/dev/null", "no USB-TMC device"),
        (f"usbtmc:{__file__}", "is no device"),
        ("vxi:1", "unknown scheme 'vxi'"),
    ],
)
def test_what_is_no_line(port, words):
    with pytest.raises(NotThere, match=words):
        open_port(port, LINE)


# GPIB


def test_what_is_no_adapter():
    with bench() as meter, pytest.raises(NotThere, match=r"no GPIB adapter"):
        open_port(f"gpib:1@{meter.port}", LINE)


@given(st.binary(min_size=1, max_size=60))
def test_escapes_carry_every_message(data):
    body = data.rstrip(b"\r\n")
    lines = EscapedLines()
    found = [lines.put(b, 0, 0) for b in escaped(data)]
    messages = [_plain(m[0]) for m in found if m is not None]
    assert messages == ([body] if body else [])


def test_another_address_is_silent_and_says_so():
    with bench(gpib=7) as meter:
        port = HurriedTransport(open_port(meter.port.replace("gpib:7@", "gpib:8@"), LINE), 0.4)
        with pytest.raises(Gone, match="GPIB address is 8"):
            drivers.find("yokogawa-wt300").identify(port)
        port.close()


def test_a_meter_slower_than_the_adapter_waits(monkeypatch):
    monkeypatch.setattr("powerd.transports.gpib.LONGEST_READ_MS", 300)
    with bench(gpib=7) as meter:
        port = open_port(meter.port, LINE)
        port.write(b":STAT:FILT1 FALL;:RATE 1S;:STAT:EESR?\n", 1)
        port.read_until(b"\n", 2)
        port.write(b":STAT:FILT1 FALL;:STAT:EESR?\n", 1)
        port.read_until(b"\n", 2)
        port.write(b"COMM:WAIT 1;*IDN?\n", 1)
        assert port.read_until(b"\n", 3).startswith(b"YOKOGAWA")
        port.close()


# USB-TMC: the kernel's rules, without the kernel


class KernelStandIn:
    """A device node: one write is one message; a read ends where the message ends, or times out."""

    def __init__(self, answers: dict[bytes, bytes], read_size: int = 4096) -> None:
        self.answers = answers
        self.pending = b""
        self.log: list[object] = []
        self.broken = 0
        self.read_size = read_size

    def write(self, data: bytes) -> int:
        self._fail()
        self.log.append(data)
        self.pending += self.answers.get(data, b"")
        return len(data)

    def read(self, count: int) -> bytes:
        self._fail()
        self.log.append("read")
        if not self.pending:
            raise OSError(errno.ETIMEDOUT, "timed out")
        data, self.pending = self.pending[:count], self.pending[count:]
        return data

    def set_timeout_ms(self, timeout_ms: int) -> None:
        assert timeout_ms >= 500, "the kernel refuses less"
        self.log.append(timeout_ms)

    def clear(self) -> None:
        self._fail()
        self.pending = b""
        self.log.append("clear")

    def close(self) -> None:
        self.log.append("close")

    def _fail(self) -> None:
        if self.broken:
            raise OSError(self.broken, os.strerror(self.broken))


def on_usb(answers: dict[bytes, bytes]) -> tuple[UsbtmcTransport, KernelStandIn]:
    device = KernelStandIn(answers)
    return UsbtmcTransport("usbtmc:/dev/usbtmc0", device), device


def test_a_device_is_read_only_when_it_owes_an_answer():
    port, device = on_usb({b"*IDN?\n": b"A,B,C,D\n"})
    with pytest.raises(Gone, match="asked nothing"):
        port.read_exactly(1, 0.03)
    port.write(b":RATE 1S\n", 1)
    with pytest.raises(Gone, match="asked nothing"):
        port.read_until(b"\n", 0.03)
    port.discard_input()
    port.write(b"*IDN?\n", 2)
    assert port.read_until(b"\n", 2) == b"A,B,C,D\n"
    with pytest.raises(Gone):
        port.read_exactly(1, 0.03)
    assert "clear" not in device.log
    assert device.log.count("read") == 1
    assert device.log == [1000, b":RATE 1S\n", 2000, b"*IDN?\n", "read"]


def test_a_long_answer_comes_in_several_reads():
    answer = b"1," * 5000 + b"2\n"
    port, device = on_usb({b"?\n": answer})
    port.write(b"?\n", 1)
    assert port.read_until(b"\n", 1, limit=20_000) == answer
    assert device.log.count("read") == 3


def test_an_answer_that_fills_a_read_is_not_read_on():
    port, device = on_usb({b"?\n": b"x" * 4095 + b"\n"})
    port.write(b"?\n", 1)
    assert len(port.read_until(b"\n", 1, limit=5000)) == 4096
    with pytest.raises(Gone, match="asked nothing"):
        port.read_exactly(1, 1)
    assert device.log.count("read") == 1


def test_an_answer_without_terminator_ends_with_its_message():
    port, _ = on_usb({b"?\n": b"1.5"})
    port.write(b"?\n", 1)
    assert port.read_until(b"\n", 1) == b"1.5"
    port.write(b"?\n", 1)
    with pytest.raises(Garbled, match="4 bytes were wanted"):
        port.read_exactly(4, 1)


def test_silence_is_cleared_before_the_next_question():
    port, device = on_usb({b"*IDN?\n": b"A,B,C,D\n"})
    port.write(b":NUM?\n", 0.6)
    with pytest.raises(Gone, match="did not answer within"):
        port.read_until(b"\n", 0.6)
    port.discard_input()
    assert device.log[-1] == "clear"
    port.write(b"*IDN?\n", 0.6)
    assert port.read_until(b"\n", 0.6) == b"A,B,C,D\n"


def test_an_unplugged_device_is_gone():
    port, device = on_usb({b"?\n": b"1\n"})
    port.write(b"?\n", 1)
    device.broken = errno.ENODEV
    for ask in (lambda: port.read_until(b"\n", 1), lambda: port.write(b"?\n", 1), port.discard_input):
        with pytest.raises(Gone, match="unplugged"):
            ask()
    port.close()
    port.close()
    with pytest.raises(Gone, match="was closed"):
        port.write(b"?\n", 1)


class MeterOnUsb(KernelStandIn):
    """The stand-in with an emulated meter behind it: reads wait as the kernel's do."""

    def __init__(self, instrument) -> None:
        super().__init__({})
        self.instrument = instrument

    def write(self, data: bytes) -> int:
        work = self.instrument.handle(data.rstrip(b"\n"), boottime_ns())
        try:
            while True:
                until = next(work)
                time.sleep(max(0, (until - boottime_ns()) / 1e9))
        except StopIteration as end:
            self.pending += end.value
        return len(data)


def test_a_driver_measures_over_usb():
    from powerd import emulators
    from powerd.emulators.load import Sine

    meter = emulators.find("yokogawa-wt300").make("WT310E", Sine(100), 1, boottime_ns())
    measures(UsbtmcTransport("usbtmc:/dev/usbtmc0", MeterOnUsb(meter)))


def test_a_terminal_in_place_of_a_device_node(monkeypatch):
    """Opening, reading and writing by the kernel's calls, on a terminal that ends messages as a device does."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    monkeypatch.setattr(usbtmc.KernelDevice, "set_timeout_ms", lambda self, timeout_ms: None)
    port = open_port(f"usbtmc:{os.ttyname(slave)}", LINE)
    port.write(b"*IDN?\n", 1)
    assert os.read(master, 100) == b"*IDN?\n"
    os.write(master, b"A,B,C,D\n")
    assert port.read_until(b"\n", 1) == b"A,B,C,D\n"
    with pytest.raises(NotThere, match="in use by another program"):
        open_port(port.name, LINE)
    port.close()
    open_port(port.name, LINE).close()
    for fd in (master, slave):
        os.close(fd)


# RS-485 and what else a serial line may need


def test_an_echo_is_taken_off_the_line():
    with bench(fault="echo@0", baud=115200) as meter:
        port = open_port(meter.port, LineSettings(baud=115200, echo=True))
        measures(port)
        port.close()


def test_a_line_without_the_echo_that_was_promised():
    with bench() as meter:
        port = open_port(meter.port, LineSettings(baud=115200, echo=True))
        with pytest.raises(Gone, match="set echo = false"):
            port.write(b":RATE 1S\n", 0.2)
        port.close()


def test_a_terminal_cannot_switch_an_rs485_line():
    with bench() as meter, pytest.raises(NotThere, match="leave rs485 out"):
        open_port(meter.port, LineSettings(rs485=True))


def test_line_settings_of_a_meter():
    meter = parse_meter("m=yokogawa-wt300:/dev/ttyS0,handshake=rts,echo=true,rs485=false")
    assert (meter.line.handshake, meter.line.echo, meter.line.rs485) == ("rts", True, False)
    with pytest.raises(UserError, match=r"handshake.*none, rts, xon.*echo.*true or false"):
        parse_meter("m=yokogawa-wt300:/dev/ttyS0,handshake=dtr,echo=maybe")


def test_only_a_tty_limits_the_rate():
    with pytest.raises(UserError, match="take more than"):
        parse_meter("m=yokogawa-wt300:/dev/ttyS0,interval=100ms")
    assert parse_meter("m=yokogawa-wt300:usbtmc:/dev/usbtmc0,interval=100ms").settings == ASKED
