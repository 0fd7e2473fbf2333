"""What preflight finds of port, daemon and meter: the real daemon on an emulated meter."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness import daemon
from harness.checks import (
    port,
    power,
)
from harness.checks.base import Line, Situation
from harness.model import PowerRequest
from tests.harness.situations import found, only, planted, says


def test_port(bare: Situation, tmp_path: Path) -> None:
    def spawn(name: str) -> Situation:
        return replace(bare, power=PowerRequest(None, "yokogawa-wt300", name, None))

    assert found(port, bare) == []
    assert found(port, spawn("tcp:10.0.0.1:23")) == []
    says(only(port, spawn(f"{tmp_path}/ttyNone")), "fail", "ttyNone", "connect the meter")
    path = tmp_path / "ttyUSB0"
    path.write_text("")
    says(only(port, spawn(str(path))), "ok", "nobody is seen to hold it")
    holder = tmp_path / "machine/proc/4711"
    (holder / "fd").mkdir(parents=True)
    (holder / "comm").write_text("minicom\n")
    (holder / "fd/3").symlink_to(path)
    says(only(port, spawn(str(path))), "warn", "minicom (process 4711)", "end it")
    (holder / "fd/4").symlink_to("/dev/ptmx")
    says(only(port, spawn(str(path))), "ok")
    planted(tmp_path / "machine", {"run/lock/LCK..ttyUSB0": "4712"})
    says(only(port, spawn(str(path))), "warn", "LCK..ttyUSB0", "4712")


def test_the_file_of_a_port() -> None:
    assert port.device("usbtmc:/dev/usbtmc0") == Path("/dev/usbtmc0")
    assert port.device("gpib:4@/dev/ttyUSB1") == Path("/dev/ttyUSB1")
    assert port.device("replay:talk.txt") == Path("talk.txt")


def test_no_daemon(bare: Situation) -> None:
    absent = replace(bare, power=PowerRequest("http://127.0.0.1:9", None, None, None))
    says(only(power, absent), "fail", "no powerd answers at http://127.0.0.1:9", "powerd run")
    says(only(power, bare), "ok", "not asked for")


def test_unknown_driver(bare: Situation, tmp_path: Path) -> None:
    (tmp_path / "tty").write_text("")
    spawn = PowerRequest(None, "yokogawa-wt3000", str(tmp_path / "tty"), None)
    says(only(power, replace(bare, power=spawn)), "fail", "yokogawa-wt3000")


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The port of an emulated meter that sees 50 W."""
    process, name = daemon.emulator("yokogawa-wt300", "constant:50", tmp_path_factory.mktemp("meter"))
    with process:
        yield name


def measures_50_watts(line: Line) -> None:
    """The expected uncertainty is printed, and the emulated meter, which errs within its specification, keeps it."""
    match = re.match(r"± ([\d.]+) % of ([\d.]+) W expected", line.found)
    assert match is not None, line.found
    percent, watts = map(float, match.groups())
    # One in twenty lies beyond u95, none beyond the plain sum of the limits, which is less than twice u95.
    assert abs(watts - 50.0) <= 2 * percent / 100 * watts


def test_meter_on_a_port(bare: Situation, meter: str) -> None:
    situation = replace(bare, power=PowerRequest(None, "yokogawa-wt300", meter, None))
    says(only(port, situation), "ok", meter)
    lines = {line.subject: line for line in found(power, situation)}
    says(lines["power, meter: meter"], "warn", "is simulated", "a real meter")
    measures_50_watts(lines["power, meter: uncertainty"])


def test_running_daemon_tells_state_clock_and_uncertainty(
    bare: Situation, meter: str, tmp_path: Path
) -> None:
    process, url = daemon.powerd("yokogawa-wt300", meter, tmp_path / "powerd", name="wall")
    with process:
        time.sleep(2.5)
        situation = replace(bare, power=PowerRequest(url, None, None, None))
        lines = {line.subject: line for line in found(power, situation) if line.subject != "power"}
        # While a meter looks for its range it may give a sample or two that are not good.
        assert re.match(
            r"connected, \d+ samples so far, none bad|\d of \d+ samples so far were bad",
            lines["power, wall"].found,
        )
        measures_50_watts(lines["power, wall: uncertainty"])
        assert "V, " in lines["power, wall: range"].found
        texts = [line.found for line in found(power, situation) if line.subject == "power"]
        assert any("the daemon's clock is" in text for text in texts)
        other = replace(situation, power=PowerRequest(url, None, None, "lamp"))
        says(only(power, other), "fail", "no meter 'lamp'", "wall")
