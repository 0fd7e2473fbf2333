"""An emulated Rohde & Schwarz HMC8015: sources as in the driver of the same name.

Its front panel is set to 300 V and 1 A.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from powerd.emulators.load import Load
from powerd.emulators.polled_scpi import Handler, PolledScpi, columns
from powerd.emulators.scpi_tree import CommandError, Grammar, Unit
from powerd.emulators.wattmeter import Setup

NAME = "rs-hmc8015"
_WORDS = ("CHANnel", "MEASurement", "FUNCtion", "DATA", "VOLTage", "CURRent", "RANGe", "AUTO")
_ITEMS = {"URMS": "U", "IRMS": "I", "P": "P", "S": "S", "LAMB": "PF", "FU": "F", "URAN": "UR", "IRAN": "IR"}


class EmulatedHmc8015(PolledScpi):
    """Quantities are chosen, then asked for."""

    grammar = Grammar(_WORDS, frozenset())
    maker = "Rohde&Schwarz"
    voltage = ("CHAN:VOLT:RANG", "CHAN:VOLT:RANG:AUTO")
    current = ("CHAN:CURR:RANG", "CHAN:CURR:RANG:AUTO")

    def power_on(self, at_ns: int) -> None:
        """As its front panel was left."""
        self.meter.setup = Setup(
            self.spec.intervals_ns[0], 3, 300.0, 1.0, voltage_auto=False, current_auto=False
        )
        self.meter.changed(at_ns)
        self._chosen = ["URMS", "IRMS", "P"]

    def handlers(self) -> Mapping[str, Handler]:
        """The values."""
        return {"CHAN:MEAS:FUNC": self._choose, "CHAN:MEAS:DATA": self._data}

    def _choose(self, unit: Unit, at_ns: int) -> None:
        names = unit.argument.upper().replace(" ", "").split(",")
        if not 1 <= len(names) <= 10 or not set(names) <= set(_ITEMS):
            raise CommandError(141)
        self._chosen = names

    def _data(self, unit: Unit, at_ns: int) -> str:
        values = columns(self.meter.at(at_ns))
        return ",".join(_scientific(values[_ITEMS[n]]) for n in self._chosen)


def _scientific(value: float) -> str:
    if math.isnan(value):
        return "9.91E+37"
    return "9.9E+37" if math.isinf(value) else f"{value:.5E}"


class Hmc8015Emulator:
    """``powerd.emulators.base.Emulator`` of the model."""

    name = NAME
    models = ("HMC8015",)

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedHmc8015:
        """A meter that was just switched on."""
        return EmulatedHmc8015(NAME, model, load, seed, origin_ns)


EMULATOR = Hmc8015Emulator()
