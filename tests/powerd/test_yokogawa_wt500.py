"""Conversations with a WT500. Identity and replies are those of published PTDaemon logs; the order is the driver's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerd.drivers import find
from powerd.errors import Garbled, Refused
from powerd.model import Quality, Settings
from tests.powerd.conversation import conversation

DRIVER = find("yokogawa-wt500")
TWO = Settings(voltage_range_v=300.0, current_range_a=20.0, channels=("1", "3"))
IDN = (b"*IDN?\n", b"YOKOGAWA,760203,U1J802935,F1.21\n")
OK = (b":STAT:ERR?\n", b'0,"No error"\n')
VALUES = "130.51E+00,3.244E+00,0.2368E+03,0.5593E+00,60.006E+00"
RANGES = ";300.0E+00;20.0E+00" * 2


def info(answer: bytes = IDN[1]):
    with conversation((b"*IDN?\n", answer)) as port:
        return DRIVER.identify(port)


def test_the_product_code_is_the_model():
    found = info()
    assert (found.model, found.serial, found.channels) == ("WT500-3", "U1J802935", ("1", "2", "3"))
    assert info(b"YOKOGAWA,760201,A,F1.21\n").channels == ("1",)


def state(element: int, current: str = "20.0E+00") -> tuple[bytes, bytes]:
    ranges = f":VOLT:RANG:ELEM{element}?;:VOLT:AUTO:ELEM{element}?;:CURR:RANG:ELEM{element}?;:CURR:AUTO:ELEM{element}?"
    return f":CFAC?;{ranges};:RATE?\n".encode(), f"3;300.0E+00;0;{current};0;1.0E+00\n".encode()


def accepted() -> list[tuple[bytes, bytes]]:
    return [p for m in DRIVER.setup_messages(TWO) for p in ((m.encode() + b"\n", b""), OK)]


def test_configure_sets_all_elements_and_reads_each_back():
    start = [(b"\n*CLS\n", b""), IDN, *accepted()]
    with conversation(*start, state(1), state(3), (b":STAT:EESR?\n", b"0\n")) as port:
        assert DRIVER.configure(port, info(), TWO) == TWO
    with (
        conversation(*start, state(1), state(3, "5.0E+00")) as port,
        pytest.raises(Refused, match="different ranges"),
    ):
        DRIVER.configure(port, info(), TWO)


def read(answer: str):
    with conversation((DRIVER.question(TWO).encode() + b"\n", answer.encode() + b"\n")) as port:
        return DRIVER.read(port, TWO)


def test_a_reading_of_two_elements():
    first, third = read(f"{VALUES},{VALUES.replace('0.2368', '0.1000')}{RANGES};0;1")
    assert (first.channel, first.power_w, first.voltage_v, first.current_a) == ("1", 236.8, 130.51, 3.244)
    assert (third.channel, third.power_w, third.current_range_a) == ("3", 100.0, 20.0)
    assert {first.quality, third.quality} == {Quality.GOOD}


def test_a_clipped_peak_belongs_to_its_element():
    first, third = read(f"{VALUES},{VALUES}{RANGES};{1 << 5};1")
    assert (first.quality, third.quality) == ("good", "overrange"), "bit 5 is the current of element 3"


def test_words_for_losses():
    first, third = read(f"NAN,NAN,NAN,NAN,NAN,INF,INF,INF,INF,NAN{RANGES};0;1")
    assert (first.quality, third.quality) == ("nodata", "overrange")


@given(st.text(alphabet="0123456789.,;E+-NAIF ", max_size=160))
def test_any_text_is_values_or_garbled(text):
    for answer in (text, f"{VALUES},{VALUES}{RANGES};{text}", f"{text}{RANGES};0;1"):
        try:
            found = DRIVER.parse(answer, TWO)
        except Garbled:
            continue
        assert all(v.power_w is None or math.isfinite(v.power_w) for v in found)
