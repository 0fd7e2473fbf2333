"""Whole screens of ``powerd watch`` as people see them: drawn from records, and in a real terminal by tmux.

The files in ``screens/`` are what was looked at and found right. After a change that is meant:
``EDGEWATT_DRAW=1 python -m pytest tests/powerd/test_screens.py``, and look at the difference.
"""

from __future__ import annotations

import io
import math
import os
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from powerd.cli import main
from powerd.client import PowerdClient
from powerd.dashboard.app import screen
from powerd.dashboard.replay import Player, load
from powerd.dashboard.snapshot import Snapshot, take
from powerd.dashboard.text import bar, chart, energy, sampled
from powerd.dashboard.view import View
from tests.powerd.rig import Daemon, Meter, Process, wait_for_samples
from tests.powerd.test_dashboard import HEALTH, NOW, URL, WINDOW, meter

SCREENS = Path(__file__).with_name("screens")
SIZES = [(80, 24), (200, 60)]
OPEN = {
    "id": "o",
    "name": "bert ranging",
    "meter": "sut1",
    "state": "open",
    "opened_unix_ns": NOW - 90_000_000_000,
    "so_far": {"energy_j": 3825.0, "coverage": 1.0, "seconds": 90.0, "energy_u95_j": 8.1},
}


@cache
def lab(count: int) -> Snapshot:
    """``count`` meters after two minutes: one is lost, one is over its range, one measures three channels."""
    shot = None
    for step in range(240):
        at = NOW - (240 - step) * 500_000_000
        rows = [one(n, step, at) for n in range(1, count + 1)]
        windows = [WINDOW, OPEN]
        clock = {"source": "chrony", "u95_s": 2e-6, "bound_s": 0.0021, "offset_s": -0.00013}
        shot = take(URL, HEALTH | {"clock": clock}, rows, windows, at + 100_000_000, shot)
    assert shot is not None
    return shot


def one(number: int, step: int, at: int) -> dict[str, Any]:
    power = 40.0 * number + 15 * number * math.sin(step / 12 + number)
    latest: dict[str, Any] = meter()["latest"] | {
        "unix_ns": at, "power_w": power, "current_a": power / 230.1 / 0.88, "current_range_a": 1.0,
    }  # fmt: skip
    changes: dict[str, Any] = {"name": f"sut{number}", "samples": step, "latest": latest, "reconnects": 0}
    if number == 2:
        rows = [{"channel": str(c), "latest": {"power_w": power * c / 6}} for c in (1, 2, 3)]
        changes |= {"channels": rows, "info": meter()["info"] | {"simulated": False}}
    if number == 3:
        event = {"kind": "disconnected", "message": "no answer within 2 s", "at_unix_ns": NOW - 5_000_000_000}
        alarm = {"kind": "disconnected", "message": "no answer within 2 s", "alarm": 1}
        changes |= {"connected": False, "last_error": alarm["message"], "events": [event], "alarms": [alarm]}
    return meter(**changes)


def drawn(shot: Snapshot, width: int, height: int, view: View | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(screen(shot, width, height, view))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_screen_is_what_was_looked_at(count: int, width: int, height: int) -> None:
    lines = drawn(lab(count), width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    kept = SCREENS / f"{count}-meters-{width}x{height}.txt"
    if os.environ.get("EDGEWATT_DRAW"):
        kept.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == kept.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("count", [0, 1, 2, 5, 8, 20])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (60, 16), (132, 43), (240, 70)])
def test_no_screen_is_wider_or_higher_than_its_terminal(count: int, width: int, height: int) -> None:
    for view in (View(), View(selected=7, watt_hours=True), View(span=2, paused=True), View(helped=True)):
        lines = drawn(lab(count) if count else take(URL, HEALTH, [], [], NOW), width, height, view)
        assert max(map(len, lines)) <= width
        assert len(lines) <= max(height, 16)


def test_keys() -> None:
    view = View()
    for key in ("n", "\t", "\x1b[B"):
        view = view.press(key)
    assert view.selected == 3
    assert view.press("p").selected == 2
    assert view.press(" ").paused
    assert not view.press(" ").press(" ").paused
    assert [view.span_s, view.press("g").span_s, view.press("g").press("g").press("g").span_s] == [
        60,
        600,
        60,
    ]
    assert view.press("u").watt_hours
    assert view.press("?").helped
    assert not view.press("?").press("n").helped
    assert view.press("?").press("q").ended
    assert view.press("+").times == 2
    assert view.press("-").times == 1
    assert view.press("x") == view


def test_the_chosen_meter_is_always_among_the_lines() -> None:
    for selected in range(-3, 23):
        lines = drawn(lab(20), 80, 24, View(selected=selected))
        marked = [line for line in lines if line.startswith("▶")]
        assert len(marked) == 1
        assert marked[0].split()[1] == f"sut{selected % 20 + 1}"


def test_parts_of_pictures() -> None:
    assert bar(0.5, 4) == "██░░"
    assert bar(7.0, 4) == "████"
    assert bar(None, 4) == "····"
    assert chart([0, 1, 2], 3, 2) == [" ▁█", "▁██"]
    assert chart([5, 5], 4, 2) == ["  ", "██"]
    assert chart([], 4, 2) == []
    assert sampled([(0, 1.0), (30, 3.0), (59.5, 5.0)], 60, 2) == [1.0, 4.0]
    assert sampled([], 60, 2) == []
    assert energy(7200.0, watt_hours=True, u95_j=36.0) == "2 ± 0.01 Wh"
    assert energy(None, watt_hours=False) == "--"


class Terminal:
    """A real one, by tmux on a server of its own."""

    def __init__(self, folder: Path, width: int, height: int, *arguments: str) -> None:
        self.name = f"edgewatt-{os.getpid()}-{folder.name}"
        command = " ".join([sys.executable, "-m", "powerd", *arguments])
        size = ("-x", str(width), "-y", str(height))
        self.do(
            "-f", "/dev/null", "new-session", "-d", "-s", "s", *size, f"{command}; echo ended $?; sleep 60"
        )

    def do(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self.name, *arguments], capture_output=True, text=True, check=True, timeout=20
        )
        return done.stdout

    def shows(self, text: str, seconds: float = 20) -> str:
        deadline = time.monotonic() + seconds
        while text not in (seen := self.do("capture-pane", "-p", "-t", "s")):
            assert time.monotonic() < deadline, seen
            time.sleep(0.1)
        return seen

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self.name, "kill-server"], capture_output=True, check=False, timeout=20)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed: tools/debian-packages.sh")
def test_in_a_real_terminal(tmp_path: Path) -> None:
    meters = [f"sut{n}=simulated:load:constant:{n}0,interval=500ms" for n in range(1, 9)]
    options = [o for m in meters for o in ("--meter", m)]
    daemon = Process("run", *options, "--data-dir", str(tmp_path / "d"), "--listen", "127.0.0.1:0")
    terminal = None
    try:
        PowerdClient(daemon.first_line).open_window("bert", "sut2")
        terminal = Terminal(tmp_path, 80, 24, "watch", "--url", daemon.first_line)
        seen = terminal.shows("▶ sut1")
        assert all(f"sut{n}" in seen for n in range(1, 9))
        terminal.do("send-keys", "-t", "s", "n")
        terminal.shows("▶ sut2")
        terminal.do("send-keys", "-t", "s", "u")
        terminal.shows(" Wh")
        terminal.do("send-keys", "-t", "s", "Space")
        terminal.shows("PAUSED")
        terminal.do("send-keys", "-t", "s", "?")
        terminal.shows("the one before")
        terminal.do("send-keys", "-t", "s", "x")
        terminal.do("send-keys", "-t", "s", "q")
        terminal.shows("ended 0")
    finally:
        if terminal is not None:
            terminal.close()
        daemon.stop()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same closed window in both forms."""
    folder = tmp_path_factory.mktemp("replay")
    device = Meter(folder, "constant:100")
    daemon = Daemon(folder, device.port)
    client = PowerdClient(daemon.url)
    wait_for_samples(client)
    ident = client.open_window("old one", "wall")["id"]
    begin = time.time_ns()
    time.sleep(1.0)
    client.close_window(ident, begin, time.time_ns())
    files = {}
    for form in ("json", "bundle"):
        files[form] = folder / f"window.{form}"
        files[form].write_bytes(client.export(ident, form))
    daemon.stop()
    device.stop()
    return files


@pytest.mark.parametrize("form", ["json", "bundle"])
def test_a_window_is_watched_again(exported: dict[str, Path], form: str) -> None:
    recording = load(exported[form])
    player = Player(recording)
    first = player.advance(0.5, None)
    (window,) = first.windows
    assert window.state == "open"
    assert 0 < (window.energy_j or 0) < float(recording.window["energy_j"])
    assert "REPLAY" in first.note
    assert first.meters[0].simulated
    last = player.advance(100.0, first)
    assert player.ended
    assert last.windows[0].energy_j == recording.window["energy_j"]
    assert last.windows[0].energy_u95_j == recording.window["energy_u95_j"]
    assert len(last.meters[0].trace) > 5
    assert all(95 < watts < 105 for _, watts in last.meters[0].trace)


def test_both_forms_tell_the_same(exported: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Plain lines, one for each reading, without waiting."""
    lines = {}
    for form, path in exported.items():
        assert main(["watch", "--replay", str(path)]) == 0
        lines[form] = [line.split("Z ")[1] for line in capsys.readouterr().out.splitlines()]
    assert len(lines["json"]) > 5
    assert lines["json"] == lines["bundle"]
    assert set(lines["json"]) <= {line for line in lines["json"] if line.startswith("wall: ")}


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"member": 1}', '{"member":"header","data":{}}', "\x00", "[" * 9999]
)
def test_what_is_no_window_is_refused_in_a_sentence(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    assert main(["watch", "--replay", str(file)]) == 2
    assert "is no window, wanted what `powerd export ID" in capsys.readouterr().err
    assert main(["watch", "--replay", str(tmp_path / "gone")]) == 2
    assert "cannot be read" in capsys.readouterr().err
