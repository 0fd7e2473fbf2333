"""An emulated Watts Up? PRO: sources as in the driver of the same name.

Inferred: a packet leaves 30 to 70 ms after its second (drawn per start); over range it shows its largest count.
"""

from __future__ import annotations

import math
import random
from collections.abc import Generator

from powerd.emulators.base import SERIAL, EmulatedMeter
from powerd.emulators.framing import Framing, Terminated
from powerd.emulators.load import Load
from powerd.emulators.modbus_unit import one_range
from powerd.emulators.wattmeter import Wattmeter
from schemas.metrology import series

NAME = "wattsup-pro"
MODELS = ("Watts Up? PRO", "Watts Up? Standard", "Watts Up? ES", "Watts Up? .NET")
_NUMBERS = {"Watts Up? Standard": 0, "Watts Up? PRO": 1, "Watts Up? ES": 2, "Watts Up? .NET": 3}


class EmulatedWattsUp(EmulatedMeter):
    """``powerd.emulators.base.Instrument``: packets ``#…;``, one every second once it was told to send."""

    keeps_output = True

    def __init__(self, model: str, load: Load, seed: int, origin_ns: int) -> None:
        spec = series(NAME)[model]
        setup = one_range(spec.voltage_ranges_v[0], spec.current_ranges_a[0], spec.intervals_ns[0])
        super().__init__([Wattmeter(spec, load, origin_ns, seed, setup, protects=False)])
        self._number = _NUMBERS[model]
        self._latency_ns = random.Random(seed + 1).randint(30_000_000, 70_000_000)
        self._next: int | None = None

    def framing(self) -> Framing:
        """Packets end with a semicolon."""
        return Terminated(b";")

    def restart(self, at_ns: int) -> None:
        """It sends nothing after switching on."""
        self._next = None

    def handle(self, message: bytes, at_ns: int) -> Generator[int, None, bytes]:
        """Version, start and stop; the rest is not understood and not answered."""
        words = message[message.rfind(b"#") + 1 :].split(b",")
        if words[:2] == [b"V", b"R"]:
            yield at_ns + self._latency_ns // 2
            return f"#v,-,8,{self._number},0,2,3,4,19,{SERIAL},0;\r\n".encode("ascii")
        if words[:2] == [b"L", b"W"] and len(words) == 6 and words[3] == b"E":
            self._next = self.meters[0].index_at(at_ns) + 1
        elif words[:2] == [b"L", b"R"]:
            self._next = None
        return b""

    def next_push_ns(self) -> int | None:
        """The end of the next second, and some milliseconds."""
        return None if self._next is None else self.meters[0].end_of(self._next) + self._latency_ns

    def push(self, at_ns: int) -> bytes:
        """The data of a second."""
        meter = self.meters[0]
        index = self._next if self._next is not None else meter.index_at(at_ns)
        self._next = index + 1
        m = meter.at(meter.end_of(index))
        fields = ["0"] * 18
        for at, value, scale in (
            (0, m.watts, 10),
            (1, m.volts, 10),
            (2, m.amperes, 1000),
            (13, math.nan if math.isinf(m.factor) else m.factor, 100),
            (16, m.hertz, 10),
            (17, m.volts * m.amperes, 10),
        ):
            fields[at] = (
                "_"
                if math.isnan(value)
                else str(65535 if math.isinf(value) else max(0, round(value * scale)))
            )
        return f"#d,-,18,{','.join(fields)};\r\n".encode("ascii")


class WattsUpEmulator:
    """``powerd.emulators.base.Emulator`` of the series."""

    name = NAME
    models = MODELS

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedWattsUp:
        """A meter that was just switched on."""
        return EmulatedWattsUp(model, load, seed, origin_ns)


EMULATOR = WattsUpEmulator()
