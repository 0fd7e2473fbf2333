"""What a running daemon takes over and what it leaves, and that an open window keeps its meter."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from powerd.config import Config, parse_meter
from powerd.errors import NotThere
from powerd.meter_config import MeterConfig
from powerd.model import Settings
from powerd.service import Service
from powerd.tokens import Caller, Tokens
from tests.powerd.test_service import until


def simulated(name: str) -> MeterConfig:
    return MeterConfig(name, "simulated", "load:constant:100", Settings(interval_ns=100_000_000))


def config(folder: Path, *meters: MeterConfig) -> Config:
    return Config(meters, folder / "data", "127.0.0.1", 0)


def test_meters_come_and_go_and_the_others_are_not_touched(tmp_path: Path) -> None:
    service = Service(config(tmp_path, simulated("wall"), simulated("rack")))
    try:
        service.start()
        until(lambda: service.ring.tally("wall").samples > 3)
        loop = service.state("wall")
        assert service.reload(config(tmp_path, simulated("wall"), simulated("new"))) == [
            "meter rack: removed",
            "meter new: added",
        ]
        assert service.meter_names == ("wall", "new")
        assert service.state("wall") is loop
        with pytest.raises(NotThere, match="rack"):
            service.meter("rack")
        until(lambda: service.ring.tally("new").samples > 3)
        assert service.alive
        assert [m["name"] for m in service.health()["meters"]] == ["wall", "new"]
        said = [e["message"] for e in service.store.events() if e["kind"] == "reload"]
        assert said == ["meter rack: removed", "meter new: added"]
    finally:
        service.stop()


def test_another_setting_starts_a_meter_anew_and_its_samples_are_numbered_on(tmp_path: Path) -> None:
    service = Service(config(tmp_path, simulated("wall")))
    try:
        service.start()
        until(lambda: service.ring.tally("wall").samples > 3)
        slower = replace(simulated("wall"), settings=Settings(interval_ns=250_000_000))
        assert service.reload(config(tmp_path, slower)) == [
            "meter wall: ended to be started otherwise",
            "meter wall: added",
        ]
        until(lambda: (latest := service.latest("wall")) is not None and latest.interval_ns == 250_000_000)
        service.store.writer.flush()
        rows = service.store.readings("wall", "1", service.boot_id, 0, 1 << 62)
        assert [r.reading.sequence for r in rows] == list(range(1, len(rows) + 1))
    finally:
        service.stop()


def test_a_window_keeps_its_meter(tmp_path: Path) -> None:
    service = Service(config(tmp_path, simulated("wall"), simulated("rack")))
    try:
        service.start()
        ident = service.windows.open("n", "wall", {})["id"]
        begin = time.time_ns()
        (said,) = service.reload(config(tmp_path, simulated("rack")))
        assert said.startswith(f"meter wall: stays as it is, window {ident} is open on it")
        assert service.meter_names == ("wall", "rack")
        time.sleep(0.3)
        service.windows.close(ident, begin, time.time_ns(), None)
        until(lambda: service.windows.get(ident)["state"] == "closed")
        assert service.reload(config(tmp_path, simulated("rack"))) == ["meter wall: removed"]
    finally:
        service.stop()


def test_what_cannot_change_is_said(tmp_path: Path) -> None:
    service = Service(config(tmp_path, simulated("wall")))
    try:
        service.start()
        other = replace(config(tmp_path / "other", simulated("wall")), port=1, retention_ns=10**18)
        assert service.reload(other) == [
            "retention: changed",
            "data_dir: stays as it is until powerd is started again",
            "port: stays as it is until powerd is started again",
        ]
        assert service.config.retention_ns == 10**18
        assert service.config.port == 0
    finally:
        service.stop()


def test_a_patient_daemon_waits_for_its_meter(tmp_path: Path) -> None:
    missing = parse_meter(f"late=yokogawa-wt300:{tmp_path / 'tty'}")
    service = Service(config(tmp_path, simulated("wall"), missing))
    try:
        service.start(patient=True)
        until(lambda: service.ring.tally("wall").samples > 1)
        assert service.status_line() == "1 of 2 meters connected, store ok"
        (row,) = [m for m in service.health()["meters"] if m["name"] == "late"]
        assert "late is not connected" in row["problem"]
        assert service.health()["disk"]["store_bytes"] > 0
    finally:
        service.stop()


def test_tokens_of_another_file() -> None:
    digest = {"a" * 64: Caller("old")}
    tokens = Tokens(digest)
    tokens.take_over(Tokens({}))
    assert tokens.find("anything") is None
