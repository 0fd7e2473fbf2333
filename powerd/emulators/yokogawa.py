"""What emulated Yokogawa meters of the WT series share: status, waiting, headers, averaging, hold, plain switches.

Sources as in the drivers. Inferred, since no document says it: processing takes 5 to 25 ms (drawn per start)
plus up to 3 ms per message; a small load reads zero amperes but keeps its watts.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from powerd.emulators.base import SERIAL
from powerd.emulators.scpi_instrument import ScpiInstrument
from powerd.emulators.scpi_tree import CommandError, Unit
from powerd.emulators.wattmeter import Setup, Wattmeter
from powerd.emulators.wt300_language import on_off, quantity

UPDATE_BIT = 1
Handler = Callable[[Unit, int], str | None]
SWITCHES = {"STAT:QMES": "1", "COMM:REM": "1", "COMM:LOCK": "0"}
"""Settings of the shared grammar that are only kept, as after power-on."""


class YokogawaInstrument(ScpiInstrument):
    """One meter from power-on. A subclass brings grammar, ``code`` and ``firmware``, and its own ``handlers``."""

    code: str
    firmware: ClassVar[str]
    power_on_switches: ClassVar[dict[str, str]]

    def __init__(self, meters: Sequence[Wattmeter], seed: int, at_ns: int) -> None:
        super().__init__(meters, seed)
        self.meter = self.meters[0]
        self.power_on(at_ns)
        self._handlers = {**self._shared(), **self.handlers()}

    @abstractmethod
    def handlers(self) -> dict[str, Handler]:
        """What the series understands beyond what all do, by path."""

    def held_until(self, unit: Unit, at_ns: int) -> int | None:
        """``WAIT`` holds the parser until the update."""
        return self._edge_after(at_ns) if unit.path == "COMM:WAIT" else None

    def restart(self, at_ns: int) -> None:
        """Settings as after power-on; the errors of the meter stay its own."""
        self.errors.clear()
        self.power_on(at_ns)

    def power_on(self, at_ns: int) -> None:
        """Settings as after power-on; headers are on (seen in logs)."""
        for meter in self.meters:
            meter.setup = Setup(current_range_a=max(meter.spec.current_ranges_a),
                                voltage_range_v=max(meter.spec.voltage_ranges_v))  # fmt: skip
            meter.changed(at_ns)
        self.headers, self._verbose = True, False
        self.averages, self.average_count, self.exponential = False, 8, False
        self.switches = dict(self.power_on_switches)
        self._filter = "NEV"
        self._cleared_index = self.meter.index_at(at_ns)

    def obey(self, unit: Unit, at_ns: int) -> str | None:
        """One unit's answer, None for a command."""
        handler = self._handlers.get(unit.path)
        if handler is not None:
            return handler(unit, at_ns)
        if unit.path in self.switches:
            return self._switch(unit)
        raise CommandError(113)

    def head(self, path: str, text: str) -> str:
        """An answer with its header, while headers are on."""
        return f":{path} {text}" if self.headers else text

    def peaks(self, at_ns: int) -> list[tuple[bool, bool]]:
        """Whether a voltage peak and a current peak was clipped, element by element."""
        return [(m.peak_v, m.peak_a) for meter in self.meters for m in meter.all_at(at_ns)]

    def set_rate(self, interval_ns: int, at_ns: int) -> None:
        """Another update rate for all elements."""
        for meter in self.meters:
            if interval_ns != meter.setup.interval_ns:
                meter.setup.interval_ns = interval_ns
                meter.changed(at_ns)
        self._cleared_index = self.meter.index_at(at_ns)

    def set_crest_factor(self, crest_factor: int, at_ns: int) -> None:
        """Another crest factor: 6 halves every range, 3 doubles it."""
        for meter in self.meters:
            setup = meter.setup
            if crest_factor != setup.crest_factor:
                scale = 0.5 if crest_factor == 6 else 2.0
                setup.crest_factor = crest_factor
                setup.voltage_range_v *= scale
                setup.current_range_a *= scale
                meter.changed(at_ns)

    def set_range(self, meter: Wattmeter, current: bool, argument: str, at_ns: int) -> None:
        """The next range up from a value, fixed; 222 above the largest."""
        setup = meter.setup
        volts, amperes = meter.spec.with_crest_factor(setup.crest_factor)
        wanted = quantity(argument, "A" if current else "V")
        try:
            new = meter.spec.range_for(wanted, amperes if current else volts)
        except ValueError:
            raise CommandError(222) from None
        if current:
            changed = new != setup.current_range_a or setup.current_auto
            setup.current_range_a, setup.current_auto = new, False
        else:
            changed = new != setup.voltage_range_v or setup.voltage_auto
            setup.voltage_range_v, setup.voltage_auto = new, False
        if changed:
            meter.changed(at_ns)

    def average_anew(self) -> None:
        """Averaging was set otherwise."""
        for meter in self.meters:
            meter.setup.average = self.average_count if self.averages else 1
            meter.setup.exponential = self.exponential

    def crest_factor(self, unit: Unit, at_ns: int) -> str | None:
        """3 or 6."""
        if unit.query:
            return self.head(unit.path, str(self.meter.setup.crest_factor))
        if unit.argument not in {"3", "6"}:
            raise CommandError(141 if unit.argument else 109)
        self.set_crest_factor(int(unit.argument), at_ns)
        return None

    def averaging(self, unit: Unit, at_ns: int) -> str | None:
        """Mean of the latest updates, so that a step of the load is smeared over so many of them."""
        if unit.query:
            return self.head(unit.path, str(int(self.averages)))
        self.averages = on_off(unit.argument)
        self.average_anew()
        return None

    def hold(self, unit: Unit, at_ns: int) -> str | None:
        """The values stay as they are."""
        if unit.query:
            return self.head(unit.path, str(int(self.meter.setup.hold)))
        for meter in self.meters:
            meter.all_at(at_ns)
            meter.setup.hold = on_off(unit.argument)
        return None

    def _shared(self) -> dict[str, Handler]:
        return {
            "*IDN": lambda u, t: f"YOKOGAWA,{self.code},{SERIAL},{self.firmware}",
            "*OPT": lambda u, t: "NONE",
            "*CLS": self._clear,
            "*RST": self._reset,
            "*OPC": lambda u, t: "1" if u.query else None,
            "COMM:HEAD": self._header_switch,
            "COMM:VERB": self._verbose_switch,
            "COMM:WAIT": lambda u, t: str(UPDATE_BIT) if u.query else None,
            "STAT:ERR": lambda u, t: self.errors.next(),
            "STAT:EESR": self._events,
            "STAT:FILT": self._set_filter,
        }

    def _edge_after(self, at_ns: int) -> int:
        """When ``WAIT`` lets go: at once if an edge was caught since the register was read."""
        if self._filter != "FALL":
            return at_ns
        index = self.meter.index_at(at_ns)
        return at_ns if index > self._cleared_index else self.meter.end_of(index + 1)

    def _clear(self, unit: Unit, at_ns: int) -> None:
        self.errors.clear()

    def _reset(self, unit: Unit, at_ns: int) -> None:
        headers, verbose = self.headers, self._verbose
        self.power_on(at_ns)
        self.headers, self._verbose = headers, verbose

    def _header_switch(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return self.head(unit.path, str(int(self.headers)))
        self.headers = on_off(unit.argument)
        return None

    def _verbose_switch(self, unit: Unit, at_ns: int) -> str | None:
        if unit.query:
            return self.head(unit.path, str(int(self._verbose)))
        self._verbose = on_off(unit.argument)
        return None

    def _events(self, unit: Unit, at_ns: int) -> str:
        index = self.meter.index_at(at_ns)
        caught = self._filter == "FALL" and index > self._cleared_index
        self._cleared_index = index
        return str(UPDATE_BIT if caught else 0)

    def _set_filter(self, unit: Unit, at_ns: int) -> str | None:
        if unit.suffix is None or not 1 <= unit.suffix <= 16:
            raise CommandError(114)
        if unit.query:
            return self.head(f"STAT:FILT{unit.suffix}", self._filter)
        word = {"NEVER": "NEV"}.get(unit.argument.upper(), unit.argument.upper())
        if word not in {"RISE", "FALL", "BOTH", "NEV"}:
            raise CommandError(141)
        if unit.suffix == 1:
            self._filter = word
            self._cleared_index = self.meter.index_at(at_ns)
        return None

    def _switch(self, unit: Unit) -> str | None:
        if unit.query:
            return self.head(unit.path, self.switches[unit.path])
        word = unit.argument.upper()
        if not word:
            raise CommandError(109)
        if self.switches[unit.path] in {"0", "1"}:
            word = str(int(on_off(word)))
        self.switches[unit.path] = word
        return None


class SharedRanges(YokogawaInstrument):
    """A meter of which all elements share their ranges."""

    @abstractmethod
    def range_text(self, value: float, *, current: bool) -> str:
        """A range as the meter prints it."""

    def range(self, unit: Unit, at_ns: int) -> str | None:
        """``VOLT:RANG`` and ``CURR:RANG``."""
        current, setup = unit.path.startswith("CURR"), self.meter.setup
        if unit.query:
            value = setup.current_range_a if current else setup.voltage_range_v
            return self.head(unit.path, self.range_text(value, current=current))
        self.set_range(self.meter, current, unit.argument, at_ns)
        return None

    def auto(self, unit: Unit, at_ns: int) -> str | None:
        """``VOLT:AUTO`` and ``CURR:AUTO``."""
        current, setup = unit.path.startswith("CURR"), self.meter.setup
        if unit.query:
            return self.head(unit.path, str(int(setup.current_auto if current else setup.voltage_auto)))
        set_auto(setup, current, unit.argument)
        return None


def set_auto(setup: Setup, current: bool, argument: str) -> None:
    """Auto-range on or off."""
    if current:
        setup.current_auto = on_off(argument)
    else:
        setup.voltage_auto = on_off(argument)


def wt300_condition(peaks: Sequence[tuple[bool, bool]], numbers: Sequence[int]) -> int:
    """Peak bits of elements with these numbers: 7, 10, 13 volts and 8, 11, 14 amperes (IM WT310E-17 p. 7-5)."""
    return sum((v << 7 | a << 8) << 3 * (n - 1) for (v, a), n in zip(peaks, numbers, strict=True))


def peak_over(peaks: Sequence[tuple[bool, bool]], numbers: Sequence[int]) -> int:
    """The same as ``POV?`` has it: U1, I1, U2 … from bit 0."""
    return sum((v | a << 1) << 2 * (n - 1) for (v, a), n in zip(peaks, numbers, strict=True))
