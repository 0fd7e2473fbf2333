"""An emulated Hioki PW3336 or PW3337: sources as in the driver of the same name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from powerd.emulators.load import Load
from powerd.emulators.polled_scpi import Handler, PolledScpi, columns
from powerd.emulators.scpi_tree import CommandError, Grammar, Unit
from powerd.emulators.wt300_language import on_off

NAME = "hioki-pw333x"
_WORDS = ("HEADer", "MEASure", "VOLTage", "CURRent", "RANGe", "AUTO", "TRANsmit", "SEParator", "ESR")
_ITEMS = {"U": "U", "I": "I", "P": "P", "S": "S", "PF": "PF", "FREQU": "F"}


class EmulatedHioki(PolledScpi):
    """Values of ten characters, headers until they are switched off, words for switches."""

    grammar = Grammar(_WORDS, frozenset())
    maker = "HIOKI"
    usual_interval_ns = 200_000_000
    number: ClassVar[str] = "1"

    def power_on(self, at_ns: int) -> None:
        """Headers are on after switching on."""
        super().power_on(at_ns)
        self._headers = True

    def handlers(self) -> Mapping[str, Handler]:
        """Headers and the measured values."""
        return {"HEAD": self._header, "MEAS": self._measure}

    def say_auto(self, auto: bool) -> str:
        """A word."""
        return "ON" if auto else "OFF"

    def _header(self, unit: Unit, at_ns: int) -> None:
        self._headers = on_off(unit.argument)

    def _measure(self, unit: Unit, at_ns: int) -> str:
        values = columns(self.meter.at(at_ns))
        found = []
        for item in unit.argument.upper().replace(" ", "").split(","):
            name = item.removesuffix(self.number) if self.number else item
            if name not in _ITEMS or item != name + self.number:
                raise CommandError(141)
            text = ten_characters(values[_ITEMS[name]])
            found.append(f"{item} {text}" if self._headers else text)
        return ";".join(found)


def ten_characters(value: float) -> str:
    """Sign, five digits with a point, exponent 0, 3 or 6: ``+100.02E+0``."""
    if math.isnan(value):
        return "+777.77E+9"
    if math.isinf(value):
        return "+999.99E+9"
    exponent = 0 if abs(value) < 9999.5 else 3
    size = abs(value) / 10**exponent
    digits = 4 if size < 9.99995 else 3 if size < 99.9995 else 2 if size < 999.995 else 1
    return f"{'-' if value < 0 else '+'}{size:.{digits}f}E+{exponent}"


class HiokiEmulator:
    """``powerd.emulators.base.Emulator`` of the series."""

    name = NAME
    models = ("PW3336", "PW3337")

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedHioki:
        """A meter that was just switched on."""
        return EmulatedHioki(NAME, model, load, seed, origin_ns)


EMULATOR = HiokiEmulator()
