"""What stands on standard error: levels, JSON a line, priorities for the journal."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from powerd import logs
from powerd.cli import main
from tests.powerd.rig import Meter, Process


def record(message: str, level: int = logging.WARNING, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("powerd.acquire", level, "f.py", 1, message, (), None)
    made.created = 1_800_000_000.25
    made.__dict__.update(extra)
    return made


def test_a_json_line_holds_whatever_was_said() -> None:
    line = logs.Json().format(record('a "meter"\nsaid \x1b[2J ü', meter="wall"))
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "warning",
        "logger": "powerd.acquire",
        "message": 'a "meter"\nsaid \x1b[2J ü',
        "meter": "wall",
    }


def test_the_journal_gets_priorities_on_every_line() -> None:
    assert logs.Journal().format(record("one\ntwo")) == "<4>powerd.acquire: one\n<4>two"
    assert logs.Journal().format(record("x", logging.ERROR)).startswith("<3>")
    assert logs.Journal().format(record("x", logging.INFO)).startswith("<6>")
    assert logs.Journal().format(record("x", logging.DEBUG)).startswith("<7>")


def test_a_daemon_talks_json(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    daemon = Process(
        "run", "--meter", f"wall=yokogawa-wt300:{meter.port}", "--data-dir", str(tmp_path / "d"), "--listen",
        "127.0.0.1:0", "--log-format", "json", "--log-level", "info",
    )  # fmt: skip
    try:
        assert daemon.process.stderr is not None
        line = json.loads(daemon.process.stderr.readline())
        assert (line["level"], line["meter"]) == ("info", "wall")
        assert "WT310E" in line["message"]
    finally:
        daemon.stop()
        meter.stop()


def test_a_level_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text('[daemon]\nlog_level = "loud"\n[[meter]]\nname = "w"\ndriver = "simulated"\nport = "x"\n')
    assert main(["config", "check", str(file)]) == 1
    assert "log_level: found 'loud', wanted one of debug, info, warning, error" in capsys.readouterr().out
