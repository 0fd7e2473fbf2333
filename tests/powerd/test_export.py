"""A window's samples as files, ``powerd exec`` and ``powerd clock`` on a running daemon."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checker.bundle import verify
from powerd.cli import main
from powerd.client import ClientError, PowerdClient
from schemas.documents import violations
from schemas.powerlog import PowerLine, read_spl
from tests.calm import calmly
from tests.powerd.rig import Daemon, Meter, replaced, wait_for_samples


@dataclass
class Lab:
    url: str
    client: PowerdClient
    window: dict[str, Any]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder: Path = tmp_path_factory.mktemp("export")
    meter = Meter(folder)
    daemon = Daemon(folder, meter.port)
    client = PowerdClient(daemon.url)
    wait_for_samples(client)
    meter = replaced(meter, folder, client, faults="overrange@5-5.4")
    window = client.open_window("two, seconds", "wall")
    begin = time.time_ns()
    deadline = time.monotonic() + 30
    while client.samples("wall", limit=10_000)[-1]["quality"] != "overrange":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.8)
    yield Lab(daemon.url, client, client.close_window(window["id"], begin, time.time_ns()))
    assert daemon.stop() == 0
    meter.stop()


def exported(lab: Lab, form: str, path: Path) -> Path:
    assert main(["export", lab.window["id"], "--format", form, "--output", str(path), "--url", lab.url]) == 0
    return path


def test_csv_has_every_sample_of_the_window_and_one_interval_around(lab: Lab, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(lab, "csv", tmp_path / "w.csv").read_text())))
    stamps = [int(row["unix_ns"]) for row in rows]
    begin, end = lab.window["begin_unix_ns"], lab.window["end_unix_ns"]
    assert begin - 110_000_000 <= stamps[0] <= begin
    assert end <= stamps[-1] <= end + 110_000_000
    numbers = [int(row["sequence"]) for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    over = [row for row in rows if row["quality"] == "overrange"]
    assert len(over) == lab.window["bad_samples"]["overrange"]
    assert {row["power_w"] for row in over} == {""}
    assert all(95 < float(row["power_w"]) < 105 for row in rows if row["quality"] == "good")


def test_spl_is_the_official_form_with_losses_as_the_meter_gave_them(lab: Lab, tmp_path: Path) -> None:
    lines = list(read_spl(exported(lab, "spl", tmp_path / "spl.txt")))
    assert all(isinstance(line, PowerLine) for line in lines)
    good = [line for line in lines if isinstance(line, PowerLine)]
    assert {line.mark for line in good} == {"two  seconds"}
    # A late sample, which a busy machine may have, is nan.
    over = sum(math.isinf(line.power_w) for line in good)
    assert over == lab.window["bad_samples"]["overrange"] > 0


def test_json_carries_the_window_and_the_raw_answers(lab: Lab, tmp_path: Path) -> None:
    document = json.loads(exported(lab, "json", tmp_path / "w.json").read_text())
    assert list(violations("export", document)) == []
    assert document["window"] == lab.client.window(lab.window["id"])
    assert "INF" in "".join(row["raw"] for row in document["samples"] if row["quality"] == "overrange")


@pytest.mark.parametrize(
    ("form", "parts"),
    [
        ("cvs", ["did you mean csv"]),
        ("xml", ["bundle, csv, json, parquet, png, spl, svg"]),
    ],
)
def test_an_unknown_form_is_a_sentence_here_and_over_the_api(
    lab: Lab, form: str, parts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", lab.window["id"], "--format", form, "--url", lab.url]) == 2
    text = capsys.readouterr().err
    assert all(part in text for part in parts), text
    with pytest.raises(ClientError, match=parts[0]) as refused:
        lab.client.export(lab.window["id"], form)
    assert refused.value.status == 400


@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("parquet", b"PAR1")])
def test_pictures_and_tables_come_over_the_api(lab: Lab, form: str, start: bytes, tmp_path: Path) -> None:
    assert exported(lab, form, tmp_path / f"w.{form}").read_bytes().startswith(start)


def test_a_bundle_of_a_running_daemon_is_signed_by_the_key_that_it_names(lab: Lab, tmp_path: Path) -> None:
    path = exported(lab, "bundle", tmp_path / "w.bundle.jsonl")
    key = lab.client.health()["key"]["fingerprint"]
    found = verify(path, key)
    assert list(found.faults) == []
    assert (found.key, found.recomputed) == ("given", True)
    assert found.raw_found == found.raw_samples > 10


def test_a_window_that_is_open_or_absent_cannot_be_exported(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    window = lab.client.open_window("open", "wall")
    assert main(["export", window["id"], "--url", lab.url]) == 2
    assert "close it" in capsys.readouterr().err
    now = time.time_ns()
    lab.client.close_window(window["id"], now - 200_000_000, now)
    assert main(["export", "nobody", "--url", lab.url]) == 2
    assert "no window 'nobody'" in capsys.readouterr().err


def test_exec_measures_a_command_and_gives_back_its_exit_code(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [sys.executable, "-c", "import time, sys; time.sleep(1); sys.exit(7)"]

    def measured() -> None:
        assert main(["exec", "--url", lab.url, "--", *words]) == 7
        text = capsys.readouterr().err
        assert "quality good SIMULATED" in text
        (window,) = lab.client.windows(limit=1)
        assert window["energy_j"] == pytest.approx(100 * window["duration_s"], rel=0.01)
        assert window["duration_s"] >= 1.0
        assert window["id"] in text

    calmly(measured)


def test_exec_says_the_energy_above_idle(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "--url", lab.url, "--idle", "1", "--", "sleep", "1"]) == 0
    text = capsys.readouterr().err
    assert "powerd: idle " in text
    assert "net of idle" in text
    (window,) = lab.client.windows(limit=1)
    assert abs(window["idle"]["net_j"]) <= window["idle"]["net_u95_j"]
    assert list(violations("window", window)) == []
    assert main(["exec", "--url", lab.url, "--idle", "soon", "--", "true"]) == 2
    assert "wanted seconds from 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "no command"),
        (["--", "no-such-program"], "no-such-program"),
        (["--meter", "cellar", "--", "true"], "wall"),
    ],
)
def test_exec_that_cannot_begin_says_why(
    lab: Lab, words: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["exec", "--url", lab.url, *words]) == 2
    assert part in capsys.readouterr().err


def test_ctrl_c_in_exec_keeps_the_window(lab: Lab) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "powerd", "exec", "--url", lab.url, "--", "sleep", "30"],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while lab.client.windows(limit=1)[0]["name"] != "sleep 30":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.7)  # some samples
    os.killpg(process.pid, signal.SIGINT)
    _, text = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "energy" in text
    assert "Traceback" not in text
    assert lab.client.windows(limit=1)[0]["state"] == "closed"


def test_clock_says_how_well_utc_is_known(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clock", "--url", lab.url, "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert list(violations("clock", state)) == []
    assert abs(state["unix_ns"] - time.time_ns()) < 1_000_000_000
    assert 0 < state["u95_s"] < 0.01
    assert state["fixes"] >= 1
    assert main(["clock", "--url", lab.url]) == 0
    assert "kernel:" in capsys.readouterr().out
    assert main(["clock", "--url", "http://127.0.0.1:9"]) == 2
