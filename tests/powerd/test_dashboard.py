"""The dashboard is drawn from a record, so it is read here as text."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from powerd.dashboard.app import plain_lines, screen
from powerd.dashboard.panels.windows import windows
from powerd.dashboard.snapshot import Snapshot, WindowView, take, unreachable
from powerd.dashboard.text import duration, sparkline, watts

NOW = 1_800_000_000_000_000_000
URL = "http://127.0.0.1:8675"


def meter(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "name": "wall",
        "driver": "yokogawa-wt300",
        "port": "/dev/ttyUSB0",
        "connected": True,
        "info": {"maker": "YOKOGAWA", "model": "WT310E", "serial": "EDGEWATT-EMULATED", "firmware": "F1.04",
                 "simulated": True},
        "settings": {"interval_s": 0.5, "voltage_range_v": 300.0, "current_range_a": None},
        "last_error": None,
        "reconnects": 2,
        "events": [{"kind": "range-changed", "message": "channel 1"}],
        "latest": {"unix_ns": NOW - 300_000_000, "power_w": 42.5, "voltage_v": 230.1, "current_a": 0.21,
                   "power_factor": 0.88, "frequency_hz": 50.0, "voltage_range_v": 300.0, "current_range_a": 0.5,
                   "quality": "good"},
        "samples": 120,
        "bad_samples": 1,
    }  # fmt: skip
    return base | changes


WINDOW = {
    "id": "w",
    "name": "resnet50 testing",
    "meter": "wall",
    "state": "closed",
    "duration_s": 61.0,
    "energy_j": 2600.0,
    "energy_u95_j": 6.1,
    "average_w": 42.6,
    "coverage": 0.9995,
    "quality": "good",
}
HEALTH = {"status": "ok", "version": "0.1.0", "clock": {"source": "system", "u95_s": 0.0004}, "problems": []}


def snapshot(*meters: dict[str, Any], **health: Any) -> Snapshot:
    return take(URL, HEALTH | health, meters or (meter(),), [WINDOW], NOW)


def drawn(shot: Snapshot, width: int, height: int) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(screen(shot, width, height))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60)])
def test_the_screen_says_what_matters_and_fits(width: int, height: int) -> None:
    text = drawn(snapshot(), width, height)
    for part in (
        "42.50 W",
        "good",
        "300 V",
        "0.5 A (auto)",
        "SIMULATED",
        "2600 ± 6.1 J",
        "100.0 %"[1:],
        "± 0.4 ms",
        "2 reconnects",
        "1 bad",
    ):
        assert part in text, part
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= height


def test_several_meters_fit_a_narrow_screen() -> None:
    text = drawn(snapshot(meter(), meter(name="rack")), 80, 40)
    assert "wall" in text
    assert "rack" in text


def test_a_meter_that_is_gone_says_why() -> None:
    text = drawn(snapshot(meter(connected=False, last_error="no answer within 2 s", latest=None)), 80, 24)
    assert "not connected" in text
    assert "no answer within 2 s" in text


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    evil = meter(
        info={"maker": "\x1b[2J", "model": "[red]x", "serial": "", "firmware": "", "simulated": False}
    )
    text = drawn(snapshot(evil), 120, 40)
    assert "\x1b" not in text
    assert "[red]x" in text


def test_plain_lines_without_a_terminal() -> None:
    assert plain_lines(snapshot()) == ["wall: 42.50 W good simulated"]
    assert plain_lines(unreachable(URL, "no daemon answers", None)) == ["no daemon answers"]


def test_what_was_known_stays_when_the_daemon_is_gone() -> None:
    text = drawn(unreachable(URL, "no daemon answers", snapshot()), 80, 24)
    assert "no daemon answers" in text
    assert "wall" in text


def test_the_trace_grows_by_new_samples_only() -> None:
    first = snapshot()
    same = take(URL, HEALTH, [meter()], [], NOW, first)
    more = take(URL, HEALTH, [meter(samples=121)], [], NOW, same)
    assert [len(s.meters[0].trace) for s in (first, same, more)] == [1, 1, 2]


def test_an_open_window_counts_its_time() -> None:
    shot = take(
        URL, HEALTH, [], [{"name": "w", "state": "open", "opened_unix_ns": NOW - 90_000_000_000}], NOW
    )
    assert shot.windows[0].duration_s == 90.0


def test_numbers_as_text() -> None:
    assert [watts(v) for v in (None, 1.2345, 42.5, 1234.56)] == ["--", "1.234", "42.50", "1234.6"]
    assert [duration(v) for v in (None, 3.44, 125, 3723)] == ["--", "3.4 s", "2:05", "1:02:03"]
    assert sparkline([1, 2, 3], 10) == "▁▅█"
    assert sparkline([5, 5], 10) == "▄▄"


def test_several_channels_stand_beside_their_sum() -> None:
    channels = [{"channel": c, "latest": {"power_w": w}} for c, w in (("1", 30.0), ("2", 12.5), ("3", None))]
    shown = drawn(snapshot(meter(channels=channels)), 100, 30)
    assert "42.5" in shown
    assert "1: 30.00 W  2: 12.50 W  3: -- W" in shown


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (80, ["window", "state", "length", "energy", "coverage", "quality"]),
        (64, ["window", "state", "length", "energy", "quality"]),
        (48, ["window", "state", "energy", "quality"]),
        (40, ["window", "energy", "quality"]),
        (30, ["window", "energy"]),
        (24, ["window"]),
    ],
)
def test_a_narrow_terminal_keeps_the_names_of_windows_before_their_figures(
    width: int, columns: list[str]
) -> None:
    views = (WindowView("resnet50-offline", "sut", "closed", 600.0, 38_250.0, 81.5, 63.8, 1.0, "good"),)
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(windows(views, width, narrow=True))
    head, row = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert head.split() == columns
    assert row.startswith("resnet50-offline")
