"""The meter's own integrator: started only when asked for, read with every update, held against our samples."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from powerd.config import Config, parse_meter
from powerd.drivers import find
from powerd.drivers.base import Driver
from powerd.drivers.yokogawa_wt300 import READ, items, parse, setup_messages
from powerd.errors import Refused
from powerd.model import Settings
from powerd.service import Service
from powerd.transports import LineSettings, open_port
from powerd.transports.base import Transport
from schemas.documents import violations
from schemas.energy import EnergySample, integrate
from schemas.errors import UserError
from schemas.statements import integrator, integrator_notes
from tests.powerd.benches import bench
from tests.powerd.conversation import conversation
from tests.powerd.rig import Meter
from tests.powerd.test_yokogawa_wt300 import DRIVER, OK, RESYNC, STATE, accepted, info

ASKED = Settings(voltage_range_v=300.0, current_range_a=1.0, integrator=True)
S = 1_000_000_000


def test_the_item_is_asked_for_only_with_the_setting() -> None:
    assert items(ASKED)[-1] == "WH"
    assert any("ITEM8 WH,1" in message for message in setup_messages(ASKED))
    assert not any("WH" in m or "INTEG" in m for m in setup_messages(replace(ASKED, integrator=False)))


def test_watt_hours_become_joules() -> None:
    line = "230.00E+00,0.4348E+00,100.00E+00,1.0000E+00,50.000E+00,300.0E+00,1.000E+00,0.27778E+00;0;1"
    (values,) = parse(line, ASKED)
    assert values.integrator_j == pytest.approx(1000.0, abs=0.1)
    (nothing,) = parse(line.replace("0.27778E+00", "NAN"), ASKED)
    assert nothing.integrator_j is None
    assert "WAIT" in READ


@pytest.mark.parametrize("state", [b"RES", b"STOP", b"STAR", b":INTEGRATE:STATE TIM"])
def test_it_is_reset_before_the_settings_and_started_after_them(state: bytes) -> None:
    stop = [(b":INTEG:STOP\n", b""), OK] if state == b"STAR" else []
    reset = [] if state == b"RES" else [(b":INTEG:RES\n", b""), OK]
    start = [p for m in (b"MODE NORM", b"TIM 0,0,0", b"STAR") for p in ((b":INTEG:" + m + b"\n", b""), OK)]
    with conversation(
        *RESYNC, (b":INTEG:STAT?\n", state + b"\r\n"), *stop, *reset, *RESYNC, *accepted(ASKED),
        (STATE, b"3;300.0E+00;0;1.000E+00;0;1.0E+00\r\n"), (b":STAT:EESR?\n", b"0\r\n"), *start,
    ) as port:  # fmt: skip
        assert DRIVER.configure(port, info(), ASKED) == ASKED


@pytest.mark.parametrize(
    ("name", "model", "interval_ms"),
    [
        ("yokogawa-wt200", "WT210", 500), ("yokogawa-wt200", "WT230-3", 500), ("yokogawa-wt500", "WT500-3", 100),
        ("gwinstek-gpm8310", "GPM-8213", 1000),
    ],
)  # fmt: skip
def test_every_series_with_a_documented_one_counts_what_it_measures(
    name: str, model: str, interval_ms: int
) -> None:
    driver = find(name)
    with bench(name, model=model) as meter:
        port = open_port(meter.port, LineSettings(baud=57600))
        try:
            found = driver.identify(port)
            spec = driver.specification(found)
            amperes = min(r for r in spec.current_ranges_a if r >= 1)
            volts = min(r for r in spec.voltage_ranges_v if r >= 250)
            asked = Settings(
                interval_ms * 1_000_000, volts, amperes, channels=found.channels, integrator=True
            )
            # It counts already the second time: it must be stopped and reset before any setting is taken.
            for _ in range(2):
                assert driver.configure(port, found, asked) == asked
                first, last = counts(driver, port, asked, 3)
                assert 0 <= first < last
            for channel in last_watts(driver, port, asked):
                assert channel == pytest.approx(100, rel=0.05)
            plain = replace(asked, integrator=False)
            with pytest.raises(Refused, match="813"):
                driver.configure(port, found, plain)
        finally:
            port.close()


def counts(driver: Driver, port: Transport, settings: Settings, updates: int) -> tuple[float, float]:
    """Joules of the first channel at the beginning and after some updates."""
    found: list[float] = []
    until = time.monotonic() + 20
    while len(set(found)) <= updates:
        assert time.monotonic() < until
        (values, *_) = driver.read(port, settings)
        if values.integrator_j is not None:
            found.append(values.integrator_j)
    return found[0], found[-1]


def last_watts(driver: Driver, port: Transport, settings: Settings) -> list[float]:
    return [values.power_w or 0.0 for values in driver.read(port, settings)]


def test_a_driver_that_does_not_read_it_says_so(tmp_path: Path) -> None:
    meter = parse_meter(f"wall=eastron-sdm:{tmp_path}/tty,integrator=true")
    service = Service(Config((meter,), tmp_path / "data", "127.0.0.1", 0))
    try:
        with pytest.raises(UserError, match="eastron-sdm does not read the integrator"):
            service.start()
    finally:
        service.stop()


@pytest.mark.parametrize(("factor", "agrees"), [(1.0, True), (1.0005, True), (1.3, False)])
def test_it_may_differ_by_what_it_adds_and_by_one_sample(factor: float, agrees: bool) -> None:
    samples = [EnergySample(i * S, 100.0) for i in range(30)]
    found = integrator(2000.0 * factor, integrate(samples, 5 * S, 25 * S), S)
    assert found["samples_j"] == pytest.approx(2000)
    assert found["limit_j"] == pytest.approx(0.001 * 2000 * factor + 100)
    assert found["agrees"] is agrees
    assert [n.split(":")[0] for n in integrator_notes(found)] == ([] if agrees else ["integrator"])


def test_an_emulated_meter_counts_what_its_samples_say(tmp_path: Path) -> None:
    meter = Meter(tmp_path, "square:60,140,0.7")
    spec = f"wall=yokogawa-wt300:{meter.port},interval=100ms,baud=115200,voltage_range=300,current_range=1"
    spec += ",integrator=true"
    service = Service(Config((parse_meter(spec),), tmp_path / "data", "127.0.0.1", 0))
    try:
        service.start()
        time.sleep(0.5)
        opened = service.windows.open("n", "wall", {})
        begin = time.time_ns()
        time.sleep(2.5)
        found = service.windows.close(opened["id"], begin, time.time_ns(), None)
        assert found["state"] == "closed"
        assert found["integrator"]["agrees"], found["integrator"]
        assert found["integrator"]["seconds"] > 2
        assert abs(found["integrator"]["difference_j"]) < 0.1 * found["integrator"]["meter_j"]
        assert list(violations("window", found)) == []
        # Another range: the meter takes it only while the integrator is reset, and counts anew afterwards.
        service.set_range("wall", 300.0, 2.0)
        until = time.monotonic() + 5
        while (latest := service.latest("wall")) is None or latest.values.current_range_a != 2.0:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert latest.values.integrator_j is not None
        assert latest.values.integrator_j < found["integrator"]["meter_j"]
    finally:
        service.stop()
        meter.stop()
