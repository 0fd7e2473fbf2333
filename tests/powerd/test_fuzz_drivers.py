"""Answers that no meter would give, to every driver: values that can be, or an error of ours; no crash and no hang.

What is recorded of the series is spoilt: bytes changed, lost and doubled, numbers replaced by what lies far from them,
answers cut and run together. ``make proofs`` gives 100,000 to each driver.
"""

from __future__ import annotations

import math
import random
import time
from pathlib import Path

import pytest

from powerd import drivers
from powerd.dialects.modbus import crc16
from powerd.dialects.modbus_meter import ModbusMeter
from powerd.drivers.base import Driver
from powerd.errors import Garbled, Gone, PowerdError
from powerd.model import Quality, Settings, Stamps, Values
from powerd.transports.replay import ReplayTransport, Row, head, load
from tests.powerd.benches import fitting

RECORDINGS = {
    path.parent.name: path
    for path in sorted((Path(__file__).parent / "recordings").glob("*/*.jsonl"), reverse=True)
}
SHORT, LONG = 400, 100_000
MOST_S = 1.0
"""No answer may keep a driver longer than this, on the busiest machine."""
NUMBERS = (
    b"nan", b"NAN", b"inf", b"-INF", b"9.91E+37", b"9.9E37", b"1e999", b"-1", b"0", b"", b"+", b"--", b"1_0", b"0x10",
    b"9" * 60, b"\xb2", b" ", b"\x00", b"1.2.3", b"1E", b"E5", b"-0.0", b"1,2", b";", b"\"", b"1e-400",
)  # fmt: skip
DIGITS = b"0123456789.+-E"


def spoilt(rng: random.Random, answer: bytes) -> bytes:
    """An answer after some accidents."""
    data = bytearray(answer)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(7)
        if kind == 0 and data:
            data[min(at, len(data) - 1)] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.randrange(1, 12)]
        elif kind == 2:
            data[at:at] = data[at : at + rng.randrange(1, 12)]
        elif kind == 3:
            data[at:at] = rng.choice(NUMBERS)
        elif kind == 4 and data:
            data[min(at, len(data) - 1)] = rng.choice(DIGITS)
        elif kind == 5:
            fields = bytes(data).split(b",")
            fields[rng.randrange(len(fields))] = rng.choice(NUMBERS)
            data = bytearray(b",".join(fields))
        elif rng.random() < 0.2:
            data[at:at] = rng.randbytes(rng.randrange(400))
    return bytes(data)


class SpoiltLine:
    """``powerd.transports.base.Transport`` that answers as recorded, but spoilt."""

    name, byte_time_ns = "spoilt", 0
    stamps = Stamps(1, 2, 3)

    def __init__(self, rows: list[Row], rng: random.Random, *, framed: bool) -> None:
        self._answers: dict[bytes, list[bytes]] = {}
        asked, begun = b"", False
        for row in rows:
            if row.out:
                asked, begun = row.data, False
            elif asked and begun:  # an answer of several pieces
                self._answers[asked][-1] += row.data
            else:
                self._answers.setdefault(asked, []).append(row.data)
                begun = True
        self._all = [data for found in self._answers.values() for data in found]
        self._rng, self._framed = rng, framed
        self._held = b""

    def write(self, data: bytes, deadline_s: float) -> None:
        self._held = self._answer(data)

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        self._listen()
        text, end, self._held = self._held.partition(terminator)
        if len(text) > limit:
            raise Garbled("too long")
        if not end:
            raise Garbled("half an answer") if text else Gone("silence")
        return text + end

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        self._listen()
        if len(self._held) < count:
            raise Garbled("half an answer") if self._held else Gone("silence")
        data, self._held = self._held[:count], self._held[count:]
        return data

    def discard_input(self) -> None:
        self._held = b""

    def close(self) -> None:
        """Nothing to release."""

    def _listen(self) -> None:
        """A meter that was never asked anything speaks unasked."""
        if not self._held and b"" in self._answers:
            self._held = self._answer(b"")

    def _answer(self, asked: bytes) -> bytes:
        whole = self._rng.choice(self._answers.get(asked, self._all))
        answer = spoilt(self._rng, whole)
        if self._framed and self._rng.random() < 0.7:  # what is behind the check must stand noise too
            return answer[:-2] + crc16(answer[:-2]).to_bytes(2, "little")
        if self._rng.random() < 0.7 and not answer.endswith(whole[-1:]):
            return answer + whole[-2:]
        return answer


def opened(name: str) -> tuple[Driver, Settings, list[Row]]:
    """A driver that was set up on the recording, and what was said after that."""
    path = RECORDINGS[name]
    driver, port = drivers.find(name), ReplayTransport(path, paced=False)
    info = driver.identify(port)
    said = head(path).get("settings")
    recorded = fitting(driver, info)
    if said is not None:
        recorded = Settings(**{**said, "channels": tuple(said["channels"])})
    elif driver.timing.value == "wait":
        recorded = Settings(voltage_range_v=300.0, current_range_a=1.0)
    settings = driver.configure(port, info, recorded)
    return driver, settings, load(path)[1][-port.remaining :]


def can_be(values: Values) -> bool:
    """Whether every number is one, and a good reading has its power."""
    numbers = (
        *(values.power_w, values.voltage_v, values.current_a, values.power_factor, values.frequency_hz),
        *(values.voltage_range_v, values.current_range_a),
    )
    finite = all(x is None or math.isfinite(x) for x in numbers)
    ranges = all(x is None or x > 0 for x in numbers[-2:])
    whole = values.power_w is not None and values.power_w >= 0
    return finite and ranges and (values.quality is not Quality.GOOD or whole)


@pytest.mark.parametrize("name", sorted(RECORDINGS))
@pytest.mark.parametrize(
    "count", [SHORT, pytest.param(LONG, marks=(pytest.mark.proof, pytest.mark.timeout(1800)))]
)
def test_any_answer(name: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    driver, settings, rows = opened(name)
    line = SpoiltLine(rows, random.Random(name), framed=isinstance(driver, ModbusMeter))
    read = refused = 0
    for _ in range(count):
        began = time.thread_time()
        try:
            found = driver.read(line, settings)
        except PowerdError as error:
            said = str(error)
        else:
            said = None
        if said is not None:
            refused += 1
            assert 0 < len(said) < 1000
        else:
            read += 1
            assert [v.channel for v in found] == list(settings.channels)
            assert all(can_be(v) for v in found), found
        assert time.thread_time() - began < MOST_S
    assert min(read, refused) > count / 50, "this noise tells whole answers from spoilt ones"
