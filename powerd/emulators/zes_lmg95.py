"""An emulated ZES Zimmer LMG95: sources as in the driver of the same name.

Inferred: the text of its identity but for the model, and that ``cont off`` and queries are obeyed while it sends.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping

from powerd.emulators.load import Load
from powerd.emulators.polled_scpi import Handler, PolledScpi, columns
from powerd.emulators.scpi_tree import CommandError, Grammar, Unit
from powerd.emulators.wt300_language import quantity

NAME = "zes-lmg95"
_WORDS = ("SYSTem", "LANG", "CYCL", "IAM", "UAM", "IRNG", "URNG", "FAAF", "CONT")
_SENT = {"utrms?": "U", "itrms?": "I", "p?": "P", "s?": "S", "pf?": "PF", "freq?": "F"}


class EmulatedLmg95(PolledScpi):
    """After ``cont on`` it sends one line for every cycle."""

    grammar = Grammar(_WORDS, frozenset())
    maker = "ZES ZIMMER Electronic Systems GmbH"
    voltage = ("URNG", "UAM")
    current = ("IRNG", "IAM")
    usual_interval_ns = 500_000_000
    switches = frozenset({"SYST:LANG", "FAAF"})
    keeps_output = True

    def power_on(self, at_ns: int) -> None:
        """It sends nothing after switching on."""
        super().power_on(at_ns)
        self._sent: list[str] = []
        self._next: int | None = None

    def handlers(self) -> Mapping[str, Handler]:
        """Cycle time, the stream, and manual or auto in words."""
        return {"CYCL": self._cycle, "CONT": self._stream, "UAM": self._mode, "IAM": self._mode}

    def handle(self, message: bytes, at_ns: int) -> Generator[int, None, bytes]:
        """``actn`` lists what is sent; all else is as usual."""
        first, *items = message.decode("ascii", "replace").strip("\r\n \0").split(";")
        if first.lower() == "actn":
            self._sent = [i.strip().lower() for i in items]
            return b""
        return (yield from super().handle(message, at_ns))

    def next_push_ns(self) -> int | None:
        """The end of the next cycle, and some milliseconds."""
        return None if self._next is None else self.meter.end_of(self._next) + self._latency_ns

    def push(self, at_ns: int) -> bytes:
        """The line of a cycle."""
        index = self._next if self._next is not None else self.meter.index_at(at_ns)
        self._next = index + 1
        values = columns(self.meter.at(self.meter.end_of(index)))
        known = {"count?": str(index % 65536), "cycr?": f"{self.meter.setup.interval_ns / 1e9:.6f}"}
        texts = [known.get(i) or number(values[_SENT[i]]) for i in self._sent if i in known or i in _SENT]
        return ";".join(texts).encode("ascii") + self.answer_end

    def _cycle(self, unit: Unit, at_ns: int) -> None:
        self.set_interval(round(quantity(unit.argument, "S") * 1e9), at_ns)

    def _stream(self, unit: Unit, at_ns: int) -> None:
        word = unit.argument.lower()
        if word not in {"on", "off"}:
            raise CommandError(141)
        self._next = self.meter.index_at(at_ns) + 1 if word == "on" else None

    def _mode(self, unit: Unit, at_ns: int) -> None:
        auto = {"auto": True, "manual": False}.get(unit.argument.lower())
        if auto is None:
            raise CommandError(141)
        if unit.path == "UAM":
            self.meter.setup.voltage_auto = auto
        else:
            self.meter.setup.current_auto = auto


def number(value: float) -> str:
    """Six digits; SCPI's numbers where there is none."""
    if math.isnan(value):
        return "9.91E37"
    return "9.9E37" if math.isinf(value) else f"{value:.6g}"


class Lmg95Emulator:
    """``powerd.emulators.base.Emulator`` of the model."""

    name = NAME
    models = ("LMG95",)

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedLmg95:
        """A meter that was just switched on."""
        return EmulatedLmg95(NAME, model, load, seed, origin_ns)


EMULATOR = Lmg95Emulator()
