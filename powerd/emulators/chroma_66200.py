"""An emulated Chroma 66202, 66203 or 66204: sources as in the driver of the same name.

Its front panel is set to 300 V and 2 A.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from powerd.emulators.base import SERIAL
from powerd.emulators.load import Load
from powerd.emulators.polled_scpi import Handler, PolledScpi, columns
from powerd.emulators.scpi_tree import CommandError, Grammar, Unit
from powerd.emulators.wattmeter import Setup

NAME = "chroma-66200"
_ITEMS = {"V": "U", "I": "I", "W": "P", "VA": "S", "PF": "PF", "FREQ": "F"}


class EmulatedChroma(PolledScpi):
    """Ranges stand at the front panel; -1 is no data yet, -3 over range."""

    grammar = Grammar(("FETCh", "CHANnel", "ID"), frozenset())
    maker = "Chroma ATE"

    def power_on(self, at_ns: int) -> None:
        """As its front panel was left."""
        self.meter.setup = Setup(
            self.spec.intervals_ns[0], 3, 300.0, 2.0, voltage_auto=False, current_auto=False
        )
        self.meter.changed(at_ns)

    def identity(self) -> str:
        """Six fields, as the manual prints it."""
        return f"{self.maker},{self.model},{SERIAL},1.00,1.00,1.00"

    def handlers(self) -> Mapping[str, Handler]:
        """The values."""
        return {"FETC": self._fetch, "CHAN:ID": lambda u, t: self.identity()}

    def _fetch(self, unit: Unit, at_ns: int) -> str:
        names = unit.argument.upper().replace(" ", "").split(",")
        if not 1 <= len(names) <= 10 or not set(names) <= set(_ITEMS):
            raise CommandError(141)
        values = columns(self.meter.at(at_ns))
        return ",".join(_plain(values[_ITEMS[n]]) for n in names)


def _plain(value: float) -> str:
    if math.isnan(value):
        return "-1"
    return "-3" if math.isinf(value) else f"{value:.5f}"


class ChromaEmulator:
    """``powerd.emulators.base.Emulator`` of the series."""

    name = NAME
    models = ("66202", "66203", "66204")

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedChroma:
        """A meter that was just switched on."""
        return EmulatedChroma(NAME, model, load, seed, origin_ns)


EMULATOR = ChromaEmulator()
