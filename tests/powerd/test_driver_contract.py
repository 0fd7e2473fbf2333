"""Every driver against every recording of its folder and against its emulator; no driver is named here."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from powerd import drivers, emulators
from powerd.dialects.modbus_meter import ModbusMeter
from powerd.errors import Garbled, Gone, PowerdError, Refused
from powerd.model import Quality, Settings, TimingMode
from powerd.transports import LineSettings, open_port
from powerd.transports.replay import ReplayTransport, head
from tests.calm import calmly
from tests.powerd.benches import bench, fitting

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*/*.jsonl"))
EMULATED = [(name, model) for name in emulators.names() for model in emulators.find(name).models]


def test_every_driver_has_an_emulator_or_a_recording():
    covered = set(emulators.names()) | {p.parent.name for p in RECORDINGS}
    # One has no wire, the other speaks whatever its table says.
    assert set(drivers.names()) - {"simulated", "generic-scpi"} <= covered


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_recording(path):
    driver = drivers.find(path.parent.name)
    port = ReplayTransport(path, paced=False)
    info = driver.identify(port)
    recorded = fitting(driver, info)
    said = head(path).get("settings")
    if said is not None:
        recorded = Settings(**{**said, "channels": tuple(said["channels"])})
    elif driver.timing is TimingMode.WAIT:
        recorded = Settings(voltage_range_v=300.0, current_range_a=1.0)
    settings = driver.configure(port, info, recorded)
    qualities = []
    while port.remaining:
        qualities += [v.quality for v in driver.read(port, settings)]
    # The updates during a range change are blind.
    assert set(qualities) <= {Quality.GOOD, Quality.NODATA}
    assert qualities[-1] is Quality.GOOD
    with pytest.raises(Gone, match="ends here"):
        driver.read(port, settings)


@pytest.fixture(scope="module")
def at_once():
    """Meters mostly wait: many of them are tried beside each other, each on a thread with a line of its own."""
    with ThreadPoolExecutor(12) as pool:
        yield {
            check: {key: pool.submit(calmly, partial(check, *key), Garbled, Gone) for key in keys}
            for check, keys in (
                (obeys, EMULATED),
                (bears_faults, [(n,) for n in emulators.names()]),
                (names_losses, [(n, f) for n in emulators.names() for f in ("overrange", "nodata")]),
            )
        }


@pytest.mark.parametrize(("name", "model"), EMULATED, ids=lambda v: v)
def test_emulator(name, model, at_once):
    at_once[obeys][name, model].result()


@pytest.mark.parametrize("name", emulators.names())
def test_a_misbehaving_line_yields_true_readings_or_errors_of_ours(name, at_once):
    at_once[bears_faults][(name,)].result()


@pytest.mark.parametrize("fault", ["overrange", "nodata"])
@pytest.mark.parametrize("name", emulators.names())
def test_losses_are_named(name, fault, at_once):
    at_once[names_losses][name, fault].result()


@contextmanager
def configured(name: str, fault: str = "", model: str | None = None):
    """A port to an emulated meter that was identified and set, the driver, who answered and what is in force."""
    driver = drivers.find(name)
    with bench(name, fault=fault, model=model) as meter:
        baud = 9600 if isinstance(driver, ModbusMeter) else 57600
        port = open_port(meter.port, LineSettings(baud=baud))
        try:
            info = driver.identify(port)
            asked = fitting(driver, info)
            settings = driver.configure(port, info, asked)
            assert settings == asked
            yield port, driver, info, settings
        finally:
            port.close()


def obeys(name, model):
    """It tells who it is, takes settings, reads what its load draws, and refuses what it cannot do."""
    with configured(name, model=model) as (port, driver, info, settings):
        assert (info.driver, info.model, info.simulated) == (name, model, True)
        lengths = []
        for found in answers(driver, port, settings):
            values, stamps = found, port.stamps
            assert stamps.request_ns <= stamps.first_byte_ns <= stamps.last_byte_ns
            lengths.append((stamps.last_byte_ns - stamps.first_byte_ns) / port.byte_time_ns)
        # A busy machine makes an answer last longer, never shorter.
        assert min(lengths) <= driver.answer_bytes(settings) * 2 + 100
        assert tuple(v.channel for v in values) == info.channels
        spec = driver.specification(info)
        assert all(v.quality is Quality.GOOD for v in values)
        assert all(abs((v.power_w or 0) - 100) <= limit_w(spec, v, settings) + 0.1 for v in values)
        with pytest.raises(Refused):
            driver.configure(port, info, Settings(voltage_range_v=1.0))


def bears_faults(name):
    """Whatever the line does, an answer is true or an error of ours, and afterwards all is well."""
    faults = "slow=0.12@3,half@3.4-3.6,garbage=5@3.8-4.1,drop=0.02@4.3-4.6,stuck@4.8,silence@5-5.2"
    with configured(name, faults) as (port, driver, _, settings):
        after = 0
        origin = time.monotonic()
        while not after and time.monotonic() - origin < 20:
            try:
                values = driver.read(port, settings)[0]
            except PowerdError:
                continue
            # Nothing guards text against a lost byte, which can take a digit with it: those are not held against it.
            if time.monotonic() - origin > 6 and values.quality is Quality.GOOD:
                assert abs((values.power_w or 0) - 100) < 5
                after += 1
        assert after


def names_losses(name, fault):
    """Over range and no data have their names; a meter that lives from the mains it measures is then silent."""
    with configured(name, f"{fault}@2.5-") as (port, driver, _, settings):
        found = set()
        end = time.monotonic() + 3 * settings.interval_ns / 1e9 + 4
        wanted = Quality.OVERRANGE if fault == "overrange" else Quality.NODATA
        try:
            while time.monotonic() < end and wanted not in found:
                found |= {v.quality for v in driver.read(port, settings)}
        except Gone:
            assert fault == "nodata"
            return
    assert wanted in found


def answers(driver, port, settings):
    """Four answers, or as many more as it takes a meter that is polled to have new values."""
    end = time.monotonic() + 4 * settings.interval_ns / 1e9 + 2
    count, quality = 0, Quality.NODATA
    while count < 4 or (quality is Quality.NODATA and time.monotonic() < end):
        values = driver.read(port, settings)
        count, quality = count + 1, values[0].quality
        yield values


def limit_w(spec, values, settings):
    """What the specification allows at this reading."""
    terms = spec.power_terms(
        power_w=values.power_w,
        voltage_v=230.0,
        current_a=100 / 230.0 / 0.96,
        power_factor=0.96,
        voltage_range_v=settings.voltage_range_v,
        current_range_a=settings.current_range_a,
        interval_ns=settings.interval_ns,
    )
    return sum(t.limit_w for t in terms)


@pytest.mark.parametrize("name", drivers.names())
def test_silence_is_an_error_of_ours(name, tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(PowerdError):
        drivers.find(name).identify(ReplayTransport(empty))
