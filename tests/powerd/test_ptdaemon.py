"""The driver that reads from a PTDaemon: its conversation, broken answers, and powerd's own ptd at the other end."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from powerd import drivers
from powerd.drivers.ptdaemon import DRIVER, parse
from powerd.errors import Garbled, NotThere, PowerdError, Refused
from powerd.model import MeterInfo, Quality, Settings
from powerd.protocols.ptd import PtdConversations
from powerd.transports import LineSettings, open_port
from tests.powerd.conversation import conversation
from tests.powerd.lab import lab, served

IDENTITY = (
    "YokogawaWT310E,1000,1,1,1,1,0,1,1,version=1.10.0-ed9a21d2-20220817,OS=Linux 5.15.0-60,mode=power,1,1,1,0,0,"
    "no_cal_date,YOKOGAWA;WT310E;C3XA04010E;F1.04"
)
"""As it stands in a published log."""
LINE = "Time,07-23-2024 16:54:45.249,Watts,181.800000,Volts,117.800000,Amps,1.748000,PF,0.883000"
THREE = (
    "Time,07-28-2025 23:13:35.238,Watts,2345.300000,Volts,238.083333,Amps,3.413000,PF,0.962610,Watts,783.000000,"
    "Volts,238.200000,Amps,3.462000,PF,0.949400,Watts,782.700000,Volts,238.000000,Amps,3.400000,PF,0.967000,"
    "Watts,779.600000,Volts,238.050000,Amps,3.377000,PF,0.970000"
)
ASKED = Settings(voltage_range_v=150.0, current_range_a=2.0)


def said(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def info() -> MeterInfo:
    with conversation(
        (b"Hello\r\n", said("Hello, PTDaemon here!")), (b"Identify\r\n", said(IDENTITY))
    ) as port:
        return DRIVER.identify(port)


def test_who_is_there() -> None:
    found = info()
    assert (found.maker, found.model, found.serial, found.firmware) == (
        "YOKOGAWA",
        "WT310E",
        "C3XA04010E",
        "F1.04",
    )
    assert (found.channels, found.simulated) == (("1",), False)
    assert "version=1.10.0" in found.identity
    assert DRIVER.specification(found) == drivers.find("yokogawa-wt300").specification(found)


def test_settings_and_samples() -> None:
    start = "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"
    with conversation(
        (b"Stop\r\n", said("Error: no measurement to stop")),
        (b"SR,V,150\r\n", said("Range V changed")),
        (b"SR,A,2\r\n", said("Range A changed")),
        (b"RR\r\n", said("Ranges,0,2.000000,0,150.000000")),
        (b"Go,1000,0,powerd\r\n", said(start)),
        (b"RL\r\n", said("Last 0 samples")),
        (b"RL\r\n", said("Last 2 samples", LINE.replace("181.8", "99.9"), LINE)),
    ) as port:
        settings = DRIVER.configure(port, info(), ASKED)
        assert settings == ASKED
        (values,) = DRIVER.read(port, settings)
    assert (values.power_w, values.voltage_v, values.current_a, values.power_factor) == (
        181.8,
        117.8,
        1.748,
        0.883,
    )
    assert (values.voltage_range_v, values.current_range_a, values.quality) == (150.0, 2.0, Quality.GOOD)


def test_channels_stand_behind_the_sum() -> None:
    settings = Settings(channels=("1", "2", "3"))
    found = parse(THREE, settings)
    assert [(v.channel, v.power_w) for v in found] == [("1", 783.0), ("2", 782.7), ("3", 779.6)]


@pytest.mark.parametrize(("watts", "quality"), [
    ("nan", Quality.NODATA), ("inf", Quality.OVERRANGE), ("-1.000000", Quality.NEGATIVE), ("0.000000", Quality.GOOD),
])  # fmt: skip
def test_losses(watts: str, quality: Quality) -> None:
    (values,) = parse(LINE.replace("181.800000", watts), Settings())
    assert values.quality is quality
    assert values.power_w is None or math.isfinite(values.power_w)


@pytest.mark.parametrize(("asked", "answer", "kind"), [
    (b"SR,V,150\r\n", "Error: range not available", Refused),
    (b"SR,V,150\r\n", "Unknown command", Refused),
    (b"SR,V,150\r\n", "\x80", Garbled),
])  # fmt: skip
def test_what_ptdaemon_refuses(asked: bytes, answer: str, kind: type[PowerdError]) -> None:
    with (
        conversation((b"Stop\r\n", said("Error: no measurement to stop")), (asked, said(answer))) as port,
        pytest.raises(kind),
    ):
        DRIVER.configure(port, info(), ASKED)


def test_a_stranger_and_a_serial_line_are_refused() -> None:
    with (
        conversation((b"Hello\r\n", said("220 mail.example ESMTP"))) as port,
        pytest.raises(Refused, match="220 mail"),
    ):
        DRIVER.identify(port)
    with conversation() as port:
        port.name = "/dev/ttyUSB0"  # nothing is written where a meter may listen
        with pytest.raises(Refused, match="tcp:HOST:PORT"):
            DRIVER.identify(port)
    unknown = MeterInfo("ptdaemon", "ACME", "X1", "", "", "", ("1",), False)
    with pytest.raises(NotThere, match="ACME X1"):
        DRIVER.specification(unknown)


@given(st.text(max_size=200) | st.text("TimeWattsVoltsAmpsPF,0123456789.-naif", max_size=200))
@example("Time,x,Watts,1,Volts,1,Amps,1,PF,1,Watts")
@example("Time,x,Watts,1e999,Volts,-nan,Amps,1,PF,1")
def test_any_line_is_values_or_garbled(line: str) -> None:
    for settings in (Settings(), Settings(channels=("1", "2"))):
        try:
            found = parse(line, settings)
        except Garbled:
            continue
        assert len(found) == len(settings.channels)


def test_powerd_reads_from_powerd(tmp_path: Path) -> None:
    """The whole way: emulated meter, daemon, ptd, TCP, driver."""
    with lab(tmp_path) as service, served(PtdConversations(service, ("wall",))) as number:
        port = open_port(f"tcp:127.0.0.1:{number}", LineSettings())
        try:
            found = DRIVER.identify(port)
            assert (found.model, found.simulated) == ("WT310E", True)
            asked = Settings(interval_ns=100_000_000, voltage_range_v=300.0, current_range_a=1.0)
            settings = DRIVER.configure(port, found, asked)
            assert settings == asked
            rows = [DRIVER.read(port, settings)[0] for _ in range(5)]
            assert all(v.quality is Quality.GOOD and abs((v.power_w or 0) - 100) < 1 for v in rows)
            with pytest.raises(Refused, match="Error"):
                DRIVER.configure(port, found, Settings(interval_ns=100_000_000, voltage_range_v=5000.0))
        finally:
            port.close()
