"""The serial transport on pseudo-terminals: stamps, deadlines, and one sentence for each way to fail."""

from __future__ import annotations

import errno
import os
import pty
import threading
import time
import tty

import pytest
import serial

from powerd.boottime import boottime_ns
from powerd.errors import Garbled, Gone, NotThere
from powerd.transports import LineSettings, open_port


@pytest.fixture
def line():
    master, slave = pty.openpty()
    tty.setraw(slave)
    port = open_port(os.ttyname(slave), LineSettings(baud=57600))
    yield master, port, slave
    port.close()
    for fd in (master, slave):
        try:
            os.close(fd)
        except OSError:
            continue


def test_first_and_last_byte_have_their_own_stamps(line):
    master, port, _ = line

    def answer():
        for part in (b"1", b"2", b"3\n"):
            time.sleep(0.05)
            os.write(master, part)

    before = boottime_ns()
    port.write(b"?\n", 1)
    thread = threading.Thread(target=answer)
    thread.start()
    assert port.read_until(b"\n", 2) == b"123\n"
    thread.join()
    stamps = port.stamps
    assert before < stamps.request_ns < stamps.first_byte_ns
    assert stamps.last_byte_ns - stamps.first_byte_ns > 80_000_000
    assert os.read(master, 10) == b"?\n"


def test_the_request_stamp_counts_the_time_on_the_wire(line):
    _, port, _ = line
    before = boottime_ns()
    port.write(b"x" * 200, 1)
    assert port.stamps.request_ns >= before + 200 * port.byte_time_ns


def test_silence_half_an_answer_and_too_much(line):
    master, port, _ = line
    with pytest.raises(Gone, match=r"did not answer within 0.05 s.*baud"):
        port.read_until(b"\n", 0.05)
    os.write(master, b"1.23")
    with pytest.raises(Garbled, match="middle of an answer"):
        port.read_until(b"\n", 0.05)
    os.write(master, b"x" * 80)
    with pytest.raises(Garbled, match="without the end"):
        port.read_until(b"\n", 0.5, limit=64)
    os.write(master, b"abcdef")
    assert port.read_exactly(4, 0.5) == b"abcd"
    port.discard_input()
    with pytest.raises(Gone):
        port.read_exactly(1, 0.05)


def test_half_an_answer_does_not_cost_the_whole_deadline(line):
    master, port, _ = line
    os.write(master, b"1.23")
    began = boottime_ns()
    with pytest.raises(Garbled, match="middle of an answer"):
        port.read_until(b"\n", 5.0)
    assert (boottime_ns() - began) < 1_000_000_000
    os.write(master, b"1.")
    threading.Timer(0.1, lambda: os.write(master, b"5\n")).start()
    assert port.read_until(b"\n", 5.0) == b"1.5\n"


def test_unplugged_in_the_middle_of_a_read(line):
    master, port, slave = line
    threading.Timer(0.05, lambda: (os.close(slave), os.close(master))).start()
    with pytest.raises(Gone, match="unplugged"):
        port.read_until(b"\n", 5)


def test_the_port_is_locked(line):
    _, port, _ = line
    with pytest.raises(NotThere, match="in use by another program"):
        open_port(port.name, LineSettings())


def test_a_closed_port_is_gone(line):
    _, port, _ = line
    port.close()
    port.close()
    with pytest.raises(Gone, match="closed"):
        port.write(b"x", 1)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/dev/ttyNOSUCH9", "does not exist"),
        ("/dev/null", "is no tty"),
        ("/", "is a directory, not a tty"),
        (__file__, "is a file, not a tty"),
        ("usbtcm:/dev/x", "unknown scheme 'usbtcm'"),
        ("replay:/nowhere/at.all", "cannot be read"),
    ],
)
def test_what_cannot_be_opened(path, words):
    with pytest.raises(NotThere, match=words):
        open_port(path, LineSettings())


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("dialout", r"group dialout; run `sudo usermod -aG dialout"),
        ("root", r"group root; give it to group dialout"),
    ],
)
def test_no_permission_names_the_group_and_nobody_joins_root(line, monkeypatch, group, words):
    def deny(*args, **kwargs):
        raise serial.SerialException(errno.EACCES, "could not open port")

    _, port, _ = line
    monkeypatch.setattr(serial, "Serial", deny)
    monkeypatch.setattr("powerd.transports.serial._group", lambda path: group)
    with pytest.raises(NotThere, match=words):
        open_port(port.name, LineSettings())
