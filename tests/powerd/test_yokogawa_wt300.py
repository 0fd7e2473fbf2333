"""Conversations with a WT300. Identities and value lines are those of published PTDaemon logs; the order of
messages is the driver's own."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerd.drivers import find
from powerd.drivers.yokogawa_wt300 import READ, parse, setup_messages
from powerd.errors import Garbled, Gone, Refused
from powerd.model import Quality, Settings
from tests.powerd.conversation import conversation

DRIVER = find("yokogawa-wt300")
FIXED = Settings(voltage_range_v=300.0, current_range_a=0.5)
IDN = (b"*IDN?\n", b"YOKOGAWA,WT310E,C3XA04010E,F1.04\n")
RESYNC = [(b"\n*CLS\n", b""), IDN]
OK = (b":STAT:ERR?\n", b'0,"No error"\r\n')
STATE = b":CFAC?;:VOLT:RANG?;:VOLT:AUTO?;:CURR:RANG?;:CURR:AUTO?;:RATE?\n"


def info():
    with conversation(IDN) as port:
        return DRIVER.identify(port)


def accepted(settings: Settings) -> list[tuple[bytes, bytes]]:
    return [pair for m in setup_messages(settings) for pair in ((m.encode() + b"\n", b""), OK)]


def test_identity_only_asks():
    found = info()
    assert (found.maker, found.model, found.serial, found.firmware) == (
        "YOKOGAWA",
        "WT310E",
        "C3XA04010E",
        "F1.04",
    )
    assert found.channels == ("1",)
    assert not found.simulated


def test_emulation_mode_of_the_e_series_counts_as_the_older_model():
    with conversation((b"*IDN?\n", b"YOKOGAWA,WT333,C2WL21005V,F1.04EM\n")) as port:
        found = DRIVER.identify(port)
    assert found.model == "WT333"
    assert found.firmware == "F1.04EM"
    assert DRIVER.specification(found).range_ == 0.001


def test_a_late_answer_is_not_the_identity():
    late = b"206.31E+00,1.2506E+00;1\r\n"
    with conversation((b"*IDN?\n", late + IDN[1])) as port:
        assert DRIVER.identify(port).model == "WT310E"


def test_another_meter_is_refused_by_name():
    with (
        conversation((b"*IDN?\n", b"YOKOGAWA,760401,0,F1.12\n")) as port,
        pytest.raises(Refused, match=r"YOKOGAWA 760401.*yokogawa-wt300"),
    ):
        DRIVER.identify(port)


def test_configure_sets_and_reads_back():
    state = (STATE, b"3;300.0E+00;0;500.0E-03;0;1.000E+00\r\n")
    with conversation(*RESYNC, *accepted(FIXED), state, (b":STAT:EESR?\n", b"1\r\n")) as port:
        assert DRIVER.configure(port, info(), FIXED) == FIXED


def test_configure_understands_headers():
    state = (
        STATE,
        b":CFAC 3;:VOLT:RANG 300.0E+00;:VOLT:AUTO 1;:CURR:RANG 5.0E+00;:CURR:AUTO 1;:RATE 1.0E+00\n",
    )
    auto = Settings()
    with conversation(*RESYNC, *accepted(auto), state, (b":STAT:EESR?\n", b"0\n")) as port:
        assert DRIVER.configure(port, info(), auto) == auto


def test_a_refused_setting_is_told_in_the_words_of_the_meter():
    first = setup_messages(FIXED)[0].encode() + b"\n"
    busy = (b":STAT:ERR?\n", b'813,"Invalid operation"\n')
    with (
        conversation(*RESYNC, (first, b""), busy, (b"*CLS\n", b"")) as port,
        pytest.raises(Refused, match="813, Invalid operation"),
    ):
        DRIVER.configure(port, info(), FIXED)


def test_a_value_that_did_not_take_is_refused():
    state = (STATE, b"3;600.0E+00;0;500.0E-03;0;1.000E+00\r\n")
    with (
        conversation(*RESYNC, *accepted(FIXED), state) as port,
        pytest.raises(Refused, match="voltage range"),
    ):
        DRIVER.configure(port, info(), FIXED)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"voltage_range_v": 250.0}, "15, 30, 60, 150, 300, 600 V"),
        ({"current_range_a": 40.0}, "10, 20 A"),
        ({"interval_ns": 300_000_000}, "0.1 s, 0.25 s"),
        ({"crest_factor": 4}, "3 or 6"),
        ({"channels": ("2",)}, "element 2"),
    ],
)
def test_impossible_settings_are_refused_before_a_byte_is_sent(change, words):
    meter = info()
    with conversation() as port, pytest.raises(Refused, match=words):
        DRIVER.configure(port, meter, replace(FIXED, **change))


def read(answer: bytes):
    with conversation((READ.encode() + b"\n", answer)) as port:
        return DRIVER.read(port, FIXED)[0]


def test_a_reading_in_si_units():
    values = read(b"206.93E+00,113.64E-03,6.52E+00,0.2775E+00,59.976E+00,300.0E+00,500.0E-03;0;1\r\n")
    assert (values.voltage_v, values.current_a, values.power_w) == (206.93, 0.11364, 6.52)
    assert (values.power_factor, values.frequency_hz) == (0.2775, 59.976)
    assert (values.voltage_range_v, values.current_range_a) == (300.0, 0.5)
    assert values.quality is Quality.GOOD


@pytest.mark.parametrize(
    ("answer", "quality", "power"),
    [
        (b"NAN,NAN,NAN,NAN,NAN,300.0E+00,500.0E-03;0;1\n", Quality.NODATA, None),
        (b"230.00E+00,INF,INF,INF,50.000E+00,300.0E+00,500.0E-03;0;1\n", Quality.OVERRANGE, None),
        (b"230.00E+00,9.9E+37,9.9E+37,INF,50.000E+00,300.0E+00,500.0E-03;0;1\n", Quality.OVERRANGE, None),
        (b"9.91E+37,9.91E+37,9.91E+37,NAN,NAN,300.0E+00,500.0E-03;0;1\n", Quality.NODATA, None),
        (b"230.00E+00,0.00E-03,-0.01E+00,INF,50.0E+00,300.0E+00,500.0E-03;0;1\n", Quality.NEGATIVE, -0.01),
        (b"230.00E+00,0.00E-03,0.00E+00,INF,NAN,300.0E+00,500.0E-03;0;1\n", Quality.GOOD, 0.0),
    ],
)
def test_losses_have_names(answer, quality, power):
    values = read(answer)
    assert values.quality is quality
    assert values.power_w == power


@pytest.mark.parametrize(
    ("condition", "quality", "left"),
    [
        (0b1, Quality.GOOD, (230.0, 0.1, 6.5)),
        (1 << 7, Quality.OVERRANGE, (None, 0.1, None)),
        (1 << 8, Quality.OVERRANGE, (230.0, None, None)),
        (1 << 10 | 1 << 14, Quality.GOOD, (230.0, 0.1, 6.5)),
    ],
)
def test_a_clipped_peak_is_over_range(condition, quality, left):
    answer = f"230.00E+00,100.00E-03,6.50E+00,0.2826E+00,50.0E+00,300.0E+00,500.0E-03;{condition};1\r\n"
    values = read(answer.encode())
    assert values.quality is quality
    assert (values.voltage_v, values.current_a, values.power_w) == left


def test_peak_bits_belong_to_their_element():
    two = replace(FIXED, channels=("1", "3"))
    line = ",".join(["230.00E+00", "1E0", "2E0", "1E0", "5E1", "3E2", "1E0"] * 2)
    for bit, bad in ((7, "1"), (8, "1"), (13, "3"), (14, "3")):
        values = parse(f"{line};{1 << bit};1", two)
        assert [v.channel for v in values if v.quality is Quality.OVERRANGE] == [bad]


@pytest.mark.parametrize(
    "answer",
    [
        b"230.00E+00,113.64E-03,6.52E+00,0.2E+00,50.0E+00,300.0E+00,500.0E-03;1\n",
        b"230.00E+00,113.64E-03,6.52E+00;0;1\n",
        b"230.00E+00,113.64E-03,6.52E+00,0.2E+00,50.0E+00,300.0E+00,500.0E-03\n",
        b"2\xff0.00E+00,113.64E-03,6.52E+00,0.2E+00,50.0E+00,300.0E+00,500.0E-03;0;1\n",
        b"230.00E+00,113.64E-03,6.5",
        b"230.00E+00,113.64E-03,6.52E+00,0.2E+00,50.0E+00,0.0E+00,500.0E-03;0;1\n",
    ],
)
def test_garbage_is_garbled_and_the_line_is_in_step_again(answer):
    ask = (READ.encode() + b"\n", answer)
    with conversation(ask, *RESYNC) as port, pytest.raises(Garbled):
        DRIVER.read(port, FIXED)


def test_silence_is_gone():
    with conversation((READ.encode() + b"\n", b"")) as port, pytest.raises(Gone):
        DRIVER.read(port, FIXED)


def test_messages_fit_the_buffer_of_the_meter():
    three = replace(FIXED, channels=("1", "2", "3"))
    assert max(len(m) for m in setup_messages(three)) < 200
    with conversation() as port:
        values = parse(",".join(["230.00E+00", "1E0", "2E0", "1E0", "5E1", "3E2", "1E0"] * 3) + ";0;1", three)
        assert [v.channel for v in values] == ["1", "2", "3"]
        assert port.pairs == []


@given(st.text(max_size=120))
def test_parse_answers_or_says_garbled(text):
    with contextlib.suppress(Garbled):
        parse(text, FIXED)


@given(st.lists(st.sampled_from(["NAN", "INF", "1.0E+00", "-2.00E-03", "", "1e", "9.9E37"]), max_size=9))
def test_parse_never_yields_a_number_that_is_none(fields):
    try:
        (values,) = parse(",".join(fields) + ";0;1", FIXED)
    except Garbled:
        return
    assert values.power_w is None or abs(values.power_w) < 1e37
    assert (values.quality is Quality.GOOD) == (
        values.power_w is not None
        and values.power_w >= 0
        and values.voltage_v is not None
        and values.current_a is not None
    )
