"""An emulated GW Instek GPM-8310 or GPM-8213: sources as in the driver of the same name."""

from __future__ import annotations

from collections.abc import Mapping

from powerd.emulators.load import Load
from powerd.emulators.polled_scpi import Handler, PolledScpi, columns, decimals
from powerd.emulators.scpi_tree import CommandError, Unit
from powerd.emulators.wt300_integrator import SWITCHES as INTEGRATOR
from powerd.emulators.wt300_integrator import Integrator
from powerd.emulators.wt300_language import GRAMMAR, quantity

NAME = "gwinstek-gpm8310"
_ITEMS = {"U": "U", "I": "I", "P": "P", "S": "S", "LAMB": "PF", "FU": "F", "URAN": "UR", "IRAN": "IR"}


class EmulatedGpm(PolledScpi):
    """The command tree of the WT300 with plain numbers in its answers, and without ``WAIT``."""

    grammar = GRAMMAR
    maker = "GWInstek"
    switches = frozenset(
        {"COMM:HEAD", "CFAC", "MEAS:AVER", "MODE", "SYNC", "FILT:LINE", "NUM:FORM", "COMM:REM", *INTEGRATOR}
    )

    def power_on(self, at_ns: int) -> None:
        """Ten items are listed after switching on."""
        super().power_on(at_ns)
        self._items = ["U", "I", "P", "S", "S", "LAMB", "FU", "FU", "U", "U"]
        self._integrator = Integrator([self.meter])

    def handlers(self) -> Mapping[str, Handler]:
        """Rate and numeric items."""
        return {
            **self._integrator.handlers(lambda path, text: text),
            "RATE": self._integrator.guarded(self._rate),
            "NUM:NORM:NUM": self._number,
            "NUM:NORM:ITEM": self._item,
            "NUM:NORM:VAL": self._values,
        }

    def obey(self, unit: Unit, at_ns: int) -> str | None:
        """One unit's answer; ranges stay as they are while the integrator is not reset."""
        if not unit.query and unit.path in {*self.voltage, *self.current}:
            self._integrator.must_be_reset()
        return super().obey(unit, at_ns)

    def _rate(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return decimals(self.meter.setup.interval_ns / 1e9, 4)
        self.set_interval(round(quantity(unit.argument, "S") * 1e9), at_ns)
        return None

    def _number(self, unit: Unit, at_ns: int) -> None:
        count = round(quantity(unit.argument, ""))
        self._items = (self._items + ["U"] * count)[:count]

    def _item(self, unit: Unit, at_ns: int) -> None:
        name, _, element = unit.argument.upper().replace(" ", "").partition(",")
        if name not in {*_ITEMS, "WH"} or element not in {"", "1"} or unit.suffix is None:
            raise CommandError(141)
        self._items[unit.suffix - 1] = name

    def _values(self, unit: Unit, at_ns: int) -> str:
        (measured,) = self._integrator.count(at_ns)
        values = columns(measured) | {"WH": self._integrator.hours(0)}
        return ",".join(decimals(values[_ITEMS.get(i, i)]) for i in self._items)


class GpmEmulator:
    """``powerd.emulators.base.Emulator`` of the series."""

    name = NAME
    models = ("GPM-8310", "GPM-8213")

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedGpm:
        """A meter that was just switched on."""
        return EmulatedGpm(NAME, model, load, seed, origin_ns)


EMULATOR = GpmEmulator()
