"""Hard knocks for a whole daemon in this process: meter unplugged, disk full, restart within a window."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from powerd.config import Config, parse_meter
from powerd.errors import NotThere
from powerd.service import Service
from tests.powerd.rig import Meter


def config(folder: Path, port: str, interval: str = "100ms") -> Config:
    meter = parse_meter(
        f"wall=yokogawa-wt300:{port},interval={interval},baud=115200,voltage_range=300,current_range=1"
    )
    return Config((meter,), folder / "data", "127.0.0.1", 0)


def until(condition: Callable[[], Any], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_meter_that_goes_and_comes_again(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    service = Service(config(tmp_path, meter.port))
    try:
        service.start()
        until(lambda: service.ring.tally("wall").samples > 3)
        assert service.health()["status"] == "ok"
        ident = service.windows.open("n", "wall", {})["id"]
        begin = time.time_ns()
        meter.stop()
        until(lambda: service.health()["status"] == "degraded")
        assert "wall is not connected" in service.health()["problems"][0]
        meter = Meter(tmp_path)
        until(lambda: service.health()["status"] == "ok")
        count = service.ring.tally("wall").samples
        until(lambda: service.ring.tally("wall").samples > count + 5)
        found = service.windows.close(ident, begin, time.time_ns(), None)
        until(lambda: service.windows.get(ident)["state"] == "closed")
        found = service.windows.get(ident)
        assert found["coverage"] < 0.99
        assert found["quality"] == "bad"
        assert found["reasons"][0].startswith("coverage: ")
        assert [e["kind"] for e in service.events("wall")][-1] == "connected"
    finally:
        service.stop()
        meter.stop()


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    service = Service(config(tmp_path, meter.port))
    try:
        service.start()
        until(lambda: service.ring.tally("wall").samples > 3)
        service.store.writer.limit_pages(1)
        until(lambda: service.health()["store"]["error"] is not None, 60)
        assert "free disk space" in " ".join(service.health()["problems"])
        count = service.ring.tally("wall").samples
        until(lambda: service.ring.tally("wall").samples > count + 5)
        service.store.writer.limit_pages(0)
        until(lambda: service.health()["store"]["error"] is None)
        service.store.writer.flush()
        rows = service.store.readings("wall", "1", service.boot_id, 0, 1 << 62)
        sequences = [r.reading.sequence for r in rows]
        assert sequences == list(range(1, len(sequences) + 1))
        assert len(sequences) > count + 5
    finally:
        service.stop()
        meter.stop()


def test_an_open_window_shows_its_energy_also_after_a_restart(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    slow = config(tmp_path, meter.port, "250ms")  # bears a busy machine
    service = Service(slow)
    try:
        service.start()
        until(lambda: service.ring.tally("wall").samples > 2)
        ident = service.windows.open("n", "wall", {})["id"]
        until(lambda: service.windows.get(ident).get("so_far", {}).get("seconds", 0) > 2)
        so_far = service.windows.get(ident)["so_far"]
        assert so_far["energy_j"] == pytest.approx(100 * so_far["seconds"], rel=0.02)
        assert so_far["coverage"] > 0.9
        # WT310E at 100 W on 300 V, 1 A: 0.1 % of reading, 0.05 % of 300 W, each a/sqrt(3); 1.96 times the quadrature.
        assert so_far["energy_u95_j"] == pytest.approx(
            1.96 * (0.1**2 + 0.15**2) ** 0.5 / 3**0.5 * so_far["seconds"], rel=0.3
        )
        service.stop()
        time.sleep(0.6)  # two updates that nobody asks for
        service = Service(slow)
        service.start()
        until(lambda: service.ring.tally("wall").samples > 3)
        until(lambda: service.windows.get(ident)["so_far"]["seconds"] > so_far["seconds"] + 0.6)
        again = service.windows.get(ident)["so_far"]
        assert again["energy_j"] > so_far["energy_j"]
        assert again["coverage"] < 1
    finally:
        service.stop()
        meter.stop()


def test_meters_that_are_not_there(tmp_path: Path) -> None:
    service = Service(config(tmp_path, "/dev/none"))
    try:
        with pytest.raises(NotThere, match="there is no meter 'rack': this daemon has wall"):
            service.meter("rack")
    finally:
        service.stop()
