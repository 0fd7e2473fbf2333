"""Every driver against every recording of its folder and against its emulator; no driver is named here."""

from __future__ import annotations

from pathlib import Path

import pytest

from powerd import drivers, emulators
from powerd.errors import Gone, PowerdError, Refused
from powerd.model import Quality, Settings
from powerd.transports import LineSettings, open_port
from powerd.transports.replay import ReplayTransport
from tests.powerd.benches import bench

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*/*.jsonl"))
EMULATED = [(name, model) for name in emulators.names() for model in emulators.find(name).models]


def test_every_driver_has_an_emulator_or_a_recording():
    covered = set(emulators.names()) | {p.parent.name for p in RECORDINGS}
    assert set(drivers.names()) - {"simulated"} <= covered


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_recording(path):
    driver = drivers.find(path.parent.name)
    port = ReplayTransport(path, paced=False)
    info = driver.identify(port)
    settings = driver.configure(port, info, Settings(voltage_range_v=300.0, current_range_a=1.0))
    qualities = []
    while port.remaining:
        qualities += [v.quality for v in driver.read(port, settings)]
    # The updates during a range change are blind.
    assert set(qualities) <= {Quality.GOOD, Quality.NODATA}
    assert qualities[-1] is Quality.GOOD
    with pytest.raises(Gone, match="ends here"):
        driver.read(port, settings)


@pytest.mark.parametrize(("name", "model"), EMULATED, ids=lambda v: v)
def test_emulator(name, model):
    driver = drivers.find(name)
    with bench(name, model=model) as meter:
        port = open_port(meter.port, LineSettings(baud=57600))
        try:
            info = driver.identify(port)
            assert (info.driver, info.model, info.simulated) == (name, model, True)
            asked = Settings(
                interval_ns=min(driver.specification(info).intervals_ns),
                voltage_range_v=300.0,
                current_range_a=1.0,
                channels=info.channels,
            )
            settings = driver.configure(port, info, asked)
            assert settings == asked
            for _ in range(4):
                values = driver.read(port, settings)
                stamps = port.stamps
                assert stamps.request_ns < stamps.first_byte_ns <= stamps.last_byte_ns
                received = (stamps.last_byte_ns - stamps.first_byte_ns) / port.byte_time_ns
                assert received <= driver.answer_bytes(settings) * 2 + 100
            assert tuple(v.channel for v in values) == info.channels
            assert all(v.quality is Quality.GOOD and abs((v.power_w or 0) - 100) < 1 for v in values)
            with pytest.raises(Refused):
                driver.configure(port, info, Settings(voltage_range_v=1.0))
        finally:
            port.close()


@pytest.mark.parametrize("name", drivers.names())
def test_silence_is_an_error_of_ours(name, tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(PowerdError):
        drivers.find(name).identify(ReplayTransport(empty))
