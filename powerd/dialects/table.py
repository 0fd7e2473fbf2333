"""A SCPI meter as a table: what to send, what comes back, what its words for "nothing" are.

A meter that differs from others only by such a table is a driver of a few lines; users describe one more meter in a
TOML file with the same words (``generic-scpi``). The table's messages are the meter's own; ``{value:g}`` in one stands
for the number. Where no document says how a range is set by command, it is set at the meter and named in the
settings; powerd then takes the user's word, or checks it where the meter can be asked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from powerd.dialects import scpi
from powerd.dialects.scpi import Identity, Scpi
from powerd.drivers.base import EMULATED_SERIAL
from powerd.errors import Garbled, Refused
from powerd.model import MeterInfo, Quality, Settings, TimingMode, Values
from powerd.polling import PollTiming
from powerd.transports.base import Transport
from schemas.metrology import Specification, series

FIELDS = {
    "voltage_v": "V",
    "current_a": "A",
    "power_w": "W",
    "power_factor": "",
    "frequency_hz": "Hz",
    "voltage_range_v": "V",
    "current_range_a": "A",
    "-": "",
}
"""What a column of an answer can be, with its unit; ``-`` is a column that is not used."""
LONGEST_NUMBER = 14
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]* +(?=[+-.0-9])")


@dataclass(frozen=True, slots=True)
class Words:
    """How one kind of range is set and asked: messages for a fixed one and for auto, queries for both; "" for none."""

    fixed: str = ""
    auto: str = ""
    range_query: str = ""
    auto_query: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The language of one meter series.

    ``models`` maps the beginning of the model in ``*IDN?`` (upper case, the longest that fits) to the model of the
    accuracy data. ``setup`` is sent as it is; ``rates`` maps intervals in ns to messages. ``errors`` is the query of
    the error queue ("" for none; ``*ESR?`` answers with bits). ``over`` and ``nothing`` are numbers that stand for over
    range and for no data, compared by size with a tolerance of a ten-thousandth; any other that is larger than
    ``largest`` is no number. ``separators`` are the characters that can stand between values, ``scale`` multiplies a
    column, ``pause_s`` is the quiet that the meter needs after each setting. No ``makers``: any maker.
    """

    makers: tuple[str, ...]
    models: Mapping[str, str]
    read: str
    fields: tuple[str, ...]
    setup: tuple[str, ...] = ()
    voltage: Words = Words()
    current: Words = Words()
    rates: Mapping[int, str] = field(default_factory=dict)
    rate_query: str = ""
    errors: str = ":STAT:ERR?"
    over: tuple[float, ...] = ()
    nothing: tuple[float, ...] = ()
    largest: float = 1e7
    separators: str = ","
    scale: Mapping[str, float] = field(default_factory=dict)
    pause_s: float = 0.0


class TableMeter:
    """``powerd.drivers.base.Driver`` for a series that a table describes."""

    timing = TimingMode.POLL
    poll_timing = PollTiming()
    # From the end of an update to its values in an answer: not documented for any of these meters, hence wide.
    delay_ns = 25_000_000
    delay_u95_ns = 25_000_000

    def __init__(
        self, name: str, table: Table, specifications: Mapping[str, Specification] | None = None
    ) -> None:
        self.name = name
        self.table = table
        self._specifications = specifications

    def accepts(self, maker: str, model: str) -> bool:
        """Whether an identity of this maker and model belongs to the series."""
        return self._model(model) is not None and (
            not self.table.makers or maker.upper() in self.table.makers
        )

    def identify(self, port: Transport) -> MeterInfo:
        """``*IDN?`` and nothing else; ``Refused`` for another series."""
        return self.info(Scpi(port).identify(), port.name)

    def info(self, found: Identity, port_name: str) -> MeterInfo:
        """What an identity says; ``Refused`` for another series."""
        model = self._model(found.model)
        if model is None or not self.accepts(found.maker, found.model):
            raise Refused(
                f"{port_name} answers as {found.maker} {found.model}, which driver {self.name} does not speak to "
                f"(it knows {', '.join(self.table.models)}): `powerd probe` finds the driver"
            )
        return MeterInfo(
            driver=self.name,
            maker=found.maker,
            model=model,
            serial=found.serial,
            firmware=found.firmware,
            identity=found.text,
            channels=("1",),
            simulated=found.serial == EMULATED_SERIAL,
        )

    def configure(self, port: Transport, info: MeterInfo, settings: Settings) -> Settings:
        """Set the meter as far as its table can, and read back what it can tell."""
        asked = self._possible(info, settings)
        talk = Scpi(port)
        talk.resync()
        for message in self.setup_messages(asked):
            self._set(talk, message)
        return self._in_force(talk, asked)

    def read(self, port: Transport, settings: Settings) -> tuple[Values, ...]:
        """The values that the meter holds; in step again before ``Garbled``."""
        talk = Scpi(port)
        try:
            return (self.parse(talk.line(self.table.read), settings),)
        except Garbled:
            talk.resync()
            raise

    def answer_bytes(self, settings: Settings) -> int:
        """Question and longest answer with their ends."""
        return len(self.table.read) + 1 + LONGEST_NUMBER * len(self.table.fields) + 2

    def specification(self, info: MeterInfo) -> Specification:
        """Accuracy by the model that answers."""
        known = self._specifications if self._specifications is not None else series(self.name)
        return known[info.model]

    def setup_messages(self, settings: Settings) -> tuple[str, ...]:
        """All messages that make the meter measure as asked."""
        table = self.table
        rate = table.rates.get(settings.interval_ns, "")
        ranges = [
            *_range_messages(table.voltage, settings.voltage_range_v),
            *_range_messages(table.current, settings.current_range_a),
        ]
        return tuple(m for m in (*table.setup, *ranges, rate) if m)

    def parse(self, line: str, settings: Settings) -> Values:
        """An answer as values; ``Garbled`` when count or form cannot be right."""
        columns = re.split(f"[{re.escape(self.table.separators)}]", line)
        if len(columns) != len(self.table.fields):
            raise Garbled(
                f"the answer holds {len(columns)} values where {len(self.table.fields)} were asked for: {line[:60]!r}"
            )
        found = {
            name: self.number(_bare(text)) * self.table.scale.get(name, 1.0)
            for name, text in zip(self.table.fields, columns, strict=True)
            if name != "-"
        }
        volts, amperes = found.get("voltage_range_v"), found.get("current_range_a")
        if not all(r is None or 0 < r <= limit for r, limit in ((volts, 2000.0), (amperes, 200.0))):
            raise Garbled(f"ranges {volts} V and {amperes} A cannot be")
        _must_agree(found, volts or settings.voltage_range_v, amperes or settings.current_range_a)
        return Values(
            channel="1",
            power_w=_finite(found.get("power_w")),
            voltage_v=_finite(found.get("voltage_v")),
            current_a=_finite(found.get("current_a")),
            power_factor=_finite(found.get("power_factor")),
            frequency_hz=_finite(found.get("frequency_hz")),
            voltage_range_v=volts or settings.voltage_range_v,
            current_range_a=amperes or settings.current_range_a,
            crest_factor=settings.crest_factor,
            quality=_quality([found.get(k) for k in ("power_w", "voltage_v", "current_a")]),
        )

    def number(self, text: str) -> float:
        """A column: over range is inf, no data is nan."""
        value = scpi.number(text)
        if _is_one_of(value, self.table.over):
            return math.inf
        if _is_one_of(value, self.table.nothing):
            return math.nan
        if math.isfinite(value) and abs(value) > self.table.largest:
            raise Garbled(f"{text[:30]!r} is no quantity of a wattmeter")
        return value

    def _model(self, model: str) -> str | None:
        fits = [m for m in self.table.models if model.upper().startswith(m)]
        return self.table.models[max(fits, key=len)] if fits else None

    def _possible(self, info: MeterInfo, settings: Settings) -> Settings:
        """What will be set; ``Refused`` for what this model cannot do, before anything is sent."""
        spec = self.specification(info)
        if settings.crest_factor != 3 or settings.channels != ("1",):
            raise Refused(f"driver {self.name} knows one channel, 1, and crest factor 3: leave both out")
        interval = settings.interval_ns
        own = spec.intervals_ns
        if len(own) == 1 and interval > own[0]:
            interval = own[0]  # it cannot be slower: more data than asked for does no harm
        if interval not in own:
            known = ", ".join(f"{ns / 1e9:g} s" for ns in sorted(own))
            raise Refused(f"the {info.model} cannot update every {interval / 1e9:g} s: it offers {known}")
        for what, unit, words, value, ranges in (
            ("voltage range", "V", self.table.voltage, settings.voltage_range_v, spec.voltage_ranges_v),
            ("current range", "A", self.table.current, settings.current_range_a, spec.current_ranges_a),
        ):
            known = ", ".join(f"{r:g}" for r in sorted(ranges))
            if value is not None and not any(math.isclose(value, r, rel_tol=1e-6) for r in ranges):
                raise Refused(
                    f"the {info.model} has no {what} of {value:g} {unit}: choose one of {known} {unit}"
                )
            if value is None and words.fixed and not words.auto:
                raise Refused(f"driver {self.name} knows no auto {what}: choose one of {known} {unit}")
        return replace(settings, interval_ns=interval)

    def _set(self, talk: Scpi, message: str) -> None:
        """Send one setting; ``Refused`` with the meter's own words."""
        talk.send(message)
        if self.table.pause_s:
            talk.drain(self.table.pause_s)
        if not self.table.errors:
            return
        code, words = self.error(talk.line(self.table.errors))
        if code != 0:
            talk.send("*CLS")
            raise Refused(f"the meter refused {message!r}: error {code}{f', {words}' if words else ''}")

    def error(self, line: str) -> tuple[int, str]:
        """Code and words of an answer to ``errors``; of ``*ESR?`` only the bits that are errors (2 to 5)."""
        code, words = scpi.error_entry(scpi.strip_header(line))
        return (code & 0b111100, words) if self.table.errors == "*ESR?" else (code, words)

    def _in_force(self, talk: Scpi, asked: Settings) -> Settings:
        """What the meter says it does; ``Refused`` when that is not what was asked."""
        volts = self._range(talk, self.table.voltage, asked.voltage_range_v, "voltage range")
        amperes = self._range(talk, self.table.current, asked.current_range_a, "current range")
        if self.table.rate_query:
            seconds = scpi.number(talk.query(self.table.rate_query)[0])
            if not math.isclose(seconds * 1e9, asked.interval_ns, rel_tol=1e-6):
                raise Refused(
                    f"the meter says interval {seconds:g} s after {asked.interval_ns / 1e9:g} s was set"
                )
        return replace(asked, voltage_range_v=volts, current_range_a=amperes)

    def _range(self, talk: Scpi, words: Words, asked: float | None, what: str) -> float | None:
        auto = scpi.boolean(talk.query(words.auto_query)[0]) if words.auto_query else asked is None
        if auto != (asked is None):
            raise Refused(
                f"the meter says {what} {'auto' if auto else 'fixed'} after {asked or 'auto'} was set"
            )
        if asked is None or not words.range_query:
            return asked
        found = scpi.number(talk.query(words.range_query)[0])
        if not math.isclose(found, asked, rel_tol=1e-3):
            raise Refused(f"the meter says {what} {found:g} after {asked:g} was set")
        return asked


def _bare(text: str) -> str:
    """A column without the header, or the name of its quantity, that some settings add."""
    return _NAME.sub("", scpi.strip_header(text), count=1)


def _must_agree(
    found: Mapping[str, float], voltage_range_v: float | None, current_range_a: float | None
) -> None:
    """Volts, amperes and power factor give the watts: a digit that the line lost shows there, and nowhere else.

    Three hundredths of the apparent power and two of the range are more than any of these meters may err.
    """
    names = ("power_w", "voltage_v", "current_a", "power_factor")
    watts, volts, amperes, factor = (found.get(n, math.nan) for n in names)
    if voltage_range_v is None or current_range_a is None:
        return
    if not all(math.isfinite(x) for x in (watts, volts, amperes, factor)):
        return
    allowed = 0.03 * volts * amperes + 0.02 * voltage_range_v * current_range_a
    if abs(abs(watts) - volts * amperes * abs(factor)) > allowed:  # the sign of either may mean lead or lag
        raise Garbled(
            f"{watts:g} W cannot be at {volts:g} V, {amperes:g} A, power factor {factor:g}: was a digit lost?"
        )


def _is_one_of(value: float, marks: tuple[float, ...]) -> bool:
    """Whether a number is one of those that stand for something else; huge ones do so with either sign."""
    return any(math.isclose(abs(value) if mark > 1e5 else value, mark, rel_tol=1e-4) for mark in marks)


def _range_messages(words: Words, value: float | None) -> list[str]:
    text = words.auto if value is None else words.fixed
    return [] if not text else [text.format(value=value) if value is not None else text]


def _quality(values: list[float | None]) -> Quality:
    """inf is over range, nan no data; power factor and frequency may be missing in a good reading."""
    known = [v for v in values if v is not None]
    if any(math.isinf(v) for v in known):
        return Quality.OVERRANGE
    if values[0] is None or any(math.isnan(v) for v in known):
        return Quality.NODATA
    return Quality.NEGATIVE if values[0] < 0 else Quality.GOOD


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
