"""An emulated Hioki PW3335: as the PW3336, but its items have no channel number."""

from __future__ import annotations

from powerd.emulators.hioki_pw333x import EmulatedHioki
from powerd.emulators.load import Load

NAME = "hioki-pw3335"


class EmulatedPw3335(EmulatedHioki):
    """One channel."""

    number = ""


class Pw3335Emulator:
    """``powerd.emulators.base.Emulator`` of the model."""

    name = NAME
    models = ("PW3335",)

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedPw3335:
        """A meter that was just switched on."""
        return EmulatedPw3335(NAME, model, load, seed, origin_ns)


EMULATOR = Pw3335Emulator()
