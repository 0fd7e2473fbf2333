"""Probing leaves every meter as it was: the whole state of each emulator before and after; no driver is named here."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import pytest

from powerd import drivers, emulators, probe
from powerd.emulators.base import Instrument
from powerd.probe import Outcome
from tests.powerd.benches import bench

PASSING = {
    "_latest",
    "_shares",
    "_history",
    "_blind_until_ns",
    "_busy_until_ns",
    "_overloads",
    "_work",
    "_answer",
    "_forced",
}
"""What time changes by itself, or what belongs to the answer in progress."""
EMULATED = [(name, emulators.find(name).models[0]) for name in emulators.names()]


def state(value: Any) -> Any:
    """Everything that an instrument keeps, as plain values."""
    if isinstance(value, str | bytes | int | float | bool | None | Enum):
        return value
    if isinstance(value, dict):
        return {str(k): state(v) for k, v in value.items() if str(k) not in PASSING}
    if isinstance(value, list | tuple | deque | set | bytearray):
        return [state(v) for v in value]
    if isinstance(value, random.Random) or hasattr(value, "mean_w") or callable(value):
        return None
    if is_dataclass(value):
        return {f.name: state(getattr(value, f.name)) for f in fields(value) if f.name not in PASSING}
    return state(vars(value)) if hasattr(value, "__dict__") else str(type(value))


def settled(instrument: Instrument) -> Instrument:
    """With fixed ranges, so that no auto-range changes anything meanwhile."""
    inner = getattr(instrument, "_instrument", instrument)
    for meter in getattr(inner, "meters", ()):
        meter.setup.voltage_auto = meter.setup.current_auto = False
    return instrument


@pytest.mark.parametrize(("name", "model"), EMULATED, ids=lambda v: v)
def test_a_probed_tty(name, model, monkeypatch):
    bauds = getattr(drivers.find(name), "bauds", (9600,))
    baud = 9600 if 9600 in bauds else bauds[0]
    monkeypatch.setattr(probe, "_bauds", lambda: (baud,))
    with bench(name, model=model) as meter:
        before = state(settled(meter.instrument))
        found = probe.probe_port(meter.port)
        assert state(meter.instrument) == before
    assert found.outcome is Outcome.METER, found.message
    assert found.info is not None
    assert (found.info.driver, found.info.model) == (name, model)


@pytest.mark.parametrize("where", [{"tcp": True}, {"gpib": 3}], ids=str)
def test_a_probed_socket_and_a_probed_adapter(where):
    with bench(**where) as meter:
        inner = getattr(meter.instrument, "_instrument", meter.instrument)
        before = state(settled(inner))
        found = probe.probe_port(meter.port)
        assert state(inner) == before
    assert found.info is not None, found.message
    assert found.info.model == "WT310E"
    ((_, option),) = probe.meter_options([found])
    rate = ",baud=9600" if "gpib" in where else ""
    assert option == f"wall=yokogawa-wt300:{meter.port}{rate}"


def test_a_state_that_is_changed_is_seen():
    with bench() as meter:
        before = state(settled(meter.instrument))
        for message in (
            b":STAT:FILT1 FALL",
            b":NUM:NORM:ITEM1 P,1",
            b":NONSENSE",
            b":COMM:HEAD OFF",
            b":RATE 1S",
        ):
            for _ in meter.instrument.handle(message, meter.origin_ns):
                continue
            after = state(meter.instrument)
            assert after != before, message
            before = after


def test_usbtmc_devices_are_found(tmp_path, monkeypatch):
    for name in ("usbtmc0", "usbtmc1", "usbtmcx"):
        (tmp_path / name).touch()
    monkeypatch.setattr(probe, "DEV", tmp_path)
    assert [p for p in probe.find_ports() if "usbtmc" in p] == [
        f"usbtmc:{tmp_path}/usbtmc{n}" for n in (0, 1)
    ]
    found = probe.probe_port(f"usbtmc:{tmp_path}/usbtmc0")
    assert found.outcome is Outcome.UNOPENED
    assert "no device" in found.message
