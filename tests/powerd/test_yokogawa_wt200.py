"""Conversations with a WT210 and a WT230. Identity and value lines are those of published PTDaemon logs and of the
manual; the order of messages is the driver's own."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerd.drivers import find
from powerd.drivers.yokogawa_wt200 import FUNCTIONS, READ
from powerd.errors import Garbled, Refused
from powerd.model import Quality, Settings
from tests.powerd.conversation import conversation

DRIVER = find("yokogawa-wt200")
FIXED = Settings(voltage_range_v=300.0, current_range_a=1.0)
IDN = (b"*IDN?\n", b"YOKOGAWA,760401,0,F1.12\n")
OK = (b":STAT:ERR?\n", b'0,"NO ERROR"\r\n')
STATE = b":CONF:CFAC?;:CONF:VOLT:RANG?;:CONF:VOLT:AUTO?;:CONF:CURR:RANG?;:CONF:CURR:AUTO?;:SAMP:RATE?\n"
RANGES = "300.0E+00;1.000E+00"


def info(answer: bytes = IDN[1]):
    with conversation((b"*IDN?\n", answer)) as port:
        return DRIVER.identify(port)


@pytest.mark.parametrize(
    ("answer", "model", "channels"),
    [
        (b"YOKOGAWA,760401,0,F1.12\n", "WT210", ("1",)),
        (b"YOKOGAWA,760502,0,F1.12\n", "WT230-2", ("1", "2")),
        (b"YOKOGAWA,760503,0,F1.12\n", "WT230-3", ("1", "2", "3")),
    ],
)
def test_the_product_code_is_the_model(answer, model, channels):
    found = info(answer)
    assert (found.model, found.serial, found.channels, found.simulated) == (model, "0", channels, False)
    assert DRIVER.specification(found).reading == 0.0015


def test_a_wt310_is_another_drivers():
    with (
        conversation((b"*IDN?\n", b"YOKOGAWA,WT310E,C3XA04010E,F1.04\n")) as port,
        pytest.raises(Refused, match="use driver yokogawa-wt300"),
    ):
        DRIVER.identify(port)


def test_configure_sets_and_reads_back():
    accepted = [p for m in DRIVER.setup_messages(FIXED) for p in ((m.encode() + b"\n", b""), OK)]
    state = (STATE, b"3;300.0E+00;0;1.000E+00;0;1.000E+00\r\n")
    clear = (b":STAT:EESR?\n", b"0\r\n")
    with conversation((b"\n*CLS\n", b""), IDN, *accepted, state, clear) as port:
        assert DRIVER.configure(port, info(), FIXED) == FIXED


def test_every_function_is_switched_so_that_the_count_is_known():
    switched = [
        w for m in DRIVER.setup_messages(FIXED) if m.startswith(":MEAS:ITEM:") for w in m[11:].split(";")
    ]
    assert [w.split()[0] for w in switched] == list(FUNCTIONS)
    assert [w.split()[0] for w in switched if w.endswith("ON")] == ["V", "A", "W", "PF", "VHZ"]
    assert all(len(m) < 250 for m in DRIVER.setup_messages(FIXED))


def test_the_baud_rate_of_the_meter_does_not_carry_ten_updates_a_second():
    assert DRIVER.answer_bytes(FIXED) * 10 / 9600 > 0.1


def read(answer: str, settings: Settings = FIXED):
    with conversation((READ.encode() + b"\n", answer.encode() + b"\r\n")) as port:
        return DRIVER.read(port, settings)


def test_a_reading():
    (values,) = read(f"246.46E+00,0.4532E+00,107.30E+00,0.9606E+00,49.931E+00;{RANGES};0;1")
    assert (values.power_w, values.voltage_v, values.current_a) == (107.30, 246.46, 0.4532)
    assert (values.power_factor, values.frequency_hz) == (0.9606, 49.931)
    assert (values.voltage_range_v, values.current_range_a, values.quality) == (300, 1, "good")


@pytest.mark.parametrize(
    ("data", "condition", "quality"),
    [
        # As logged while the current range changed.
        ("246.46E+00,9.91E+37,9.91E+37,9.91E+37,49.931E+00", 0, Quality.NODATA),
        ("246.46E+00,9.9E+37,9.9E+37,9.9E+37,49.931E+00", 0, Quality.OVERRANGE),
        ("246.46E+00,0.4532E+00,107.30E+00,0.9606E+00,49.931E+00", 1 << 8, Quality.OVERRANGE),
        ("246.46E+00,0.0000E+00,-0.05E+00,9.9E+37,9.91E+37", 0, Quality.NEGATIVE),
        ("246.46E+00,0.0000E+00,0.05E+00,9.9E+37,9.91E+37", 0, Quality.GOOD),
    ],
)
def test_losses_are_named(data, condition, quality):
    (values,) = read(f"{data};{RANGES};{condition};1")
    assert values.quality is quality


def test_two_elements_and_a_sum_behind_them():
    element = "246.46E+00,0.4532E+00,107.30E+00,0.9606E+00,49.931E+00"
    second = element.replace("107.30", "50.00")
    both = Settings(voltage_range_v=300.0, current_range_a=1.0, channels=("1", "2"))
    first, other = read(f"{element},{second};{RANGES};{1 << 13};1", both)
    assert (first.quality, other.quality) == ("good", "overrange"), "the second may be element 3"
    first, other = read(f"{element},{second},{element};{RANGES};0;1", both)
    assert (first.power_w, other.power_w) == (107.30, 50.0)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        f"1.0E+00,2.0E+00;{RANGES};0;1",
        f"1.0E+00,2.0E+00,3.0E+00,4.0E+00,5.0E+00;{RANGES};0",
        f"1.0E+00,2.0E+00,3.0E+00,4.0E+00,x;{RANGES};0;1",
        "1.0E+00,2.0E+00,3.0E+00,4.0E+00,5.0E+00;300.0E+00;9.9E+37;0;1",
        f"1.0E+00,2.0E+00,3.0E+00,4.0E+00,5.0E+00;{RANGES};-1;1",
    ],
)
def test_what_is_no_answer(answer):
    with pytest.raises(Garbled):
        DRIVER.parse(answer, FIXED)


@given(st.text(alphabet="0123456789.,;E+-NAIF ", max_size=120))
def test_any_text_is_values_or_garbled(text):
    try:
        (values,) = DRIVER.parse(text, FIXED)
    except Garbled:
        return
    assert values.power_w is None or math.isfinite(values.power_w)
