"""An emulated Yokogawa WT310, WT310E, WT332 …: the language of the driver of the same name, whose sources it has."""

from __future__ import annotations

from powerd.emulators.load import Load
from powerd.emulators.scpi_tree import CommandError, Unit
from powerd.emulators.wattmeter import Wattmeter
from powerd.emulators.wt300_integrator import SWITCHES as INTEGRATOR
from powerd.emulators.wt300_integrator import Integrator
from powerd.emulators.wt300_items import ELEMENTS, NumericItems
from powerd.emulators.wt300_language import GRAMMAR, RATES, quantity, range_text
from powerd.emulators.yokogawa import SWITCHES, Handler, SharedRanges, peak_over, wt300_condition
from schemas.metrology import series

NAME = "yokogawa-wt300"


class EmulatedWt300(SharedRanges):
    """``powerd.emulators.base.Instrument``: one meter from power-on. All elements share their ranges."""

    grammar = GRAMMAR
    firmware = "F1.04"
    power_on_switches = (
        SWITCHES
        | INTEGRATOR
        | {
            "MODE": "RMS",
            "SYNC": "VOLT",
            "FILT:LINE": "0",
            "FILT:FREQ": "0",
            "MEAS:MHOL": "0",
            "NUM:FORM": "ASC",
            "SYST:KLOC": "0",
        }
    )

    def __init__(self, model: str, load: Load, seed: int, origin_ns: int) -> None:
        self.code = model
        elements = ELEMENTS.get(model.removesuffix("E"), ("1",))
        self._numbers = [int(e) for e in elements]
        spec = series(NAME)[model]
        protects = min(spec.current_ranges_a) < 0.5
        meter = Wattmeter(spec, load, origin_ns, seed, elements=len(elements), protects=protects)
        self._integrator = Integrator([meter])
        self._items = NumericItems(model, elements, self._integrator.count, self.head, self._integrator.hours)
        super().__init__([meter], seed, origin_ns)

    def power_on(self, at_ns: int) -> None:
        """Settings as after power-on, with the default items."""
        super().power_on(at_ns)
        self._items.power_on()
        self._integrator.power_on()

    def handlers(self) -> dict[str, Handler]:
        """Commands of this series."""
        return {
            "CFAC": self._integrator.guarded(self.crest_factor),
            "VOLT:RANG": self._integrator.guarded(self.range),
            "CURR:RANG": self._integrator.guarded(self.range),
            "VOLT:AUTO": self._integrator.guarded(self.auto),
            "CURR:AUTO": self._integrator.guarded(self.auto),
            "RATE": self._integrator.guarded(self._rate),
            "NUM:NORM:NUM": self._items.number,
            "NUM:NORM:ITEM": self._items.item,
            "NUM:NORM:VAL": self._items.values,
            "NUM:NORM": self._items.all,
            "MEAS:AVER": self.averaging,
            "MEAS:AVER:STAT": self.averaging,
            "MEAS:AVER:TYPE": self._averaging_type,
            "MEAS:AVER:COUN": self._averaging_count,
            "HOLD": self.hold,
            "STAT:COND": lambda u, t: str(wt300_condition(self.peaks(t), self._numbers)),
            **self._integrator.handlers(self.head),
            "POV": lambda u, t: str(peak_over(self.peaks(t), self._numbers)),
            "CRAN": lambda u, t: "0",
        }

    def range_text(self, value: float, *, current: bool) -> str:
        """As the manual of the model has it."""
        return range_text(value, current=current, model=self.code)

    def _rate(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            seconds = self.meter.setup.interval_ns / 1e9
            return self.head(unit.path, range_text(seconds, current=False, model=self.code))
        word = unit.argument.upper().replace(" ", "")
        if word not in RATES:
            raise CommandError(141 if word else 109)
        self.set_rate(RATES[word] * 1_000_000, at_ns)
        return None

    def _averaging_type(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return self.head(unit.path, "EXP" if self.exponential else "LIN")
        word = unit.argument.upper()[:3]
        if word not in {"LIN", "EXP"}:
            raise CommandError(141 if word else 109)
        self.exponential = word == "EXP"
        self.average_anew()
        return None

    def _averaging_count(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return self.head(unit.path, str(self.average_count))
        count = round(quantity(unit.argument, ""))
        if count not in {8, 16, 32, 64}:
            raise CommandError(222)
        self.average_count = count
        self.average_anew()
        return None


class YokogawaWt300Emulator:
    """``powerd.emulators.base.Emulator`` of the series."""

    name = NAME
    models = ("WT310E", "WT310", "WT310EH", "WT310HC", "WT332", "WT332E", "WT333", "WT333E")

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedWt300:
        """A meter that was just switched on."""
        return EmulatedWt300(model, load, seed, origin_ns)


EMULATOR = YokogawaWt300Emulator()
