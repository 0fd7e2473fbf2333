"""The list of numeric items of an emulated WT300, and their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from powerd.emulators.scpi_tree import CommandError, Unit
from powerd.emulators.wattmeter import Measured
from powerd.emulators.wt300_language import engineering, quantity, range_text

_FUNCTIONS = {"U", "URMS", "I", "IRMS", "P", "S", "Q", "LAMB", "FU", "FI", "URAN", "IRAN", "WH", "NONE"}
_ALIASES = {"LAMBDA": "LAMB", "URANGE": "URAN", "IRANGE": "IRAN"}
_DEFAULT_ITEMS = ["U,1", "I,1", "P,1", "S,1", "Q,1", "LAMB,1", "FU,1", "FI,1", "NONE", "NONE"]
ELEMENTS = {"WT332": ("1", "3"), "WT333": ("1", "2", "3")}


class NumericItems:
    """Which quantities ``NUM:NORM:VAL?`` answers; ``measure`` gives the latest update of every element."""

    def __init__(
        self,
        model: str,
        elements: Sequence[str],
        measure: Callable[[int], Sequence[Measured]],
        head: Callable[[str, str], str],
        hours: Callable[[int], float] = lambda element: math.nan,
    ) -> None:
        """``hours`` gives the watt hours of an element by its place; nan while the integrator is reset."""
        self._model = model
        self._elements = tuple(elements)
        self._measure = measure
        self._head = head
        self._hours = hours
        self.power_on()

    def power_on(self) -> None:
        """The items as after power-on."""
        self._listed = list(_DEFAULT_ITEMS)
        self._count = len(self._listed)

    def all(self, unit: Unit, at_ns: int) -> str:
        """``NUM:NORM?``: number and items."""
        return ";".join([str(self._count), *self._listed[: self._count]])

    def number(self, unit: Unit, at_ns: int) -> str | None:
        """``NUM:NORM:NUM``: how many items are answered."""
        if unit.query:
            return self._head(unit.path, str(self._count))
        count = round(quantity(unit.argument, ""))
        if not 1 <= count <= 255:
            raise CommandError(222)
        self._count = count
        self._listed += ["NONE"] * (count - len(self._listed))
        return None

    def item(self, unit: Unit, at_ns: int) -> str | None:
        """``NUM:NORM:ITEMn``: what item n is."""
        number = unit.suffix or 1
        if number > 255:
            raise CommandError(114)
        self._listed += ["NONE"] * (number - len(self._listed))
        if unit.query:
            return self._head(f"NUM:NORM:ITEM{number}", self._listed[number - 1])
        name, _, element = unit.argument.upper().replace(" ", "").partition(",")
        name = _ALIASES.get(name, name)
        if name not in _FUNCTIONS or (name != "NONE" and (element or "1") not in self._elements):
            raise CommandError(141)
        self._listed[number - 1] = name if name == "NONE" else f"{name},{element or '1'}"
        return None

    def values(self, unit: Unit, at_ns: int) -> str:
        """``NUM:NORM:VAL?``: all items of the latest update, or one."""
        measured = dict(zip(self._elements, self._measure(at_ns), strict=True))
        if unit.argument:
            number = round(quantity(unit.argument, ""))
            if not 1 <= number <= len(self._listed):
                raise CommandError(222)
            return self._value(self._listed[number - 1], measured)
        return ",".join(self._value(item, measured) for item in self._listed[: self._count])

    def _value(self, item: str, measured: Mapping[str, Measured]) -> str:
        name, _, element = item.partition(",")
        m = measured[element or self._elements[0]]
        rated = m.voltage_range_v * m.current_range_a
        if name == "WH":
            hours = self._hours(self._elements.index(element or self._elements[0]))
            return engineering(hours, max(1.0, abs(hours)) if math.isfinite(hours) else 1.0, 6)
        if name == "URAN":
            return range_text(m.voltage_range_v, current=False, model=self._model)
        if name == "IRAN":
            return range_text(m.current_range_a, current=True, model=self._model)
        apparent = m.volts * m.amperes
        reactive = math.sqrt(max(0.0, apparent**2 - m.watts**2)) if math.isfinite(apparent) else apparent
        table = {
            "U": (m.volts, m.voltage_range_v),
            "URMS": (m.volts, m.voltage_range_v),
            "I": (m.amperes, m.current_range_a),
            "IRMS": (m.amperes, m.current_range_a),
            "P": (m.watts, rated),
            "S": (apparent, rated),
            "Q": (reactive, rated),
            "LAMB": (m.factor, 1.0),
            "FU": (m.hertz, 60.0),
        }
        value, full = table.get(name, (math.nan, 1.0))
        return engineering(value, full)
