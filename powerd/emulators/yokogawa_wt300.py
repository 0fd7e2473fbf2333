"""An emulated Yokogawa WT310, WT310E, WT332 … : the language of the driver of the same name.

Sources as in the driver. Inferred, since no document says it: processing takes 5 to 25 ms (drawn per start)
plus up to 3 ms per message; a small load reads zero amperes but keeps its watts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from powerd.emulators.base import SERIAL
from powerd.emulators.load import Load
from powerd.emulators.scpi_instrument import ScpiInstrument
from powerd.emulators.scpi_tree import CommandError, Unit
from powerd.emulators.wattmeter import Setup, Wattmeter
from powerd.emulators.wt300_items import ELEMENTS, NumericItems
from powerd.emulators.wt300_language import GRAMMAR, RATES, on_off, quantity, range_text
from schemas.metrology import series

NAME = "yokogawa-wt300"
FIRMWARE = "F1.04"
UPDATE_BIT = 1


class EmulatedWt300(ScpiInstrument):
    """``powerd.emulators.base.Instrument``: one meter from power-on."""

    grammar = GRAMMAR

    def __init__(self, model: str, load: Load, seed: int, origin_ns: int) -> None:
        self._model = model
        self._spec = series(NAME)[model]
        self._meter = Wattmeter(
            self._spec,
            load,
            origin_ns,
            seed,
            elements=len(self._elements()),
            protects=min(self._spec.current_ranges_a) < 0.5,
        )
        super().__init__([self._meter], seed)
        self._power_on(origin_ns)

    def held_until(self, unit: Unit, at_ns: int) -> int | None:
        """``WAIT`` holds the parser until the update."""
        return self._edge_after(at_ns) if unit.path == "COMM:WAIT" else None

    def restart(self, at_ns: int) -> None:
        """Settings as after power-on; the errors of the meter stay its own."""
        self.errors.clear()
        self._power_on(at_ns)

    def _power_on(self, at_ns: int) -> None:
        self._meter.setup = Setup(current_range_a=max(self._spec.current_ranges_a))
        self._meter.changed(at_ns)
        self._headers, self._verbose = True, False
        self._averages, self._count, self._exponential = False, 8, False
        self._items = NumericItems(self._model, self._meter, self._head)
        self._switches = {
            "MODE": "RMS",
            "SYNC": "VOLT",
            "FILT:LINE": "0",
            "FILT:FREQ": "0",
            "MEAS:MHOL": "0",
            "NUM:FORM": "ASC",
            "STAT:QMES": "1",
            "SYST:KLOC": "0",
            "COMM:REM": "1",
            "COMM:LOCK": "0",
        }
        self._filter = "NEV"
        self._cleared_index = self._meter.index_at(at_ns)

    def _edge_after(self, at_ns: int) -> int:
        """When ``WAIT`` lets go: at once if an edge was caught since the register was read."""
        if self._filter != "FALL":
            return at_ns
        index = self._meter.index_at(at_ns)
        return at_ns if index > self._cleared_index else self._meter.end_of(index + 1)

    def obey(self, unit: Unit, at_ns: int) -> str | None:
        """One unit's answer, None for a command."""
        special: dict[str, Callable[[Unit, int], str | None]] = {
            "*IDN": self._identity,
            "*OPT": lambda u, t: "NONE",
            "*CLS": self._clear,
            "*RST": self._reset,
            "*OPC": lambda u, t: "1" if u.query else None,
            "CFAC": self._crest_factor,
            "VOLT:RANG": self._range,
            "CURR:RANG": self._range,
            "VOLT:AUTO": self._auto,
            "CURR:AUTO": self._auto,
            "RATE": self._rate,
            "COMM:HEAD": self._header_switch,
            "COMM:VERB": self._verbose_switch,
            "NUM:NORM:NUM": self._items.number,
            "NUM:NORM:ITEM": self._items.item,
            "NUM:NORM:VAL": self._items.values,
            "NUM:NORM": self._items.all,
            "COMM:WAIT": lambda u, t: str(UPDATE_BIT) if u.query else None,
            "MEAS:AVER": self._averaging,
            "MEAS:AVER:STAT": self._averaging,
            "MEAS:AVER:TYPE": self._averaging_type,
            "MEAS:AVER:COUN": self._averaging_count,
            "HOLD": self._hold,
            "STAT:ERR": lambda u, t: self.errors.next(),
            "STAT:EESR": self._events,
            "STAT:COND": self._condition,
            "STAT:FILT": self._set_filter,
            "INTEG:STAT": lambda u, t: "RES",
            "POV": self._peaks,
            "CRAN": lambda u, t: "0",
        }
        if unit.path in special:
            return special[unit.path](unit, at_ns)
        if unit.path in self._switches:
            return self._switch(unit)
        raise CommandError(113)

    def _head(self, path: str, text: str) -> str:
        return f":{path} {text}" if self._headers else text

    def _identity(self, unit: Unit, at_ns: int) -> str:
        return f"YOKOGAWA,{self._model},{SERIAL},{FIRMWARE}"

    def _clear(self, unit: Unit, at_ns: int) -> None:
        self.errors.clear()

    def _reset(self, unit: Unit, at_ns: int) -> None:
        headers, verbose = self._headers, self._verbose
        self._power_on(at_ns)
        self._headers, self._verbose = headers, verbose

    def _crest_factor(self, unit: Unit, at_ns: int) -> str | None:
        setup = self._meter.setup
        if unit.query:
            return self._head(unit.path, str(setup.crest_factor))
        if unit.argument not in {"3", "6"}:
            raise CommandError(141 if unit.argument else 109)
        new = int(unit.argument)
        if new != setup.crest_factor:
            scale = 0.5 if new == 6 else 2.0
            self._meter.setup = replace(
                setup,
                crest_factor=new,
                voltage_range_v=setup.voltage_range_v * scale,
                current_range_a=setup.current_range_a * scale,
            )
            self._meter.changed(at_ns)
        return None

    def _range(self, unit: Unit, at_ns: int) -> str | None:
        setup = self._meter.setup
        current = unit.path.startswith("CURR")
        if unit.query:
            value = setup.current_range_a if current else setup.voltage_range_v
            return self._head(unit.path, range_text(value, current=current, model=self._model))
        volts, amperes = self._spec.with_crest_factor(setup.crest_factor)
        try:
            new = self._spec.range_for(
                quantity(unit.argument, "A" if current else "V"), amperes if current else volts
            )
        except ValueError:
            raise CommandError(222) from None
        if current:
            changed = new != setup.current_range_a or setup.current_auto
            setup.current_range_a, setup.current_auto = new, False
        else:
            changed = new != setup.voltage_range_v or setup.voltage_auto
            setup.voltage_range_v, setup.voltage_auto = new, False
        if changed:
            self._meter.changed(at_ns)
        return None

    def _auto(self, unit: Unit, at_ns: int) -> str | None:
        setup = self._meter.setup
        current = unit.path.startswith("CURR")
        if unit.query:
            return self._head(unit.path, str(int(setup.current_auto if current else setup.voltage_auto)))
        if current:
            setup.current_auto = on_off(unit.argument)
        else:
            setup.voltage_auto = on_off(unit.argument)
        return None

    def _rate(self, unit: Unit, at_ns: int) -> str | None:
        setup = self._meter.setup
        if unit.query:
            seconds = setup.interval_ns / 1e9
            return self._head(unit.path, range_text(seconds, current=False, model=self._model))
        word = unit.argument.upper().replace(" ", "")
        if word not in RATES:
            raise CommandError(141 if word else 109)
        new = RATES[word] * 1_000_000
        if new != setup.interval_ns:
            setup.interval_ns = new
            self._meter.changed(at_ns)
            self._cleared_index = self._meter.index_at(at_ns)
        return None

    def _averaging(self, unit: Unit, at_ns: int) -> str | None:
        """Mean of the latest updates, so that a step of the load is smeared over so many of them."""
        if unit.query:
            return self._head(unit.path, str(int(self._averages)))
        self._averages = on_off(unit.argument)
        self._average_anew()
        return None

    def _averaging_type(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return self._head(unit.path, "EXP" if self._exponential else "LIN")
        word = unit.argument.upper()[:3]
        if word not in {"LIN", "EXP"}:
            raise CommandError(141 if word else 109)
        self._exponential = word == "EXP"
        self._average_anew()
        return None

    def _averaging_count(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return self._head(unit.path, str(self._count))
        count = round(quantity(unit.argument, ""))
        if count not in {8, 16, 32, 64}:
            raise CommandError(222)
        self._count = count
        self._average_anew()
        return None

    def _average_anew(self) -> None:
        setup = self._meter.setup
        setup.average, setup.exponential = self._count if self._averages else 1, self._exponential

    def _hold(self, unit: Unit, at_ns: int) -> str | None:
        setup = self._meter.setup
        if unit.query:
            return self._head(unit.path, str(int(setup.hold)))
        self._meter.all_at(at_ns)
        setup.hold = on_off(unit.argument)
        return None

    def _header_switch(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return self._head(unit.path, str(int(self._headers)))
        self._headers = on_off(unit.argument)
        return None

    def _verbose_switch(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return self._head(unit.path, str(int(self._verbose)))
        self._verbose = on_off(unit.argument)
        return None

    def _events(self, unit: Unit, at_ns: int) -> str:
        index = self._meter.index_at(at_ns)
        caught = self._filter == "FALL" and index > self._cleared_index
        self._cleared_index = index
        return str(UPDATE_BIT if caught else 0)

    def _condition(self, unit: Unit, at_ns: int) -> str:
        """Peak bits of each element: 7, 10, 13 volts and 8, 11, 14 amperes (IM WT310E-17 p. 7-5)."""
        found = zip(self._elements(), self._meter.all_at(at_ns), strict=True)
        return str(sum((m.peak_v << 7 | m.peak_a << 8) << 3 * (int(e) - 1) for e, m in found))

    def _peaks(self, unit: Unit, at_ns: int) -> str:
        """The same as ``POV?`` has it: U1, I1, U2 … from bit 0."""
        found = zip(self._elements(), self._meter.all_at(at_ns), strict=True)
        return str(sum((m.peak_v | m.peak_a << 1) << 2 * (int(e) - 1) for e, m in found))

    def _elements(self) -> tuple[str, ...]:
        return ELEMENTS.get(self._model.removesuffix("E"), ("1",))

    def _set_filter(self, unit: Unit, at_ns: int) -> str | None:
        if unit.suffix is None or not 1 <= unit.suffix <= 16:
            raise CommandError(114)
        if unit.query:
            return self._head(f"STAT:FILT{unit.suffix}", self._filter)
        word = {"NEVER": "NEV"}.get(unit.argument.upper(), unit.argument.upper())
        if word not in {"RISE", "FALL", "BOTH", "NEV"}:
            raise CommandError(141)
        if unit.suffix == 1:
            self._filter = word
            self._cleared_index = self._meter.index_at(at_ns)
        return None

    def _switch(self, unit: Unit) -> str | None:
        if unit.query:
            return self._head(unit.path, self._switches[unit.path])
        word = unit.argument.upper()
        if not word:
            raise CommandError(109)
        if self._switches[unit.path] in {"0", "1"}:
            word = str(int(on_off(word)))
        self._switches[unit.path] = word
        return None


class YokogawaWt300Emulator:
    """``powerd.emulators.base.Emulator`` of the series."""

    name = NAME
    models = ("WT310E", "WT310", "WT310EH", "WT310HC", "WT332", "WT332E", "WT333", "WT333E")

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedWt300:
        """A meter that was just switched on."""
        return EmulatedWt300(model, load, seed, origin_ns)


EMULATOR = YokogawaWt300Emulator()
