"""An emulated Yokogawa WT210 or WT230 in its 488.2 mode: the language of the driver of the same name, with its sources.

A real WT210 gives 0 as its serial number; this one says that it is emulated. After power-on every function that the
manual's normal preset has is on; which those are is not documented, so all but the integrator's and MATH.
"""

from __future__ import annotations

import math

from powerd.emulators.load import Load
from powerd.emulators.scpi_tree import CommandError, Grammar, Unit
from powerd.emulators.wattmeter import Measured, Wattmeter
from powerd.emulators.wt300_integrator import SWITCHES as INTEGRATOR
from powerd.emulators.wt300_integrator import Integrator
from powerd.emulators.wt300_language import engineering, on_off, quantity
from powerd.emulators.yokogawa import SWITCHES, Handler, SharedRanges, wt300_condition
from schemas.metrology import series

NAME = "yokogawa-wt200"
CODES = {"WT210": "760401", "WT230-2": "760502", "WT230-3": "760503"}
ELEMENTS = {"WT210": (1,), "WT230-2": (1, 3), "WT230-3": (1, 2, 3)}
FUNCTIONS = ("V", "A", "W", "VA", "VAR", "PF", "DEGR", "VHZ", "AHZ", "WH", "WHP", "WHM", "AH", "AHP", "AHM", "TIME",
             "VPK", "APK", "MATH")  # fmt: skip
AT_POWER_ON = ("V", "A", "W", "VA", "VAR", "PF", "DEGR", "VHZ", "VPK", "APK")
RATES_MS = (100, 250, 500, 1000, 2000, 5000)
_WORDS = (
    "CONFigure",
    "VOLTage",
    "CURRent",
    "RANGe",
    "AUTO",
    "CFACtor",
    "MODE",
    "LFILter",
    "FILTer",
    "AVERaging",
    "STATe",
    "TYPE",
    "SYNChronize",
    "SAMPle",
    "RATE",
    "HOLD",
    "MEASure",
    "NORMal",
    "ITEM",
    "VALue",
    "COMMunicate",
    "HEADer",
    "VERBose",
    "WAIT",
    "REMote",
    "LOCKout",
    "INTEGrate",
    "TIMer",
    "STARt",
    "STOP",
    "RESet",
    "STATus",
    "EESR",
    "ERRor",
    "CONDition",
    "QMESsage",
    "DEGRee",
    *(f for f in FUNCTIONS if f != "DEGR"),
)


class EmulatedWt200(SharedRanges):
    """``powerd.emulators.base.Instrument``: one meter from power-on. All elements share their ranges."""

    grammar = Grammar(_WORDS, frozenset({"CONF", "NORM"}))
    firmware = "F1.12"
    power_on_switches = SWITCHES | {"MODE": "RMS", "SYNC": "CURR", "LFIL": "0", "FILT": "0"} | INTEGRATOR

    def __init__(self, model: str, load: Load, seed: int, origin_ns: int) -> None:
        self.code = CODES[model]
        self._numbers = ELEMENTS[model]
        spec = series(NAME)[model]
        protects = min(spec.current_ranges_a) < 0.5
        meter = Wattmeter(spec, load, origin_ns, seed, elements=len(self._numbers), protects=protects)
        self._integrator = Integrator([meter])
        super().__init__([meter], seed, origin_ns)

    def power_on(self, at_ns: int) -> None:
        """Settings as after power-on."""
        super().power_on(at_ns)
        self._integrator.power_on()
        self._on = {f: f in AT_POWER_ON for f in FUNCTIONS}

    def handlers(self) -> dict[str, Handler]:
        """Commands of this series; the node CONFigure may be left out (seen)."""
        return {
            **self._integrator.handlers(self.head, tells_state=False),
            "CFAC": self._integrator.guarded(self.crest_factor),
            "VOLT": self._group,
            "CURR": self._group,
            "VOLT:RANG": self._integrator.guarded(self.range),
            "CURR:RANG": self._integrator.guarded(self.range),
            "VOLT:AUTO": self._integrator.guarded(self.auto),
            "CURR:AUTO": self._integrator.guarded(self.auto),
            "AVER:STAT": self.averaging,
            "AVER": self._average_group,
            "AVER:TYPE": self._averaging_type,
            "SAMP:RATE": self._integrator.guarded(self._rate),
            "SAMP:HOLD": self.hold,
            "MEAS:VAL": self._values,
            "STAT:COND": lambda u, t: str(wt300_condition(self.peaks(t), self._numbers)),
            **{f"MEAS:ITEM:{f}": self._item for f in FUNCTIONS},
        }

    def range_text(self, value: float, *, current: bool) -> str:
        """Three decimals for amperes, one for volts."""
        return f"{value:.{3 if current else 1}f}E+00"

    def _group(self, unit: Unit, at_ns: int) -> str | None:
        """``VOLT?`` gives range and auto-range."""
        if not unit.query:
            raise CommandError(113)
        setup, current = self.meter.setup, unit.path == "CURR"
        auto = setup.current_auto if current else setup.voltage_auto
        text = self.range_text(setup.current_range_a if current else setup.voltage_range_v, current=current)
        return f"{self.head(f'{unit.path}:RANG', text)};{self.head('AUTO', str(int(auto)))}"

    def _rate(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return self.head(unit.path, f"{self.meter.setup.interval_ns / 1e9:.3f}E+00")
        wanted = round(quantity(unit.argument, "S") * 1000)
        if wanted not in RATES_MS:
            raise CommandError(222)
        self.set_rate(wanted * 1_000_000, at_ns)
        return None

    def _average_group(self, unit: Unit, at_ns: int) -> str | None:
        if not unit.query:
            raise CommandError(113)
        kind = f"AVER:TYPE {self._average_text()}" if self.headers else self._average_text()
        return f"{self.head('AVER', str(int(self.averages)))};{kind}"

    def _average_text(self) -> str:
        return f"{'EXP' if self.exponential else 'LIN'},{self.average_count}"

    def _averaging_type(self, unit: Unit, at_ns: int) -> str | None:
        """Type and count only together."""
        if unit.query:
            return self.head(unit.path, self._average_text())
        kind, _, count = unit.argument.upper().partition(",")
        if kind[:3] not in {"LIN", "EXP"} or count.strip() not in {"8", "16", "32", "64"}:
            raise CommandError(141 if kind else 109)
        self.exponential, self.average_count = kind.startswith("EXP"), int(count)
        self.average_anew()
        return None

    def _item(self, unit: Unit, at_ns: int) -> str | None:
        name = unit.path.rpartition(":")[2]
        if unit.query:
            return self.head(unit.path, str(int(self._on[name])))
        self._on[name] = on_off(unit.argument)
        return None

    def _values(self, unit: Unit, at_ns: int) -> str:
        """Element by element, in the fixed order of the functions that are on."""
        wanted = [f for f in FUNCTIONS if self._on[f]]
        measured = enumerate(self._integrator.count(at_ns))
        return ",".join(_text(f, m, self._integrator.hours(k)) for k, m in measured for f in wanted)


def _text(function: str, m: Measured, hours: float) -> str:
    """One value as the meter prints it: no words, but 9.91E+37 for no data and 9.9E+37 for over range and errors.

    ``hours`` are the watt hours of its element.
    """
    rated = m.voltage_range_v * m.current_range_a
    apparent = m.volts * m.amperes
    reactive = math.sqrt(max(0.0, apparent**2 - m.watts**2)) if math.isfinite(apparent) else apparent
    angle = math.degrees(math.acos(m.factor)) if math.isfinite(m.factor) else m.factor
    table = {
        "V": (m.volts, m.voltage_range_v),
        "A": (m.amperes, m.current_range_a),
        "W": (m.watts, rated),
        "VA": (apparent, rated),
        "VAR": (reactive, rated),
        "PF": (m.factor, 1.0),
        "DEGR": (angle, 180.0),
        "VHZ": (m.hertz, 60.0),
    }
    if function == "TIME":
        return "0,0,0"
    if function == "WH" and math.isfinite(hours):
        return engineering(hours, max(1.0, abs(hours)), 6)
    value, full = table.get(function, (math.nan, 1.0))
    return {"NAN": "9.91E+37", "INF": "9.9E+37"}.get(text := engineering(value, full), text)


class YokogawaWt200Emulator:
    """``powerd.emulators.base.Emulator`` of the series."""

    name = NAME
    models = tuple(CODES)

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> EmulatedWt200:
        """A meter that was just switched on."""
        return EmulatedWt200(model, load, seed, origin_ns)


EMULATOR = YokogawaWt200Emulator()
