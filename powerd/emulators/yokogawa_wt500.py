"""An emulated Yokogawa WT500: the language of the driver of the same name, whose sources it has.

Every element has ranges and auto-range of its own. The maker's name in its identity is that of the logs.
"""

from __future__ import annotations

from powerd.emulators.framing import Framing, Terminated
from powerd.emulators.load import Load
from powerd.emulators.scpi_tree import CommandError, Grammar, Unit
from powerd.emulators.wattmeter import Wattmeter
from powerd.emulators.wt300_integrator import SWITCHES as INTEGRATOR
from powerd.emulators.wt300_integrator import Integrator
from powerd.emulators.wt300_items import NumericItems
from powerd.emulators.wt300_language import WORDS, range_text
from powerd.emulators.yokogawa import SWITCHES, Handler, YokogawaInstrument, peak_over, set_auto
from schemas.metrology import series

NAME = "yokogawa-wt500"
CODES = {"WT500-3": "760203", "WT500-1": "760201", "WT500-2": "760202"}
RATES = {"100MS": 100, "200MS": 200, "500MS": 500, "1S": 1000, "2S": 2000, "5S": 5000}
_PLACES = ("", ":ALL", ":ELEM")


class EmulatedWt500(YokogawaInstrument):
    """``powerd.emulators.base.Instrument``: one meter from power-on."""

    grammar = Grammar((*WORDS, "ELEMent", "ALL"), frozenset({"INP"}))
    firmware = "F1.31"
    answer_end = b"\n"
    power_on_switches = SWITCHES | {"NUM:FORM": "ASC", "FILT:FREQ:ELEM": "0"} | INTEGRATOR

    def __init__(self, model: str, load: Load, seed: int, origin_ns: int) -> None:
        self.code = CODES[model]
        count = int(model[-1])
        spec = series(NAME)[model]
        meters = [
            Wattmeter(spec, load, origin_ns, seed, first=k, protects=False) for k in range(count)
        ]  # each with ranges of its own
        elements = tuple(str(k + 1) for k in range(count))
        self._integrator = Integrator(meters)
        self._items = NumericItems(
            "WT500", elements, self._integrator.count, self.head, self._integrator.hours
        )
        super().__init__(meters, seed, origin_ns)

    def framing(self) -> Framing:
        """Messages of 1024 bytes fit (IM 760201-17)."""
        return Terminated(b"\n", limit=1024)

    def power_on(self, at_ns: int) -> None:
        """Settings as after power-on, with the default items."""
        super().power_on(at_ns)
        self._items.power_on()
        self._integrator.power_on()
        self._sync = [f"I{k}" for k in range(1, len(self.meters) + 1)]
        self._line_filter = ["OFF"] * len(self.meters)

    def handlers(self) -> dict[str, Handler]:
        """Commands of this series."""
        ranges = {
            f"{q}:RANG{p}": self._integrator.guarded(self._range) for q in ("VOLT", "CURR") for p in _PLACES
        }
        autos = {
            f"{q}:AUTO{p}": self._integrator.guarded(self._auto) for q in ("VOLT", "CURR") for p in _PLACES
        }
        return {
            **ranges,
            **autos,
            "CFAC": self._integrator.guarded(self.crest_factor),
            "RATE": self._integrator.guarded(self._rate),
            "SYNC:ELEM": self._of_element,
            "FILT:LINE:ELEM": self._of_element,
            "NUM:NORM:NUM": self._items.number,
            "NUM:NORM:ITEM": self._items.item,
            "NUM:NORM:VAL": self._items.values,
            "NUM:NORM": self._items.all,
            "MEAS:AVER:STAT": self.averaging,
            "MEAS:AVER:TYPE": lambda u, t: self.head(u.path, "EXP" if self.exponential else "LIN"),
            "HOLD": self.hold,
            "POV": lambda u, t: str(peak_over(self.peaks(t), range(1, len(self.meters) + 1))),
            "STAT:COND": self._condition,
            **self._integrator.handlers(self.head),
        }

    def _chosen(self, unit: Unit) -> list[tuple[int, Wattmeter]]:
        """The elements that a unit is about, with their numbers."""
        numbered = list(enumerate(self.meters, 1))
        if not unit.path.endswith(":ELEM"):
            return numbered
        if unit.suffix is None or not 1 <= unit.suffix <= len(numbered):
            raise CommandError(114)
        return [numbered[unit.suffix - 1]]

    def _range(self, unit: Unit, at_ns: int) -> str | None:
        current = unit.path.startswith("CURR")
        chosen = self._chosen(unit)
        if not unit.query:
            for _, meter in chosen:
                self.set_range(meter, current, unit.argument, at_ns)
            return None
        found = [m.setup.current_range_a if current else m.setup.voltage_range_v for _, m in chosen]
        return self._each(unit, chosen, [range_text(v, current=current, model="WT500") for v in found])

    def _auto(self, unit: Unit, at_ns: int) -> str | None:
        current = unit.path.startswith("CURR")
        chosen = self._chosen(unit)
        if unit.query:
            found = [m.setup.current_auto if current else m.setup.voltage_auto for _, m in chosen]
            return self._each(unit, chosen, [str(int(v)) for v in found])
        for _, meter in chosen:
            set_auto(meter.setup, current, unit.argument)
        return None

    def _each(self, unit: Unit, chosen: list[tuple[int, Wattmeter]], texts: list[str]) -> str:
        """One answer for each element, joined as units are (seen)."""
        path = unit.path.removesuffix(":ELEM").removesuffix(":ALL")
        return ";".join(
            self.head(f"{path}:ELEM{number}", text) for (number, _), text in zip(chosen, texts, strict=True)
        )

    def _of_element(self, unit: Unit, at_ns: int) -> str | None:
        """Synchronisation and line filter: words that are kept for each element."""
        kept = self._sync if unit.path.startswith("SYNC") else self._line_filter
        number, _ = self._chosen(unit)[0]
        if unit.query:
            return self.head(f"{unit.path}{number}", kept[number - 1])
        if not unit.argument:
            raise CommandError(109)
        kept[number - 1] = unit.argument.upper()
        return None

    def _rate(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            seconds = self.meter.setup.interval_ns / 1e9
            return self.head(unit.path, range_text(seconds, current=False, model="WT500"))
        word = unit.argument.upper().replace(" ", "")
        if word not in RATES:
            raise CommandError(141 if word else 109)
        self.set_rate(RATES[word] * 1_000_000, at_ns)
        return None

    def _condition(self, unit: Unit, at_ns: int) -> str:
        """Bit 15 is a peak over on any element (IM 760201-17)."""
        return str((1 << 15) * any(v or a for v, a in self.peaks(at_ns)))


class YokogawaWt500Emulator:
    """``powerd.emulators.base.Emulator`` of the series."""

    name = NAME
    models = tuple(CODES)

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedWt500:
        """A meter that was just switched on."""
        return EmulatedWt500(model, load, seed, origin_ns)


EMULATOR = YokogawaWt500Emulator()
