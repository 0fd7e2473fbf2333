"""Finding meters: emulated ones on pseudo-terminals, and every way in which a port can hold none."""

from __future__ import annotations

import errno
import json
import os
import pty
import threading
import tty
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import serial
from serial.tools import list_ports

from powerd import config, probe
from powerd.model import Settings
from powerd.transports import open_port
from schemas.cliapp import run_program
from schemas.documents import violations
from tests.powerd.benches import bench


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(probe, "PATIENCE_S", 0.25)
    monkeypatch.setattr(probe, "BAUDS", (9600, 57600))


@contextmanager
def terminal(answer: bytes = b""):
    """A line with a device that says ``answer`` to whatever it hears; yields its port and what it heard."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    wake, stop = os.pipe()
    heard: list[bytes] = []

    def serve():
        import select

        while wake not in (ready := select.select([master, wake], [], [])[0]):
            if master in ready:
                heard.append(os.read(master, 256))
                os.write(master, answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(slave), heard
    finally:
        os.write(stop, b"x")
        thread.join()
        for fd in (master, slave, wake, stop):
            os.close(fd)


def run(capsys, *arguments: str):
    code = run_program("powerd", "", "powerd.commands", ["probe", *arguments])
    out = capsys.readouterr()
    assert "Traceback" not in out.err
    return code, out.out, out.err


def run_json(capsys, *arguments: str):
    code, out, _ = run(capsys, *arguments, "--json")
    document = json.loads(out)
    assert list(violations("probe", document)) == []
    return code, document["ports"]


def test_a_meter_is_found_and_its_line_can_be_run(capsys):
    with bench(model="WT333E") as one, bench() as two, terminal() as (silent, _):
        code, rows = run_json(capsys, one.port, silent, two.port)
    assert code == 0
    assert [row["outcome"] for row in rows] == ["meter", "silent", "meter"]
    meter = rows[0]["meter"]
    assert (meter["model"], meter["serial"], meter["firmware"]) == ("WT333E", "EDGEWATT-EMULATED", "F1.04")
    assert (meter["driver"], meter["channels"], meter["simulated"]) == (
        "yokogawa-wt300",
        ["1", "2", "3"],
        True,
    )
    assert rows[0]["baud"] == 9600
    first, second = (config.parse_meter(rows[i]["option"]) for i in (0, 2))
    assert (first.driver, first.port, first.line.baud, first.settings) == (
        "yokogawa-wt300",
        one.port,
        9600,
        Settings(),
    )
    assert first.name != second.name


def test_people_read_the_meter_and_the_option(capsys):
    with bench() as meter:
        code, out, err = run(capsys, meter.port)
    assert (code, err) == (0, "")
    head, option = out.splitlines()
    for words in ("WT310E", "EDGEWATT-EMULATED", "F1.04", "yokogawa-wt300", "9600 baud", "simulated"):
        assert words in head
    assert option.strip() == f"--meter wall=yokogawa-wt300:{meter.port},baud=9600"


def test_the_baud_rate_at_which_it_answers_is_told(capsys, monkeypatch):
    with bench() as meter, terminal() as (silent, _):

        def at_57600(port, line):
            return open_port(meter.port if line.baud == 57600 else silent, line)

        monkeypatch.setattr(probe, "open_port", at_57600)
        code, (row,) = run_json(capsys, meter.port)
    assert (code, row["baud"]) == (0, 57600)
    assert row["option"].endswith(",baud=57600")


def test_a_silent_port_only_hears_the_question(capsys):
    with terminal() as (port, heard):
        code, (row,) = run_json(capsys, port)
    assert (code, row["outcome"], row["baud"], row["meter"]) == (1, "silent", None, None)
    assert f"nobody answered on {port} at 2400, 9600, 57600" in row["message"]
    asked = b"".join(heard)
    assert asked.count(b"*IDN?\n") == 4
    # Modbus at 2400 and 9600 baud: both only read registers (function 04).
    rest = asked.replace(b"*IDN?\n", b"")
    sdm, pzem = bytes.fromhex("0104 0000 0020 F1D2"), bytes.fromhex("F804 0000 000A 6464")
    assert rest.replace(sdm, b"").replace(pzem, b"").startswith(b"#V,R,0;") or rest in (
        sdm + pzem + sdm,
        sdm + pzem,
    )


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (b"\xff\x00\x91\xfe\r\n", "noise", "what no meter says"),
        (b"login: \n", "noise", "not an identity"),
        (b"x" * 40, "noise", "middle of an answer"),
        (b"ACME,Scale 9,17,1.0\r\n", "stranger", "ACME Scale 9"),
    ],
)
def test_what_answers_without_being_a_meter(capsys, answer, outcome, words):
    with terminal(answer) as (port, _):
        code, (row,) = run_json(capsys, port)
    assert (code, row["outcome"], row["option"]) == (1, outcome, None)
    assert words in row["message"]
    assert "\n" not in row["message"]
    assert row["baud"] == (9600 if outcome == "stranger" else None)


def test_a_missing_port_is_none(capsys):
    code, out, err = run(capsys, "/dev/ttyNOSUCH9")
    assert code == 2
    assert "does not exist" in out
    assert len(err.splitlines()) == 1


def test_a_port_without_rights_says_so(capsys, monkeypatch):
    def deny(*args, **kwargs):
        raise serial.SerialException(errno.EACCES, "could not open port")

    with terminal() as (port, heard):
        monkeypatch.setattr(serial, "Serial", deny)
        code, (row,) = run_json(capsys, port)
    assert (code, row["outcome"]) == (1, "unopened")
    assert "may not be opened" in row["message"]
    assert heard == []


def test_no_port_at_all(capsys, monkeypatch):
    monkeypatch.setattr(probe, "find_ports", tuple)
    code, out, err = run(capsys, "--json")
    assert code == 2
    assert json.loads(out) == {"schema": "edgewatt/probe/1", "ports": []}
    assert err.startswith("powerd: no serial port was found")


def test_ports_are_named_by_what_lasts(tmp_path, monkeypatch):
    devices = [tmp_path / name for name in ("ttyUSB0", "ttyUSB1")]
    for device in devices:
        device.touch()
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (by_id / "usb-adapter-1").symlink_to(devices[1])
    monkeypatch.setattr(probe, "BY_ID", by_id)
    monkeypatch.setattr(list_ports, "comports", lambda: [SimpleNamespace(device=str(d)) for d in devices])
    assert probe.find_ports() == (str(by_id / "usb-adapter-1"), str(devices[0]))
    monkeypatch.setattr(probe, "BY_ID", tmp_path / "none")
    assert probe.find_ports() == tuple(map(str, devices))


@pytest.mark.parametrize(
    "change",
    [{"outcome": "meter"}, {"message": None}, {"option": "wall=x:y"}, {"meter": {}}, {"extra": 1}],
)
def test_the_schema_refuses_what_cannot_be(change):
    row = {"port": "p", "outcome": "silent", "message": "m", "baud": None, "meter": None, "option": None}
    assert list(violations("probe", {"schema": probe.SCHEMA, "ports": [row]})) == []
    assert list(violations("probe", {"schema": probe.SCHEMA, "ports": [row | change]})) != []
