"""``powerd doctor`` and ``powerd config check``: everything that would spoil a run, said before it."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from powerd import kernel_clock
from powerd.checks import clock, disk, key, line, meter
from powerd.checks.base import Level, Subject
from powerd.cli import main
from powerd.client import PowerdClient
from powerd.config import parse_meter
from powerd.model import Values
from powerd.signing import signer
from schemas.documents import violations
from schemas.metrology import series
from tests.powerd.made import reading, store
from tests.powerd.rig import Daemon, Meter, wait_for_samples


def test_a_meter_that_measures_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emulated = Meter(tmp_path, "constant:100")
    try:
        wall = (
            f"wall=yokogawa-wt300:{emulated.port},interval=100ms,baud=57600,voltage_range=300,current_range=1"
        )
        assert main(["doctor", "--meter", wall, "--data-dir", str(tmp_path)]) == 0
        text = capsys.readouterr().out
        for part in ("can be opened", "57600 baud carry an update every 100 ms", "WT310E", "is simulated",
                     "300 V, 1 A, fixed", "W expected from the specification", "GB free"):  # fmt: skip
            assert part in text, part
        assert "fail" not in text
        wide = wall.replace("current_range=1", "current_range=20").replace(
            "voltage_range=300", "voltage_range=600"
        )
        assert main(["doctor", "--meter", wide, "--data-dir", str(tmp_path), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert list(violations("doctor", document)) == []
        findings = document["findings"]
        (row,) = [f for f in findings if f["what"] == "wall: uncertainty"]
        assert (row["level"], row["wanted"]) == ("warn", "1 % at most")
        assert row["advice"].startswith("300 V and 0.5 A would give ±")
        small = wall.replace("current_range=1", "current_range=0.2").replace(
            "interval=100ms", "interval=250ms"
        )
        assert main(["doctor", "--meter", small, "--data-dir", str(tmp_path)]) == 1
        assert "over range on 300 V, 0.2 A" in capsys.readouterr().out
    finally:
        emulated.stop()


def test_the_meters_of_a_running_daemon_are_seen_through_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emulated = Meter(tmp_path, "constant:100")
    daemon = Daemon(tmp_path, emulated.port)
    try:
        client = PowerdClient(daemon.url)
        wait_for_samples(client)
        wall = f"wall=yokogawa-wt300:{emulated.port},interval=100ms,baud=115200"
        assert main(["doctor", "--url", daemon.url, "--meter", wall, "--data-dir", str(tmp_path)]) == 0
        text = capsys.readouterr().out
        assert "is open in the running daemon" in text
        assert "300 V, 1 A, fixed" in text
        assert client.meters()[0]["reconnects"] == 0
        assert main(["doctor", "--meter", wall, "--data-dir", str(tmp_path)]) == 1
        assert "in use" in capsys.readouterr().out
    finally:
        daemon.stop()
        emulated.stop()


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (
            ["--meter", "wall=yokogawa-wt300:/dev/ttyUSB77"],
            ["fail  wall: port", "/dev/ttyUSB77 does not exist"],
        ),
        (["--meter", "wall=yokogawa-wt300:/dev/null"], ["fail  wall: port"]),
    ],
)
def test_a_port_that_cannot_be_used_fails(
    arguments: list[str], parts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--data-dir", str(tmp_path), *arguments]) == 1
    text = capsys.readouterr().out
    assert all(part in text for part in parts), text


def test_wrong_options_are_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--url", "http://127.0.0.1:9"]) == 2
    assert "no powerd answers" in capsys.readouterr().err
    assert main(["doctor", "--meter", "wall=yokogawa-wt300:/dev/x,interval=100ms,baud=9600"]) == 2
    assert "take more than" in capsys.readouterr().err


def test_a_usb_adapter_that_holds_bytes_back(tmp_path: Path) -> None:
    timer = tmp_path / "bus/usb-serial/devices/ttyUSB77/latency_timer"
    timer.parent.mkdir(parents=True)
    subject = Subject((parse_meter("wall=yokogawa-wt300:/dev/ttyUSB77"),), (), tmp_path, tmp_path)
    for written, level in (("16\n", Level.WARN), ("1\n", Level.OK)):
        timer.write_text(written)
        (found,) = [f for f in line.check(subject) if "latency" in f.what]
        assert found.level is level
        assert (level is Level.WARN) == (str(timer) in found.advice)


@pytest.mark.parametrize(("source", "level"), [("tsc", Level.OK), ("hpet", Level.WARN)])
def test_the_clock_source(source: str, level: Level, tmp_path: Path) -> None:
    place = tmp_path / "devices/system/clocksource/clocksource0"
    place.mkdir(parents=True)
    (place / "current_clocksource").write_text(source + "\n")
    first, *rest = clock.check(Subject((), (), tmp_path, tmp_path))
    assert (first.level, first.found) == (level, source)
    state = kernel_clock.read()
    assert rest[0].level is (Level.OK if state is not None and state.synchronised else Level.WARN)


def test_a_week_of_samples_is_what_a_store_of_them_weighs(tmp_path: Path) -> None:
    kept = store(tmp_path)
    raw = b"230.01E+00,0.4348E+00,100.00E+00,1.0000E+00,50.000E+00,300.0E+00,1.0E+00;1\r\n"
    for second in range(1, 20_001):
        kept.put_reading(replace(reading(second), raw=raw, boot_id=str(uuid.UUID(int=7))))
    kept.writer.flush()
    kept.close()
    each = os.path.getsize(tmp_path / "powerd.sqlite") / 20_000
    assert each <= disk.BYTES_PER_READING <= 2 * each
    wall = parse_meter("wall=yokogawa-wt300:/dev/ttyUSB77,interval=500ms")
    assert disk.bytes_per_day(Subject((wall,), (), tmp_path)) == 2 * 86_400 * disk.BYTES_PER_READING


def test_the_expected_uncertainty_can_be_recomputed_by_hand() -> None:
    # WT310E: 0.1 % of reading + 0.05 % of range; power factor 1; heating of the inputs left at what it is.
    spec = series("yokogawa-wt300")["WT310E"]
    values: Values = replace(reading(1, 230.0).values, current_a=1.0)
    limits = [
        spec.reading * 230,
        spec.range_ * 300,
        (spec.self_heating_per_v2 * 230**2 + spec.self_heating_per_a2) * 230,
    ]
    by_hand = 1.96 * sum((limit / 3**0.5) ** 2 for limit in limits) ** 0.5 / 230
    assert meter.relative_u95(spec, values, 300.0, 1.0, 1_000_000_000) == pytest.approx(by_hand)


GOOD = '[[meter]]\nname = "wall"\ndriver = "yokogawa-wt300"\nport = "/dev/ttyUSB0"\n'


def test_a_configuration_without_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text(GOOD)
    assert main(["config", "check", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: fine, 1 meter(s): wall\n"


def test_all_mistakes_of_a_configuration_one_per_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text(
        '[daemn]\n[daemon]\nlisten = "0.0.0.0:1"\ndatadir = "x"\n'
        + GOOD.replace("wt300", "wt30").replace("port", "prot")
        + GOOD + 'interval = "0s"\nvoltage_range = -1\nchannels = "1"\nbaud = 12\n'
        + GOOD + 'interval = "100ms"\n'
    )  # fmt: skip
    assert main(["config", "check", str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    for part in ("'daemn'; did you mean 'daemon'?", "'datadir'; did you mean 'data_dir'?", "0.0.0.0",
                 "'prot'; did you mean 'port'?", "no port", "did you mean yokogawa-wt300?", "'0s'", "found -1", "'1'",
                 "found 12,", "take more than", "two meters are named wall"):  # fmt: skip
        assert sum(part in text for text in lines) == 1, part


def test_files_that_a_configuration_names_and_that_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "powerd.toml"
    (tmp_path / "here.pem").write_text("")
    file.write_text(
        '[daemon]\ntokens_file = "tokens.toml"\ntls_certificate = "here.pem"\ntls_key = "here.pem/key"\n'
        + GOOD
    )
    assert main(["config", "check", str(file)]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert f"tokens_file {tmp_path}/tokens.toml is not there: put it there" in first
    assert f"tls_key {tmp_path}/here.pem/key is not there" in second


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("[[meter", 2, "not TOML"),
        ("", 1, "no meter"),
        ("meter = 3", 1, "[[meter]]"),
        ("daemon = 3", 1, "[daemon]"),
    ],
)
def test_files_that_are_none(
    text: str, code: int, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text(text)
    assert main(["config", "check", str(file)]) == code
    captured = capsys.readouterr()
    assert part in captured.out + captured.err
    assert main(["config", "check", str(tmp_path / "absent.toml")]) == 2


def test_the_key_that_signs_evidence_is_shown(tmp_path: Path) -> None:
    subject = Subject((), (), tmp_path)
    assert list(key.check(subject)) == []
    made = signer(tmp_path)
    (shown,) = key.check(subject)
    assert shown.level is Level.OK
    assert made.fingerprint in shown.found
    (tmp_path / "signing.key").chmod(0o640)
    (refused,) = key.check(subject)
    assert refused.level is Level.WARN
    assert "chmod 600" in refused.found
