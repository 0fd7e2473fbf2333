"""Modbus RTU: published frames, and lines that do what lines do."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerd import emulators
from powerd.dialects.modbus import READ_INPUT, Modbus, body, crc16, float32, frame, read_request
from powerd.emulators.load import Sine
from powerd.errors import Garbled, Gone, Refused
from tests.powerd.conversation import conversation

ASK = bytes.fromhex("01 04 00 00 00 02 71 CB")
ANSWER = bytes.fromhex("01 04 04 43 66 00 00 0E 1F")
"""230.0 V of an SDM120, as its protocol document prints it."""


@pytest.mark.parametrize(
    "published",
    [
        "01 04 00 00 00 02 71 CB",
        "01 04 04 43 66 00 00 0E 1F",
        "01 04 00 00 00 20 F1 D2",
        "01 04 00 46 00 04 10 1C",
        "01 10 00 1C 00 02 04 40 00 00 00 E7 36",
        "01 04 00 00 00 0A 70 0D",
        "F8 04 00 00 00 0A 64 64",
        "01 04 14 08 98 03 E8 00 00 08 98 00 00 00 00 00 00 01 F4 00 64 00 00 63 CE",
        "01 84 02 C2 C1",
        "01 42 80 11",
    ],
)
def test_crc_of_published_frames(published):
    data = bytes.fromhex(published)
    assert frame(data[:-2]) == data


def test_the_check_value_of_the_crc():
    assert crc16(b"123456789") == 0x4B37


def test_a_published_exchange():
    with conversation((ASK, ANSWER)) as port:
        assert float32(Modbus(port).registers(READ_INPUT, 0, 2), 0) == 230.0


def test_an_echo_is_taken_off():
    with conversation((ASK, ASK + ANSWER)) as port:
        assert Modbus(port).registers(READ_INPUT, 0, 2) == (0x4366, 0)


def test_an_exception_is_told_in_words():
    with (
        conversation((ASK, frame(bytes([1, 0x84, 2])))) as port,
        pytest.raises(Refused, match="address not known"),
    ):
        Modbus(port).registers(READ_INPUT, 0, 2)


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER[:-1] + b"\0",
        frame(bytes([2, 4, 4]) + bytes(4)),
        frame(bytes([1, 3, 4]) + bytes(4)),
        frame(bytes([1, 4, 2]) + bytes(2)),
        frame(bytes([1, 0x84, 2]))[:-1] + b"\0",
        ASK[:-1] + b"\0" + ANSWER,
    ],
)
def test_what_is_no_answer_is_garbled_and_thrown_away(answer):
    with conversation((ASK, answer), (ASK, ANSWER)) as port:
        with pytest.raises(Garbled):
            Modbus(port).registers(READ_INPUT, 0, 2)
        assert Modbus(port).registers(READ_INPUT, 0, 2) == (0x4366, 0)


def test_silence_is_gone():
    with conversation((ASK, b"")) as port, pytest.raises(Gone):
        Modbus(port).registers(READ_INPUT, 0, 2)


def test_only_an_emulated_unit_says_so():
    ask = frame(bytes([1, 0x2B, 0x0E, 4, 0x80]))
    told = frame(bytes([1, 0x2B, 0x0E, 4, 0x83, 0, 0, 1, 0x80, 5]) + b"HELLO")
    with conversation((ask, told), (ask, ask + told), (ask, frame(bytes([1, 0xAB, 1]))), (ask, b"")) as port:
        assert [Modbus(port).emulated_serial() for _ in range(4)] == ["HELLO", "HELLO", None, None]


@pytest.mark.parametrize(("start", "count"), [(0, 0), (0, 126), (0xFFFF, 2), (-1, 1)])
def test_registers_that_cannot_be(start, count):
    with pytest.raises(ValueError, match="cannot be asked for"):
        read_request(1, READ_INPUT, start, count)


@given(st.binary(min_size=3, max_size=64), st.integers(0, 511))
def test_one_wrong_bit_is_always_found(data, where):
    good = frame(data)
    assert body(good) == data
    at = where % (8 * len(good))
    bad = bytearray(good)
    bad[at // 8] ^= 1 << at % 8
    with pytest.raises(Garbled):
        body(bytes(bad))


@settings(max_examples=300)
@given(st.binary(max_size=80))
def test_whatever_comes_is_an_answer_or_an_error_of_ours(data):
    with conversation((ASK, data)) as port:
        with contextlib.suppress(Garbled, Gone, Refused):
            assert len(Modbus(port).registers(READ_INPUT, 0, 2)) == 2
        port.discard_input()


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125))
def test_what_was_framed_is_read(values):
    payload = b"".join(v.to_bytes(2, "big") for v in values)
    answer = frame(bytes([1, 4, 2 * len(values)]) + payload)
    with conversation((read_request(1, 4, 0, len(values)), answer)) as port:
        assert Modbus(port).registers(4, 0, len(values)) == tuple(values)


def told(unit, request: bytes) -> bytes:
    """What an emulated unit answers to the body of a frame."""
    working = unit.handle(frame(request), 10_000_000_000)
    while True:
        try:
            next(working)
        except StopIteration as end:
            return body(end.value) if end.value else b""


def test_an_emulated_unit_keeps_to_the_protocol():
    pzem = emulators.find("pzem-004t").make("PZEM-004T", Sine(100.0), 1, 0)
    assert len(told(pzem, bytes([1, 4, 0, 0, 0, 10]))) == 23
    assert told(pzem, bytes([0xF8, 4, 0, 0, 0, 1]))[:3] == bytes([0xF8, 4, 2])
    assert told(pzem, bytes([1, 6, 0, 1, 0, 2])) == bytes([1, 0x86, 1])
    assert told(pzem, bytes([1, 4, 0, 9, 0, 2])) == bytes([1, 0x84, 2])
    assert told(pzem, bytes([2, 4, 0, 0, 0, 1])) == b""
    assert list(pzem.handle(frame(bytes([1, 4, 0, 0, 0, 1]))[:-1] + b"x", 10_000_000_000)) == []
