"""Conversations with the meters that are polled or send by themselves, and what their parsers make of noise.

Lines and frames are those of the documents named in each driver, as far as a document has any; those of our own making
say so.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerd import drivers, emulators, probe
from powerd.client import PowerdClient
from powerd.dialects import framed
from powerd.dialects.modbus import frame
from powerd.dialects.modbus_meter import ModbusMeter
from powerd.dialects.table import TableMeter
from powerd.drivers import wattsup_pro
from powerd.errors import Garbled, PowerdError, Refused
from powerd.model import MeterInfo, Quality, Settings, TimingMode
from tests.powerd.benches import bench, fitting
from tests.powerd.conversation import conversation
from tests.powerd.rig import START_S, Meter, Process

TABLES = [d for d in map(drivers.find, drivers.names()) if isinstance(d, TableMeter)]
MODBUS = [d for d in map(drivers.find, drivers.names()) if isinstance(d, ModbusMeter)]
IDENTITIES = {
    "gwinstek-gpm8310": ("GWInstek,GPM-8310,GEX000001,V1.05", "GPM-8310", "GEX000001"),
    "hioki-pw333x": ("HIOKI,PW3336-01,V1.00", "PW3336", ""),
    "hioki-pw3335": ("HIOKI,PW3335,V1.00", "PW3335", ""),
    "zes-lmg95": ("ZES ZIMMER Electronic Systems GmbH,LMG95,03410705,3.160", "LMG95", "03410705"),
    "chroma-66200": ("Chroma ATE,66204,66204M000066,1.00,1.00,1.00", "66204", "66204M000066"),
    "rs-hmc8015": ("Rohde&Schwarz,HMC8015,102340,HW42000000,SW01.102", "HMC8015", "102340"),
    "voltech-pm1000": ("Tektronix, PA1000, B010105, 1.002.000", "PA1000", "B010105"),
}
READINGS = {
    # U, I, P, LAMB, FU, ranges: numbers of a fixture that cites the manual.
    "gwinstek-gpm8310": (b"126.86,2.0199,256.07,0.9993,59.989,150.00,5.0000\r\n", (126.86, 2.0199, 256.07)),
    "hioki-pw333x": (b"+100.02E+0;+1.0002E+0;+100.04E+0;+1.0000E+0;+50.000E+0\r\n", (100.02, 1.0002, 100.04)),
    "hioki-pw3335": (b"U +100.02E+0,I +1.0002E+0,P +100.04E+0,PF +1.0000E+0,FREQU +50.000E+0\r\n", None),
    "chroma-66200": (b"230.10,0.5012,110.20,0.9556,50.01\r\n", (230.10, 0.5012, 110.20)),
    "rs-hmc8015": (b"2.3010E+02,5.0120E-01,1.1020E+02,9.556E-01,5.001E+01,3.00E+02,1.00E+00\n", None),
    "voltech-pm1000": (b"230.10,0.5012,110.20,0.9556,50.010\n", (230.10, 0.5012, 110.20)),
}
OVER = {
    "gwinstek-gpm8310": b"230.00,INF,INF,INF,50.000,300.00,0.5000\r\n",
    "hioki-pw333x": b"+230.00E+0;+999.99E+9;+999.99E+9;+999.99E+9;+50.000E+0\r\n",
    "chroma-66200": b"230.10,-3,-3,-3,50.01\r\n",
    "rs-hmc8015": b"2.301E+02,9.9E+37,9.9E+37,9.91E+37,5.001E+01,3.00E+02,1.00E+00\n",
}
NOTHING = {
    "gwinstek-gpm8310": b"NAN,NAN,NAN,NAN,NAN,300.00,0.5000\r\n",
    "hioki-pw333x": b"+777.77E+9;+777.77E+9;+777.77E+9;+777.77E+9;+777.77E+9\r\n",
    "chroma-66200": b"-1,-1,-1,-1,-1\r\n",
}


def answer_to_identity(name: str) -> tuple[bytes, bytes]:
    return b"*IDN?\n", IDENTITIES[name][0].encode() + b"\r\n"


def settings_of(driver: TableMeter) -> Settings:
    return fitting(
        driver, MeterInfo(driver.name, "", next(iter(driver.table.models.values())), "", "", "", ("1",), True)
    )


@pytest.mark.parametrize("driver", TABLES, ids=lambda d: d.name)
def test_identity_only_asks(driver):
    with conversation(answer_to_identity(driver.name)) as port:
        found = driver.identify(port)
    assert (found.model, found.serial, found.simulated) == (*IDENTITIES[driver.name][1:], False)
    assert drivers.for_model(found.maker, found.model) == driver.name


@pytest.mark.parametrize("driver", TABLES, ids=lambda d: d.name)
def test_configure_sets_and_asks_what_can_be_asked(driver):
    asked = settings_of(driver)
    idn = answer_to_identity(driver.name)
    fine = {"*ESR?": b"0\n", "": b""}.get(driver.table.errors, b'0,"No error"\r\n')
    pairs = [(b"cont off\n", b"")] if driver.name == "zes-lmg95" else []
    pairs += [(b"\n*CLS\n", b""), idn]
    for message in driver.setup_messages(asked):
        pairs.append((message.encode() + b"\n", b""))
        pairs += [(driver.table.errors.encode() + b"\n", fine)] if driver.table.errors else []
    for words, value in (
        (driver.table.voltage, asked.voltage_range_v),
        (driver.table.current, asked.current_range_a),
    ):
        pairs += [(words.auto_query.encode() + b"\n", b"0\n")] if words.auto_query else []
        pairs += (
            [(words.range_query.encode() + b"\n", f"{value:.3f}\n".encode())] if words.range_query else []
        )
    if driver.table.rate_query:
        pairs.append((driver.table.rate_query.encode() + b"\n", f"{asked.interval_ns / 1e9}\n".encode()))
    pairs += [(b"cont on\n", b"")] if driver.name == "zes-lmg95" else []
    with conversation(idn) as port:
        info = driver.identify(port)
    with conversation(*pairs) as port:
        assert driver.configure(port, info, asked) == asked


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_in_si_units(name):
    driver = drivers.find(name)
    answer, wanted = READINGS[name]
    with conversation((driver.table.read.encode() + b"\n", answer)) as port:
        (values,) = driver.read(port, settings_of(driver))
    wanted = wanted or ((230.10, 0.5012, 110.20) if name == "rs-hmc8015" else (100.02, 1.0002, 100.04))
    assert (values.voltage_v, values.current_a, values.power_w) == pytest.approx(wanted)
    assert values.quality is Quality.GOOD


@pytest.mark.parametrize(
    ("name", "answer", "quality"),
    [(n, a, Quality.OVERRANGE) for n, a in OVER.items()]
    + [(n, a, Quality.NODATA) for n, a in NOTHING.items()],
)
def test_losses_have_names(name, answer, quality):
    driver = drivers.find(name)
    with conversation((driver.table.read.encode() + b"\n", answer)) as port:
        (values,) = driver.read(port, settings_of(driver))
    assert (values.quality, values.power_w) == (quality, None)


def test_a_lost_digit_shows_in_what_the_others_say():
    driver = drivers.find("chroma-66200")
    with pytest.raises(Garbled, match="digit"):
        driver.parse("230.10,0.5012,11.20,0.9556,50.01", settings_of(driver))


def test_garbage_is_garbled_and_the_line_is_in_step_again():
    driver = drivers.find("gwinstek-gpm8310")
    ask = (driver.table.read.encode() + b"\n", b"126.86,2.0199\r\n")
    idn = answer_to_identity(driver.name)
    with conversation(ask, (b"\n*CLS\n", b""), idn) as port, pytest.raises(Garbled, match="2 values"):
        driver.read(port, settings_of(driver))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"voltage_range_v": 250.0}, "choose one of 15, 30, 60"),
        ({"interval_ns": 300_000_000}, "offers 1 s, 2 s, 5 s"),
        ({"crest_factor": 6}, "crest factor 3"),
        ({"channels": ("2",)}, "one channel"),
    ],
)
def test_impossible_settings_are_refused_before_a_byte_is_sent(change, words):
    from dataclasses import replace

    driver = drivers.find("gwinstek-gpm8310")
    with conversation(answer_to_identity(driver.name)) as port:
        info = driver.identify(port)
    with conversation() as port, pytest.raises(Refused, match=words):
        driver.configure(port, info, replace(settings_of(driver), **change))


def test_a_meter_that_is_faster_than_asked_says_so():
    driver = drivers.find("hioki-pw3335")
    assert driver._possible(driver.info(_identity(driver.name), "p"), Settings()).interval_ns == 200_000_000


def _identity(name):
    from powerd.dialects.scpi import identity

    return identity(IDENTITIES[name][0])


def test_lmg95_sends_by_itself():
    """The values are those of a recorded line of lmgtools, in our order."""
    driver = drivers.find("zes-lmg95")
    line = b"10267;0.500197;234.835;0.4312;96.2;0.95;49.9803\r\n"
    with conversation((b"", line)) as port:
        (values,) = driver.read(port, settings_of(driver))
    assert (values.voltage_v, values.power_w, values.frequency_hz) == (234.835, 96.2, 49.9803)
    with conversation((b"", b"10267;0.5\r\n")) as port, pytest.raises(Garbled):
        driver.read(port, settings_of(driver))


PZEM = bytes.fromhex("0898 03E8 0000 0898 0000 0000 0000 01F4 0064 0000")
"""220.0 V, 1.000 A, 220.0 W, 50.0 Hz, power factor 1.00: the frame of the manual, to the general address."""
SDM_ASK, PZEM_ASK = bytes.fromhex("0104 0000 0020 F1D2"), bytes.fromhex("F804 0000 000A 6464")
WHO = bytes([0x2B, 0x0E, 4, 0x80])


def test_pzem_reads_the_published_frame():
    driver = drivers.find("pzem-004t")
    answer = frame(bytes([0xF8, 4, 20]) + PZEM)
    unknown = frame(bytes([0xF8, 0xAB, 1]))
    with conversation((PZEM_ASK, answer), (frame(bytes([0xF8]) + WHO), unknown), (PZEM_ASK, answer)) as port:
        info = driver.identify(port)
        settings = driver.configure(port, info, Settings())
    assert (info.model, info.simulated) == ("PZEM-004T", False)
    assert (settings.voltage_range_v, settings.current_range_a) == (260, 100)
    with conversation((PZEM_ASK, answer)) as port:
        (values,) = driver.read(port, settings)
    assert (values.voltage_v, values.current_a, values.power_w) == (220.0, 1.0, 220.0)
    assert (values.power_factor, values.frequency_hz, values.quality) == (1.0, 50.0, Quality.GOOD)


def sdm(volts: float, amperes: float, watts: float, factor: float) -> bytes:
    import struct

    found = {0x00: volts, 0x06: amperes, 0x0C: watts, 0x1E: factor}
    block = b"".join(struct.pack(">f", found.get(at, 0.0)) for at in range(0, 0x20, 2))
    return frame(bytes([1, 4, len(block)]) + block)


@pytest.mark.parametrize(
    ("answer", "quality", "power"),
    [
        (sdm(230.0, 0.5, 110.0, 0.9565), Quality.GOOD, 110.0),
        (sdm(230.0, 0.5, -110.0, -0.9565), Quality.NEGATIVE, -110.0),
        (sdm(230.0, 50.0, 11000.0, 0.9565), Quality.OVERRANGE, None),
    ],
)
def test_sdm_reads_one_block(answer, quality, power):
    driver = drivers.find("eastron-sdm")
    with conversation((SDM_ASK, answer)) as port:
        (values,) = driver.read(port, Settings(voltage_range_v=276, current_range_a=45))
    assert (values.quality, values.power_w) == (quality, power)


@pytest.mark.parametrize(
    ("name", "ask", "block"),
    [
        ("eastron-sdm", SDM_ASK, sdm(math.nan, 1, 1, 1)),
        ("eastron-sdm", SDM_ASK, sdm(2.5e-38, 1, 1, 1)),
        ("pzem-004t", PZEM_ASK, frame(bytes([0xF8, 4, 20]) + bytes.fromhex("4366") + bytes(18))),
        ("pzem-004t", PZEM_ASK, frame(bytes([0xF8, 4, 20]) + PZEM[:-2] + b"\x12\x34")),
    ],
)
def test_another_modbus_meter_is_refused(name, ask, block):
    with conversation((ask, block)) as port, pytest.raises(Refused, match="answers Modbus, but not as"):
        drivers.find(name).identify(port)


def test_modbus_meters_take_only_what_they_have():
    driver = drivers.find("pzem-004t")
    info = MeterInfo(driver.name, "", "PZEM-004T", "", "", "", ("1",), False)
    for wrong in (
        Settings(voltage_range_v=300.0),
        Settings(current_range_a=5.0),
        Settings(interval_ns=500_000_000),
        Settings(crest_factor=6),
    ):
        with conversation() as port, pytest.raises(Refused):
            driver.configure(port, info, wrong)


DATA = b"d,-,18,1035,1183,912,4,0,755,60,1041,1190,915,1020,1178,905,96,0,0,600,1079;"


def test_watts_up_sends_every_second():
    driver = drivers.find("wattsup-pro")
    version = b"noise#v,-,8,1,0,2,3,4,19,20070101,0;\r\n"
    with conversation((b"#V,R,0;", version)) as port:
        info = driver.identify(port)
        port.discard_input()
    assert (info.model, info.serial, info.firmware, info.simulated) == ("Watts Up? PRO", "", "4.19", False)
    with conversation((b"#L,R,0;", b"left over"), (b"#L,W,3,E,0,1;", b"\r\n#"), (b"", DATA)) as port:
        settings = driver.configure(port, info, Settings())
        (values,) = driver.read(port, settings)
    assert (values.power_w, values.voltage_v, values.current_a) == (103.5, 118.3, 0.912)
    assert (values.power_factor, values.frequency_hz, values.quality) == (0.96, 60.0, Quality.GOOD)


def test_fields_that_are_switched_off_and_currents_that_cannot_be():
    settings = Settings(current_range_a=15.0)
    fields = list(framed.parse(DATA).fields)

    def quality(**changes: str) -> Quality:
        new = [changes.get(f"f{i}", f) for i, f in enumerate(fields)]
        return wattsup_pro.values(framed.Packet("d", "-", tuple(new)), settings).quality

    assert quality(f0="_") is Quality.NODATA
    assert quality(f2="16000", f0="18000", f17="19000") is Quality.OVERRANGE
    with pytest.raises(Garbled, match="digit"):
        quality(f0="135")


@pytest.mark.parametrize(
    "data", [b"", b"#d,-,2,1;", b"#d,-,x,1;", b"#dd,-,1,1;", b"#d,-,1,\xff;", b"#d,-,1,1", b"#;"]
)
def test_what_is_no_packet(data):
    with pytest.raises(Garbled):
        framed.parse(data)


@given(st.sampled_from(TABLES), st.text(max_size=80))
def test_parsers_of_text_answer_or_say_garbled(driver, text):
    with contextlib.suppress(Garbled):
        values = driver.parse(text, Settings())
        assert values.power_w is None or math.isfinite(values.power_w)


PIECES = st.sampled_from(
    ["NAN", "INF", "1.0E+00", "-2", "9.9E37", "+777.77E+9", "", "-3", "1e", "1e9", ";", ":X 1"]
)


@given(st.sampled_from(TABLES), st.lists(PIECES, max_size=9))
def test_parsers_never_yield_a_number_that_is_none(driver, pieces):
    with contextlib.suppress(Garbled):
        values = driver.parse(driver.table.separators[0].join(pieces), Settings(voltage_range_v=300.0))
        good = values.quality is Quality.GOOD
        assert not good or (values.power_w is not None and 0 <= values.power_w <= 1e7)


@given(st.sampled_from(MODBUS), st.data())
def test_registers_are_a_reading_or_garbled(driver, data):
    registers = tuple(
        data.draw(st.lists(st.integers(0, 0xFFFF), min_size=driver.count, max_size=driver.count))
    )
    with contextlib.suppress(Garbled):
        found = driver.decode(registers)
        assert 50 <= found.volts <= 320
        assert math.isfinite(found.watts)


@given(st.binary(max_size=100))
def test_packets_are_packets_or_garbled(data):
    with contextlib.suppress(Garbled):
        packet = framed.parse(data + b";")
        wattsup_pro.values(packet, Settings())


@pytest.mark.parametrize("name", [d.name for d in (*TABLES, *MODBUS)] + ["wattsup-pro"])
def test_silence_and_noise_are_errors_of_ours(name):
    driver = drivers.find(name)
    for noise in (b"", b"\x00\xff" * 20, b"#;#;#;#;#;#;#;#;", b"1;2;3\r\n" * 6):
        port_pairs = [(b"", b"")]
        with contextlib.suppress(PowerdError, AssertionError), conversation(*port_pairs) as port:
            port.pending = noise
            driver.read(port, Settings())


def test_the_daemon_measures_a_planted_load_with_all_kinds_of_timing(tmp_path):
    """Poll over text and over Modbus, and push; each window holds what its emulator really drew."""
    kinds = {"gwinstek-gpm8310": "interval=1s,voltage_range=300,current_range=1", "pzem-004t": "", "wattsup-pro": "",
             "hioki-pw3335": "interval=200ms,voltage_range=300,current_range=1"}  # fmt: skip
    emulated = {}
    for n, name in enumerate(kinds):
        folder = tmp_path / name
        folder.mkdir()
        emulated[name] = Meter(folder, load="square:40,120,2.6", seed=n, driver=name)
    bauds = {n: (getattr(drivers.find(n), "bauds", None) or (38400,))[0] for n in kinds}
    meters = [
        argument
        for name, more in kinds.items()
        for argument in (
            "--meter",
            f"{name}={name}:{emulated[name].port},baud={bauds[name]}" + (f",{more}" if more else ""),
        )
    ]
    daemon = Process("run", *meters, "--data-dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0")
    try:
        client = PowerdClient(daemon.first_line)
        deadline = time.monotonic() + START_S
        while any(m["samples"] < 3 for m in client.meters()):
            assert time.monotonic() < deadline, client.meters()
            time.sleep(0.1)
        idents = {name: client.open_window(name, name, {})["id"] for name in kinds}
        begin = time.time_ns()
        time.sleep(5)
        end = time.time_ns()
        with ThreadPoolExecutor() as pool:
            closing = {
                n: pool.submit(PowerdClient(daemon.first_line).close_window, i, begin, end)
                for n, i in idents.items()
            }
            closed = {name: window.result() for name, window in closing.items()}
        for name, window in closed.items():
            assert window["state"] == "closed", json.dumps(window)
            drawn = emulated[name].energy_j(begin, end)
            assert abs(window["energy_j"] - drawn) <= window["energy_u95_j"], name
            assert window["simulated"]
            # A busy machine may lose updates, by name; the error bar then says so.
            assert window["coverage"] > 0.3, (name, window["reasons"])
    finally:
        daemon.stop()
        for meter in emulated.values():
            meter.stop()


def test_probing_finds_each_and_leaves_it_as_it_was(monkeypatch):
    monkeypatch.setattr(probe, "BAUDS", (9600,))
    monkeypatch.setattr(probe, "PATIENCE_S", 0.4)

    def found(name: str) -> tuple[str, object, str | None]:
        with bench(name) as meter:
            instrument = meter.endpoint._instrument
            before = [deepcopy(m.setup) for m in instrument.meters]
            row = probe.probe_port(meter.port)
            assert [m.setup for m in instrument.meters] == before
            assert instrument.next_push_ns() is None
            return name, row.outcome, None if row.info is None else row.info.driver

    names = [n for n in emulators.names() if drivers.find(n).timing is not TimingMode.WAIT]
    with ThreadPoolExecutor(len(names)) as pool:
        assert list(pool.map(found, names)) == [(n, probe.Outcome.METER, n) for n in names]
