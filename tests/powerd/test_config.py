"""Every key of the configuration: what it becomes, and what is said when it cannot be."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from powerd import config
from powerd.checks import calibration as check
from powerd.checks.base import Level, Subject
from powerd.cli import main
from powerd.commands import run
from powerd.model import Calibration, MeterInfo
from schemas.calibration import notes
from schemas.errors import UserError
from tests.powerd.made import INFO

DAY_NS = 86_400_000_000_000
NOON = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()) * 1_000_000_000


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text(
        '[daemon]\ndata_dir = "/d"\nlisten = "[::1]:9"\nsocket = "s"\ntokens_file = "t"\ntls_certificate = "/c"\n'
        'tls_key = "k"\ninsecure = false\nretention = "90d"\n'
        '[[meter]]\nname = "wall"\ndriver = "yokogawa-wt300"\nport = "/dev/x"\ninterval = "2s"\nchannels = ["1", "3"]\n'
        'voltage_range = 300\ncurrent_range = "auto"\ncrest_factor = 6\nbaud = 19200\ndata_bits = 7\nparity = "even"\n'
        'stop_bits = 2\ncalibrated = 2024-03-01\ncertificate = "K-1"\nambient_c = 21\nwiring = "1P2W"\n'
    )
    found = config.load(file)
    assert (found.host, found.port, found.data_dir) == ("::1", 9, Path("/d"))
    assert (found.socket, found.retention_ns) == (tmp_path / "s", 90 * DAY_NS)
    assert found.access == config.Access(tmp_path / "t", Path("/c"), tmp_path / "k", False)
    (meter,) = found.meters
    assert meter.settings.channels == ("1", "3")
    line = meter.line
    assert (line.baud, line.data_bits, line.parity, line.stop_bits) == (19200, 7, "E", 2)
    assert line.byte_time_ns == round(11e9 / 19200)
    assert meter.calibration == Calibration("2024-03-01", "K-1", 21.0, "1P2W")


def test_a_meter_of_the_command_line_has_the_same_keys() -> None:
    meter = config.parse_meter(
        "w=yokogawa-wt300:/dev/x,channels=1+2,parity=o,data_bits=7,stop_bits=2,calibrated=2024-03-01,ambient_c=30,wiring=1P3W"
    )
    assert meter.settings.channels == ("1", "2")
    assert (meter.line.parity, meter.line.data_bits, meter.line.stop_bits) == ("O", 7, 2)
    assert meter.calibration == Calibration("2024-03-01", None, 30.0, "1P3W")


@pytest.mark.parametrize(("line", "parts"), [
    ("parity = 1", ["parity", "'1'", "none, even, odd"]),
    ("data_bits = 9", ["data_bits", "'9'", "7, 8"]),
    ("stop_bits = 3", ["stop_bits", "'3'", "1, 2"]),
    ("baud = 9600.5", ["baud", "9600.5", "whole number"]),
    ("baud = true", ["baud", "whole number"]),
    ("calibrated = 2199-01-01", ["calibrated", "2199-01-01", "yet to come"]),
    ('calibrated = "last year"', ["calibrated", "'last year'", "2026-03-01"]),
    ("calibrated = 7", ["calibrated", "2026-03-01"]),
    ("ambient_c = 300", ["ambient_c", "300", "-40 to 85"]),
    ('ambient_c = "warm"', ["ambient_c", "'warm'", "-40 to 85"]),
    ("certificate = 7", ["certificate", "a text"]),
    ('wiring = ""', ["wiring", "a text"]),
    ("channels = 1", ["channels", "a list"]),
    ("calibratd = 1", ["'calibratd'", "did you mean 'calibrated'"]),
    ("voltage_range = true", ["voltage_range", "auto or a number"]),
])  # fmt: skip
def test_a_value_of_a_meter_that_cannot_be(tmp_path: Path, line: str, parts: list[str]) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text(f'[[meter]]\nname = "w"\ndriver = "yokogawa-wt300"\nport = "/dev/x"\n{line}\n')
    _, (mistake,) = config.read(file)
    assert mistake.startswith("[[meter]] 1")
    for part in parts:
        assert part in mistake


@pytest.mark.parametrize(("line", "parts"), [
    ('retention = "soon"', ["retention", "'soon'", "90d"]),
    ("retention = 90", ["retention", "90", "90d"]),
    ('retention = "0d"', ["retention", "'0d'"]),
    ('retention = "9e99y"', ["retention"]),
    ("insecure = 1", ["insecure", "true or false"]),
    ('insecure = "false"', ["insecure", "true or false"]),
    ("tokens_file = 1", ["tokens_file", "a text"]),
    ('listen = "::1:9"', ["listen", "HOST:PORT"]),
    ('listen = ":9"', ["listen", "HOST:PORT"]),
    ('tls_key = "k"', ["tls_certificate and tls_key"]),
    ('listen = "10.0.0.1:9"', ["10.0.0.1", "tokens_file", "SSH tunnel"]),
    ('retension = "1d"', ["'retension'", "did you mean 'retention'"]),
])  # fmt: skip
def test_a_value_of_the_daemon_that_cannot_be(tmp_path: Path, line: str, parts: list[str]) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text(f"[daemon]\n{line}\n")
    _, (mistake,) = config.read(file)
    assert mistake.startswith("[daemon]")
    for part in parts:
        assert part in mistake


METER = '[[meter]]\nname = "w"\ndriver = "yokogawa-wt300"\nport = "/dev/x"\n'


def test_foreign_protocols_are_off_unless_their_section_is_there(tmp_path: Path) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text(METER)
    assert config.load(file).protocols == ()
    file.write_text(f'{METER}[ptd]\n[power_dev]\nlisten = "127.0.0.1:1"\nmeter = "w"\n')
    assert {(p.name, p.host, p.port, p.meters) for p in config.load(file).protocols} == {
        ("ptd", "127.0.0.1", 8888, ()),
        ("power_dev", "127.0.0.1", 1, ("w",)),
    }
    file.write_text(f'[daemon]\ninsecure = true\n{METER}[power_dev]\nlisten = "0.0.0.0:4950"\n')
    assert config.load(file).protocols[0].host == "0.0.0.0"


@pytest.mark.parametrize(("text", "parts"), [
    ("[power-dev]", ["'power-dev'", "did you mean 'power_dev'"]),
    ('[ptd]\nlisen = "127.0.0.1:1"', ["[ptd]", "'lisen'", "did you mean 'listen'"]),
    ('[ptd]\nlisten = "8888"', ["[ptd]", "listen", "HOST:PORT"]),
    ('[ptd]\nlisten = "0.0.0.0:8888"', ["[ptd]", "0.0.0.0", "neither tokens nor TLS", "insecure = true", "SSH tunnel"]),
    ('[ptd]\nmeter = "v"', ["[ptd]", "'v'", "(w)"]),
    ("[ptd]\nmeter = 7", ["[ptd]", "7", "(w)"]),
    ("[[ptd]]", ["ptd is no table"]),
])  # fmt: skip
def test_a_section_of_a_protocol_that_cannot_be(tmp_path: Path, text: str, parts: list[str]) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text(f"{METER}{text}\n")
    _, (mistake,) = config.read(file)
    for part in parts:
        assert part in mistake


def test_all_mistakes_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text(
        '[deamon]\n[daemon]\nretention = "x"\nlisten = "0.0.0.0:1"\n[[meter]]\nname = "a"\ndriver = "yokogawa-wt30"\n'
        'port = "p"\nparity = "z"\n[[meter]]\nname = "a"\ndriver = "yokogawa-wt300"\nport = "p"\ncalibrated = 1\n'
    )
    assert main(["config", "check", str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    for part in ("'deamon'", "retention", "0.0.0.0", "yokogawa-wt300?", "parity", "calibrated", "two meters"):
        assert sum(part in line for line in lines) == 1, part
    assert len(lines) == 7


def aged(calibrated: str | None, ambient_c: float | None = None) -> MeterInfo:
    from dataclasses import replace

    return replace(INFO, calibration=Calibration(calibrated, None, ambient_c, None))


def test_what_a_calibration_means_for_the_limits() -> None:
    assert notes(None, NOON) == []
    assert notes(aged("2025-03-01"), NOON) == []  # 365 days
    assert notes(aged("2025-02-28"), NOON)[0].startswith("calibration-old: 366 days")
    assert notes(aged("2026-03-02"), NOON)[0].startswith("calibration-later")
    assert notes(aged(None), NOON)[0].startswith("calibration-unknown")
    assert notes(aged("2026-01-01", 23.0), NOON) == []
    assert notes(aged("2026-01-01", 35.0), NOON)[0].startswith("ambient: 35 °C")


def test_the_doctor_looks_at_the_calibration(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    young, old = today - timedelta(days=10), today - timedelta(days=800)
    meters = [
        config.parse_meter(f"{name}=yokogawa-wt300:/dev/x,calibrated={day},ambient_c={warm}")
        for name, day, warm in (("good", young, 23), ("bad", old, 40))
    ]
    found = {f.what: f.level for f in check.check(Subject(meters, (), tmp_path))}
    assert found == {
        "good: calibration": Level.OK,
        "good: ambient": Level.OK,
        "bad: calibration": Level.WARN,
        "bad: ambient": Level.WARN,
    }


def test_one_option_records_every_meter(tmp_path):
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    one, two = "a=yokogawa-wt300:/dev/x", "b=yokogawa-wt300:/dev/y,record=own.jsonl"
    file = tmp_path / "talk.jsonl"

    def recorded(*meters):
        options = [o for m in meters for o in ("--meter", m)]
        return [m.record for m in run.gather(parser.parse_args([*options, "--record", str(file)])).meters]

    assert recorded(one) == [file]
    assert recorded(one, two, "c=yokogawa-wt200:/dev/z") == [
        tmp_path / "talk-a.jsonl", Path("own.jsonl"), tmp_path / "talk-c.jsonl"
    ]  # fmt: skip


@pytest.mark.parametrize("channels", ["1+1", "sum", "1/2", "a,b"])
def test_names_of_channels_stand_in_addresses_of_windows(channels):
    with pytest.raises(UserError, match=r"channels|key=value"):
        config.parse_meter(f"m=yokogawa-wt300:/dev/x,channels={channels}")
