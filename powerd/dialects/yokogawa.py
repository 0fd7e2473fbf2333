"""What drivers of the Yokogawa WT series share: who answers, setting with the error queue, waiting, qualities.

The grammar common to WT210, WT3xx and WT500 is that of IM WT310E-17, IM 760201-17 and, for the WT210, of other
programs that drive it. Waiting for data: ``:STATus:FILTer1 FALL`` and the event register cleared, then
``:COMMunicate:WAIT 1`` holds the meter's parser until the update bit falls (IM 760201-17 section 4.5).
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from powerd import drivers
from powerd.dialects import integrator, scpi
from powerd.dialects.scpi import Scpi
from powerd.drivers.base import EMULATED_SERIAL
from powerd.errors import Garbled, Refused
from powerd.model import MeterInfo, Quality, Settings, TimingMode, Values
from powerd.transports.base import Transport
from schemas.metrology import Specification, series

_REGISTER = re.compile(r"\d{1,5}\Z", re.ASCII)
LONGEST_ITEM = len("-0.0000E+00,")


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a series: its name, and the numbers of its elements."""

    name: str
    elements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quantities:
    """Numbers of one element as the meter gave them: nan is no data, inf is over range."""

    volts: float
    amperes: float
    watts: float
    factor: float
    hertz: float
    voltage_range_v: float
    current_range_a: float
    clipped_v: bool
    clipped_a: bool


class YokogawaDriver(ABC):
    """``powerd.drivers.base.Driver`` but for the words of a series, which a subclass brings."""

    name: ClassVar[str]
    models: ClassVar[Mapping[str, Model]]
    """By the model field of ``*IDN?``, in capitals."""
    rates: ClassVar[Mapping[int, str]]
    """How an update interval in nanoseconds is written."""
    integrates = True
    integrator_tells_state: ClassVar[bool] = True
    timing = TimingMode.WAIT
    # From the update to the first byte: 5 to 30 ms in other programs' experience (inferred, not documented).
    delay_ns = 17_500_000
    delay_u95_ns = 12_500_000

    @abstractmethod
    def setup_messages(self, settings: Settings) -> tuple[str, ...]:
        """The messages that make the meter measure as asked, each far below its buffer of 256 bytes."""

    @abstractmethod
    def state(self, talk: Scpi, asked: Settings) -> Settings:
        """What is in force, read back."""

    @abstractmethod
    def question(self, settings: Settings) -> str:
        """The message that waits for the update, asks for its data and arms for the next."""

    @abstractmethod
    def parse(self, line: str, settings: Settings) -> tuple[Values, ...]:
        """The answer to ``question`` as values; ``Garbled`` when count, form or ranges cannot be right."""

    @abstractmethod
    def longest_answer(self, settings: Settings) -> int:
        """Upper bound of the characters of an answer."""

    def accepts(self, maker: str, model: str) -> bool:
        """Whether an identity of this maker and model belongs to the series."""
        return maker.upper() == "YOKOGAWA" and model.upper() in self.models

    def identify(self, port: Transport) -> MeterInfo:
        """``*IDN?`` only. The E series in emulation mode answers as the older series with firmware ``…EM``."""
        found = Scpi(port).identify()
        if not self.accepts(found.maker, found.model):
            other = drivers.for_model(found.maker, found.model)
            advice = f"use driver {other}" if other else f"known drivers: {', '.join(drivers.names())}"
            raise Refused(
                f"{port.name} answers as {found.maker} {found.model}, which driver {self.name} does not speak to "
                f"(it knows {', '.join(self.models)}): {advice}"
            )
        model = self.models[found.model.upper()]
        return MeterInfo(
            driver=self.name,
            maker=found.maker,
            model=model.name,
            serial=found.serial,
            firmware=found.firmware,
            identity=found.text,
            channels=model.elements,
            simulated=found.serial == EMULATED_SERIAL,
        )

    def configure(self, port: Transport, info: MeterInfo, settings: Settings) -> Settings:
        """Set the meter, read its error queue after each step, and read the state back.

        An integrator that nobody asked for is left alone, running or not.
        """
        self._check(info, settings)
        talk = Scpi(port)
        talk.resync()
        if settings.integrator:
            integrator.bring_to_rest(talk, set_one, knows_state=self.integrator_tells_state)
            talk.resync()
        for message in self.setup_messages(settings):
            set_one(talk, message)
        in_force = must_agree(settings, self.state(talk, settings))
        talk.line(":STAT:EESR?")
        if settings.integrator:
            integrator.start(talk, set_one)
        return in_force

    def read(self, port: Transport, settings: Settings) -> tuple[Values, ...]:
        """Wait for the update and return it, one ``Values`` per channel; in step again before ``Garbled``."""
        talk = Scpi(port)
        try:
            line = talk.line(self.question(settings), deadline_s=settings.interval_ns / 1e9 + 1.0)
            return self.parse(line, settings)
        except Garbled:
            talk.resync()
            raise

    def answer_bytes(self, settings: Settings) -> int:
        """Message, its LF, and the longest answer."""
        return len(self.question(settings)) + 1 + self.longest_answer(settings)

    def specification(self, info: MeterInfo) -> Specification:
        """Accuracy by the model that answers; an E model in emulation mode counts as the older model."""
        return series(self.name)[info.model]

    def _check(self, info: MeterInfo, settings: Settings) -> None:
        """``Refused`` for what this model cannot do, before anything is sent."""
        spec = self.specification(info)
        volts, amperes = spec.with_crest_factor(settings.crest_factor)
        if settings.crest_factor not in {3, 6}:
            raise Refused(
                f"crest factor {settings.crest_factor} is not one of the {info.model}: write 3 or 6"
            )
        _one_of("voltage range", "V", settings.voltage_range_v, volts, info.model)
        _one_of("current range", "A", settings.current_range_a, amperes, info.model)
        if settings.interval_ns not in self.rates or settings.interval_ns not in spec.intervals_ns:
            known = ", ".join(f"{ns / 1e9:g} s" for ns in sorted(self.rates))
            raise Refused(
                f"the {info.model} cannot update every {settings.interval_ns / 1e9:g} s: it offers {known}"
            )
        strange = [c for c in settings.channels if c not in info.channels]
        if strange or not settings.channels:
            raise Refused(
                f"the {info.model} has no element {', '.join(strange) or '(none named)'}: "
                f"its elements are {', '.join(info.channels)}"
            )


def set_one(talk: Scpi, message: str) -> None:
    """Send one setting; ``Refused`` with the meter's own words."""
    talk.send(message)
    code, words = talk.next_error()
    if code != 0:
        talk.send("*CLS")
        raise Refused(f"the meter refused {message!r}: error {code}{f', {words}' if words else ''}")


def must_agree(asked: Settings, got: Settings) -> Settings:
    """What is in force; ``Refused`` when the meter took another value than asked."""
    pairs = (
        ("crest factor", asked.crest_factor, got.crest_factor),
        ("voltage range", asked.voltage_range_v, got.voltage_range_v),
        ("current range", asked.current_range_a, got.current_range_a),
        ("interval", asked.interval_ns, got.interval_ns),
    )
    for what, wanted, found in pairs:
        if not _same(wanted, found):
            raise Refused(f"the meter says {what} {found or 'auto'} after {wanted or 'auto'} was set")
    return got


def in_force(
    asked: Settings, crest: str, volts: str, volts_auto: str, amperes: str, amperes_auto: str, rate: str
) -> Settings:
    """Settings out of the answers to single queries; ``Garbled`` for what is none."""
    return replace(
        asked,
        interval_ns=round(scpi.number(rate) * 1e9),
        voltage_range_v=None if scpi.boolean(volts_auto) else scpi.number(volts),
        current_range_a=None if scpi.boolean(amperes_auto) else scpi.number(amperes),
        crest_factor=int(scpi.number(crest)),
    )


def range_setting(path: str, value: float | None, suffix: str = "") -> str:
    """A fixed range, or auto-range for None."""
    if value is None:
        return f"{path}:AUTO{suffix} ON"
    return f"{path}:AUTO{suffix} OFF;{path}:RANG{suffix} {value:g}"


def registers(fields: Sequence[str], line: str) -> list[int]:
    """Decimal registers; ``Garbled`` when one is none."""
    if not all(_REGISTER.match(f.strip()) for f in fields):
        raise Garbled(f"the answer {line[:60]!r} does not end in registers")
    return [int(f) for f in fields]


def numbers(text: str, wanted: int | None, line: str) -> list[float]:
    """Comma-separated numbers; ``Garbled`` when there are not ``wanted`` of them."""
    found = [scpi.number(f) for f in text.split(",")]
    if wanted is not None and len(found) != wanted:
        raise Garbled(f"the answer holds {len(found)} values where {wanted} were asked for: {line[:60]!r}")
    return found


def values(channel: str, q: Quantities, settings: Settings) -> Values:
    """One element's numbers as values; ``Garbled`` for ranges that cannot be."""
    if not all(math.isfinite(r) and r > 0 for r in (q.voltage_range_v, q.current_range_a)):
        raise Garbled(f"ranges {q.voltage_range_v:g} V and {q.current_range_a:g} A cannot be")
    # A clipped peak makes a quantity too low by nobody knows how much, so it counts as over range.
    volts = _or_over(q.volts, q.clipped_v)
    amperes = _or_over(q.amperes, q.clipped_a)
    watts = _or_over(q.watts, q.clipped_v or q.clipped_a)
    return Values(
        channel=channel,
        power_w=_finite(watts),
        voltage_v=_finite(volts),
        current_a=_finite(amperes),
        power_factor=_finite(q.factor),
        frequency_hz=_finite(q.hertz),
        voltage_range_v=q.voltage_range_v,
        current_range_a=q.current_range_a,
        crest_factor=settings.crest_factor,
        quality=_quality((volts, amperes, watts)),
    )


def _quality(measured: Iterable[float]) -> Quality:
    """NAN is no data; INF is over range; power factor and frequency may be missing in a good reading."""
    found = tuple(measured)
    if any(math.isinf(x) for x in found):
        return Quality.OVERRANGE
    if any(math.isnan(x) for x in found):
        return Quality.NODATA
    return Quality.NEGATIVE if found[-1] < 0 else Quality.GOOD


def _or_over(value: float, clipped: bool) -> float:
    return math.inf if clipped and math.isfinite(value) else value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _one_of(what: str, unit: str, value: float | None, ranges: tuple[float, ...], model: str) -> None:
    if value is not None and not any(math.isclose(value, r, rel_tol=1e-6) for r in ranges):
        known = ", ".join(f"{r:g}" for r in sorted(ranges))
        raise Refused(f"the {model} has no {what} of {value:g} {unit}: choose one of {known} {unit}, or auto")


def _same(wanted: float | None, found: float | None) -> bool:
    if wanted is None or found is None:
        return wanted is found
    return math.isclose(wanted, found, rel_tol=1e-6)
