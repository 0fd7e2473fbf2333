"""What emulated SCPI meters share that hold their last update: identity, errors, ranges, rate.

A subclass gives the words of its language, the paths of its settings and the form of its values. A setting is obeyed
as the meter would: a range that does not exist is an error, one that changes makes the update in progress blind.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from powerd.emulators.base import SERIAL
from powerd.emulators.load import Load
from powerd.emulators.scpi_instrument import ScpiInstrument
from powerd.emulators.scpi_tree import CommandError, Unit
from powerd.emulators.wattmeter import Measured, Setup, Wattmeter
from powerd.emulators.wt300_language import on_off, quantity
from schemas.metrology import series

Handler = Callable[[Unit, int], str | None]


class PolledScpi(ScpiInstrument):
    """``powerd.emulators.base.Instrument`` for one channel.

    Paths are in short forms: ``voltage`` and ``current`` are those of range and auto-range, ``switches`` those of
    settings that are kept and mean nothing to the emulated load.
    """

    maker: ClassVar[str]
    firmware: ClassVar[str] = "V1.00"
    voltage: ClassVar[tuple[str, str]] = ("VOLT:RANG", "VOLT:AUTO")
    current: ClassVar[tuple[str, str]] = ("CURR:RANG", "CURR:AUTO")
    error_path: ClassVar[str] = "STAT:ERR"
    switches: ClassVar[frozenset[str]] = frozenset()
    usual_interval_ns: ClassVar[int] = 1_000_000_000

    def __init__(self, name: str, model: str, load: Load, seed: int, origin_ns: int) -> None:
        self.model = model
        self.spec = series(name)[model]
        self.meter = Wattmeter(self.spec, load, origin_ns, seed, protects=False)
        super().__init__([self.meter], seed)
        self.power_on(origin_ns)

    @abstractmethod
    def handlers(self) -> Mapping[str, Handler]:
        """What this language has beyond what is shared, by path."""

    def power_on(self, at_ns: int) -> None:
        """Everything as after switching on: auto-range, the usual interval."""
        fastest = self.spec.intervals_ns
        interval = self.usual_interval_ns if self.usual_interval_ns in fastest else fastest[0]
        self.meter.setup = Setup(
            interval, 3, max(self.spec.voltage_ranges_v), max(self.spec.current_ranges_a)
        )
        self.meter.changed(at_ns)

    def restart(self, at_ns: int) -> None:
        """Power off and on."""
        self.errors.clear()
        self.power_on(at_ns)

    def obey(self, unit: Unit, at_ns: int) -> str | None:
        """One unit's answer, None for a command."""
        shared: dict[str, Handler] = {
            "*IDN": lambda u, t: self.identity(),
            "*CLS": lambda u, t: self.errors.clear(),
            "*RST": lambda u, t: self.power_on(t),
            "*ESR": self._events,
            self.error_path: lambda u, t: self.errors.next(),
            self.voltage[0]: self._voltage_range,
            self.voltage[1]: self._voltage_auto,
            self.current[0]: self._current_range,
            self.current[1]: self._current_auto,
            **self.handlers(),
        }
        if unit.path in shared:
            return shared[unit.path](unit, at_ns)
        if unit.path in self.switches and not unit.query:
            return None
        raise CommandError(113)

    def identity(self) -> str:
        """Maker, model, serial number, firmware."""
        return f"{self.maker},{self.model},{SERIAL},{self.firmware}"

    def say_range(self, value: float) -> str:
        """A range in an answer."""
        return f"{value:g}"

    def say_auto(self, auto: bool) -> str:
        """Auto-range in an answer."""
        return str(int(auto))

    def set_interval(self, interval_ns: int, at_ns: int) -> None:
        """A new update rate; ``CommandError`` for one that the meter has not."""
        if interval_ns not in self.spec.intervals_ns:
            raise CommandError(222)
        if interval_ns != self.meter.setup.interval_ns:
            self.meter.setup.interval_ns = interval_ns
            self.meter.changed(at_ns)

    def _events(self, unit: Unit, at_ns: int) -> str:
        """The standard event register: a command error where there was one; reading clears it."""
        found = len(self.errors)
        self.errors.clear()
        return str(32 if found else 0)

    def _voltage_range(self, unit: Unit, at_ns: int) -> str | None:
        setup = self.meter.setup
        if unit.query:
            return self.say_range(setup.voltage_range_v)
        new = self._range(unit, "V", self.spec.voltage_ranges_v)
        if new != setup.voltage_range_v or setup.voltage_auto:
            setup.voltage_range_v, setup.voltage_auto = new, False
            self.meter.changed(at_ns)
        return None

    def _current_range(self, unit: Unit, at_ns: int) -> str | None:
        setup = self.meter.setup
        if unit.query:
            return self.say_range(setup.current_range_a)
        new = self._range(unit, "A", self.spec.current_ranges_a)
        if new != setup.current_range_a or setup.current_auto:
            setup.current_range_a, setup.current_auto = new, False
            self.meter.changed(at_ns)
        return None

    def _range(self, unit: Unit, letter: str, ranges: tuple[float, ...]) -> float:
        try:
            return self.spec.range_for(quantity(unit.argument, letter), ranges)
        except ValueError:
            raise CommandError(222) from None

    def _voltage_auto(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return self.say_auto(self.meter.setup.voltage_auto)
        self.meter.setup.voltage_auto = on_off(unit.argument)
        return None

    def _current_auto(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return self.say_auto(self.meter.setup.current_auto)
        self.meter.setup.current_auto = on_off(unit.argument)
        return None


def columns(m: Measured) -> dict[str, float]:
    """The quantities of an update by the names that most languages share."""
    apparent = m.volts * m.amperes
    return {
        "U": m.volts,
        "I": m.amperes,
        "P": m.watts,
        "S": apparent,
        "PF": m.factor,
        "F": m.hertz,
        "UR": m.voltage_range_v,
        "IR": m.current_range_a,
    }


def decimals(value: float, digits: int = 5, *, nothing: str = "NAN", over: str = "INF") -> str:
    """A plain number with so many significant digits; words where there is none."""
    if math.isnan(value):
        return nothing
    if math.isinf(value):
        return over
    before = max(1, len(str(int(abs(value)))))
    return f"{value:.{max(0, digits - before)}f}"
