"""An emulated Voltech PM1000+ or Tektronix PA1000: sources as in the driver of the same name.

Its front panel is set to 430 V and 1 A with auto-zero off. Inferred: SCPI's numbers where there is no value.
"""

from __future__ import annotations

from collections.abc import Mapping

from powerd.emulators.load import Load
from powerd.emulators.polled_scpi import Handler, PolledScpi, columns, decimals
from powerd.emulators.scpi_tree import Grammar, Unit
from powerd.emulators.wattmeter import Setup

NAME = "voltech-pm1000"
_ITEMS = {"VLT": "U", "AMP": "I", "WAT": "P", "VAS": "S", "PWF": "PF", "FRQ": "F"}


class EmulatedPm1000(PolledScpi):
    """What was selected comes in the order of selecting."""

    grammar = Grammar(("SEL", "CLR", "FRD", *_ITEMS), frozenset())
    answer_end = b"\n"

    def power_on(self, at_ns: int) -> None:
        """As its front panel was left."""
        self.meter.setup = Setup(
            self.spec.intervals_ns[0], 3, 430.0, 1.0, voltage_auto=False, current_auto=False
        )
        self.meter.changed(at_ns)
        self._chosen = ["VLT", "AMP", "WAT"]

    def identity(self) -> str:
        """The maker depends on the model."""
        maker = "Voltech" if self.model == "PM1000+" else "Tektronix"
        return super().identity().replace("?", maker, 1)

    maker = "?"

    def handlers(self) -> Mapping[str, Handler]:
        """Choice and values."""
        chosen: dict[str, Handler] = {f"SEL:{item}": self._select for item in _ITEMS}
        return {**chosen, "SEL:CLR": lambda u, t: self._chosen.clear(), "FRD": self._read}

    def _select(self, unit: Unit, at_ns: int) -> None:
        self._chosen.append(unit.path.removeprefix("SEL:"))

    def _read(self, unit: Unit, at_ns: int) -> str:
        values = columns(self.meter.at(at_ns))
        return ",".join(decimals(values[_ITEMS[n]], nothing="9.91E+37", over="9.9E+37") for n in self._chosen)


class Pm1000Emulator:
    """``powerd.emulators.base.Emulator`` of the series."""

    name = NAME
    models = ("PM1000+", "PA1000")

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedPm1000:
        """A meter that was just switched on."""
        return EmulatedPm1000(NAME, model, load, seed, origin_ns)


EMULATOR = Pm1000Emulator()
