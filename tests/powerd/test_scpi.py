from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerd.dialects import scpi
from powerd.errors import Garbled
from tests.powerd.conversation import conversation


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5940E+03", 594.0), ("500.0E-03", 0.5), ("-.5", -0.5), ("3600", 3600.0), (" 1.E1 ", 10.0)],
)
def test_numbers(text, value):
    assert scpi.number(text) == pytest.approx(value)


def test_words_and_numbers_for_nothing_and_infinity():
    assert math.isnan(scpi.number("NAN"))
    assert math.isnan(scpi.number("9.91E+37"))
    assert scpi.number("INF") == scpi.number("9.9E+37") == math.inf
    assert scpi.number("-9.9E37") == -math.inf


@pytest.mark.parametrize("text", ["", "1,2", "0x10", "1E", "nanny", "１", "1_0", "infinity"])
def test_what_is_no_number(text):
    with pytest.raises(Garbled):
        scpi.number(text)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (":RATE 500.0E-03", "500.0E-03"),
        (":VOLT:RANG 300.0E+00", "300.0E+00"),
        ("VOLT:RANG 300.0E+00", "300.0E+00"),
        (":MEAS:AVER:TYPE LIN", "LIN"),
        ("500.0E-03", "500.0E-03"),
        ("RES", "RES"),
    ],
)
def test_headers_come_off(text, rest):
    assert scpi.strip_header(text) == rest


def test_error_queue_entries():
    assert scpi.error_entry('113,"Undefined header"') == (113, "Undefined header")
    assert scpi.error_entry("0") == (0, "")
    with pytest.raises(Garbled):
        scpi.error_entry("YOKOGAWA,WT310E,1,F1")


@given(st.text(max_size=60))
def test_parsers_answer_or_say_garbled(text):
    for parse in (scpi.number, scpi.boolean, scpi.identity, scpi.error_entry):
        try:
            parse(text)
        except Garbled:
            continue
    assert isinstance(scpi.strip_header(text), str)


@given(st.binary(max_size=60))
def test_decode_answers_or_says_garbled(data):
    try:
        assert scpi.decode(data).isascii()
    except Garbled:
        return


def test_resync_throws_late_answers_away():
    identity = b"YOKOGAWA,WT310E,C3XA04010E,F1.04\n"
    with conversation(
        (b"\n*CLS\n", b"1.0E+00;1\n"), (b"*IDN?\n", b"2.0E+00;1\n" + identity), (b"X?\n", b"7\n")
    ) as p:
        talk = scpi.Scpi(p)
        talk.resync()
        assert talk.query("X?") == ["7"]


def test_a_wrong_number_of_answers_is_garbled():
    with conversation((b"A?;B?\n", b"1\n")) as port, pytest.raises(Garbled, match="1 units, not 2"):
        scpi.Scpi(port).query("A?;B?", units=2)
