"""Yokogawa WT310, WT310HC, WT332, WT333 and their E models over RS-232 (or any line that carries their text).

Sources: IM WT310-17 and IM WT310E-17 (communication), IM WT310E-01 p. 2-7 (ranges), identities and replies as
they stand in published PTDaemon logs. Facts that only a sibling's manual or other programs attest are marked
"sibling" and "seen"; nothing here was tried on a real meter by us yet.

Menu of the meter: RS-232, 9600 baud (57600 for updates every 100 ms), 8 data bits, no parity, 1 stop bit, no
handshake, command type WT300. The cable is a null-modem cable.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from powerd import drivers
from powerd.dialects import scpi
from powerd.dialects.scpi import Scpi
from powerd.errors import Garbled, Refused
from powerd.model import MeterInfo, Quality, Settings, TimingMode, Values
from powerd.transports.base import Transport
from schemas.metrology import Specification, series

NAME = "yokogawa-wt300"
EMULATED_SERIAL = "EDGEWATT-EMULATED"


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the series: its name in ``*IDN?`` and the numbers of its elements."""

    name: str
    elements: tuple[str, ...]


# WT332 has elements 1 and 3, not 2 (IM WT310E-01).
MODELS = {
    m.name: m
    for m in (
        Model("WT310", ("1",)),
        Model("WT310E", ("1",)),
        Model("WT310EH", ("1",)),
        Model("WT310HC", ("1",)),
        Model("WT332", ("1", "3")),
        Model("WT332E", ("1", "3")),
        Model("WT333", ("1", "2", "3")),
        Model("WT333E", ("1", "2", "3")),
    )
}
ITEMS = ("U", "I", "P", "LAMB", "FU", "URAN", "IRAN")
"""Numeric items per element; the ranges are items, so they belong to the very data set (sibling: IM 760201-17)."""
RATES = {
    100_000_000: "100MS",
    250_000_000: "250MS",
    500_000_000: "500MS",
    1_000_000_000: "1S",
    2_000_000_000: "2S",
    5_000_000_000: "5S",
}
READ = "COMM:WAIT 1;:NUM:NORM:VAL?;:STAT:COND?;:STAT:EESR?"
"""Wait for the falling edge of the update bit, answer its data, and arm for the next edge, in one message.

WAIT with filter 1 FALL is described in IM 760201-17 section 4.5 (sibling) and used over serial lines by other
programs (seen). The register is cleared after the data: an update that passes while the line is busy is then
answered at once, not lost. A clipped peak leaves the values finite and too low; only the peak bits of the
condition register tell (7, 10, 13 volts and 8, 11, 14 amperes of elements 1, 2, 3; IM WT310E-17 p. 7-5). They
are those of the data just read. ``POV?`` says the same, but only a sibling's manual attests it.
"""
_REGISTER = re.compile(r"\d{1,5}\Z", re.ASCII)
LONGEST_ITEM = len("-0.0000E+00,")
_STATE = ":CFAC?;:VOLT:RANG?;:VOLT:AUTO?;:CURR:RANG?;:CURR:AUTO?;:RATE?"


class YokogawaWt300:
    """``powerd.drivers.base.Driver`` for the series."""

    name = NAME
    timing = TimingMode.WAIT
    # From the update to the first byte: 5 to 30 ms in other programs' experience (inferred, not documented).
    delay_ns = 17_500_000
    delay_u95_ns = 12_500_000

    def accepts(self, maker: str, model: str) -> bool:
        """Whether an identity of this maker and model belongs to the series."""
        return maker.upper() == "YOKOGAWA" and model.upper() in MODELS

    def identify(self, port: Transport) -> MeterInfo:
        """``*IDN?`` only. The E series in emulation mode answers as the older series with firmware ``…EM``."""
        found = Scpi(port).identify()
        if not self.accepts(found.maker, found.model):
            other = drivers.for_model(found.maker, found.model)
            advice = f"use driver {other}" if other else f"known drivers: {', '.join(drivers.names())}"
            raise Refused(
                f"{port.name} answers as {found.maker} {found.model}, which driver {NAME} does not speak to "
                f"(it knows {', '.join(MODELS)}): {advice}"
            )
        model = MODELS[found.model.upper()]
        return MeterInfo(
            driver=NAME,
            maker=found.maker,
            model=model.name,
            serial=found.serial,
            firmware=found.firmware,
            identity=found.text,
            channels=model.elements,
            simulated=found.serial == EMULATED_SERIAL,
        )

    def configure(self, port: Transport, info: MeterInfo, settings: Settings) -> Settings:
        """Set the meter, read its error queue after each step, and read the state back."""
        self._check(info, settings)
        talk = Scpi(port)
        talk.resync()
        for message in setup_messages(settings):
            _set(talk, message)
        in_force = _state(talk, settings)
        talk.line(":STAT:EESR?")
        return in_force

    def read(self, port: Transport, settings: Settings) -> tuple[Values, ...]:
        """Wait for the update and return it, one ``Values`` per channel; in step again before ``Garbled``."""
        talk = Scpi(port)
        try:
            line = talk.line(READ, deadline_s=settings.interval_ns / 1e9 + 1.0)
            return parse(line, settings)
        except Garbled:
            talk.resync()
            raise

    def answer_bytes(self, settings: Settings) -> int:
        """Message, its LF, the longest answer, the registers and CR LF."""
        return len(READ) + 1 + LONGEST_ITEM * len(ITEMS) * len(settings.channels) + len("65535;65535\r\n")

    def specification(self, info: MeterInfo) -> Specification:
        """Accuracy by the model that answers; an E model in emulation mode counts as the older model."""
        return series(NAME)[info.model]

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
        if settings.interval_ns not in RATES or settings.interval_ns not in spec.intervals_ns:
            known = ", ".join(f"{ns / 1e9:g} s" for ns in sorted(RATES))
            raise Refused(
                f"the {info.model} cannot update every {settings.interval_ns / 1e9:g} s: it offers {known}"
            )
        strange = [c for c in settings.channels if c not in info.channels]
        if strange or not settings.channels:
            raise Refused(
                f"the {info.model} has no element {', '.join(strange) or '(none named)'}: "
                f"its elements are {', '.join(info.channels)}"
            )


def setup_messages(settings: Settings) -> tuple[str, ...]:
    """The messages that make the meter measure as asked, each far below its buffer of 256 bytes."""
    items = [f"{item},{channel}" for channel in settings.channels for item in ITEMS]
    numbered = [f"ITEM{n} {item}" for n, item in enumerate(items, 1)]
    blocks = [numbered[i : i + 7] for i in range(0, len(numbered), 7)]
    return (
        # Headers are on at power-on (seen), so they go first.
        ":COMM:HEAD OFF;:COMM:VERB OFF",
        f":CFAC {settings.crest_factor}",
        _range("VOLT", settings.voltage_range_v),
        _range("CURR", settings.current_range_a),
        f":RATE {RATES[settings.interval_ns]}",
        ":MEAS:AVER OFF;:HOLD OFF",
        # Voltage synchronisation: with a small current there is no period to find (IM WT310E-01).
        ":MODE RMS;:SYNC VOLT;:FILT:LINE OFF",
        f":NUM:FORM ASC;:NUM:NORM:NUM {len(items)}",
        *(":NUM:NORM:" + ";".join(block) for block in blocks),
        ":STAT:FILT1 FALL",
    )


def parse(line: str, settings: Settings) -> tuple[Values, ...]:
    """The answer to ``READ`` as values; ``Garbled`` when count, form or ranges cannot be right."""
    data, *registers = line.split(";")
    if len(registers) != 2 or not all(_REGISTER.match(r.strip()) for r in registers):
        raise Garbled(f"the answer {line[:60]!r} does not end in the condition and event registers")
    condition = int(registers[0])
    numbers = [scpi.number(f) for f in data.split(",")]
    wanted = len(ITEMS) * len(settings.channels)
    if len(numbers) != wanted:
        raise Garbled(f"the answer holds {len(numbers)} values where {wanted} were asked for: {line[:60]!r}")
    size = len(ITEMS)
    return tuple(
        _values(channel, numbers[i * size : (i + 1) * size], condition, settings)
        for i, channel in enumerate(settings.channels)
    )


def _values(channel: str, numbers: list[float], condition: int, settings: Settings) -> Values:
    peaks = condition >> 7 + 3 * (int(channel) - 1)
    volts, amperes, watts, factor, hertz, volt_range, ampere_range = numbers
    if not (
        math.isfinite(volt_range) and math.isfinite(ampere_range) and volt_range > 0 and ampere_range > 0
    ):
        raise Garbled(f"ranges {volt_range:g} V and {ampere_range:g} A cannot be")
    # A clipped peak makes a quantity too low by nobody knows how much, so it counts as over range.
    volts = _or_over(volts, peaks & 1)
    amperes = _or_over(amperes, peaks & 2)
    watts = _or_over(watts, peaks & 3)
    return Values(
        channel=channel,
        power_w=_finite(watts),
        voltage_v=_finite(volts),
        current_a=_finite(amperes),
        power_factor=_finite(factor),
        frequency_hz=_finite(hertz),
        voltage_range_v=volt_range,
        current_range_a=ampere_range,
        crest_factor=settings.crest_factor,
        quality=_quality(volts, amperes, watts),
    )


def _quality(volts: float, amperes: float, watts: float) -> Quality:
    """NAN is no data; INF is over range; power factor and frequency may be missing in a good reading."""
    if any(math.isinf(x) for x in (volts, amperes, watts)):
        return Quality.OVERRANGE
    if any(math.isnan(x) for x in (volts, amperes, watts)):
        return Quality.NODATA
    return Quality.NEGATIVE if watts < 0 else Quality.GOOD


def _or_over(value: float, clipped: int) -> float:
    return math.inf if clipped and math.isfinite(value) else value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _range(what: str, value: float | None) -> str:
    return f":{what}:AUTO ON" if value is None else f":{what}:AUTO OFF;:{what}:RANG {value:g}"


def _one_of(what: str, unit: str, value: float | None, ranges: tuple[float, ...], model: str) -> None:
    if value is not None and not any(math.isclose(value, r, rel_tol=1e-6) for r in ranges):
        known = ", ".join(f"{r:g}" for r in sorted(ranges))
        raise Refused(f"the {model} has no {what} of {value:g} {unit}: choose one of {known} {unit}, or auto")


def _set(talk: Scpi, message: str) -> None:
    """Send one setting; ``Refused`` with the meter's own words."""
    talk.send(message)
    code, words = talk.next_error()
    if code != 0:
        talk.send("*CLS")
        raise Refused(f"the meter refused {message!r}: error {code}{f', {words}' if words else ''}")


def _state(talk: Scpi, asked: Settings) -> Settings:
    """What is in force, read back; ``Refused`` when the meter took another value than asked."""
    crest, volt_range, volt_auto, amp_range, amp_auto, rate = talk.query(_STATE, units=6)
    got = replace(
        asked,
        interval_ns=round(scpi.number(rate) * 1e9),
        voltage_range_v=None if scpi.boolean(volt_auto) else scpi.number(volt_range),
        current_range_a=None if scpi.boolean(amp_auto) else scpi.number(amp_range),
        crest_factor=int(scpi.number(crest)),
    )
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


def _same(wanted: float | None, found: float | None) -> bool:
    if wanted is None or found is None:
        return wanted is found
    return math.isclose(wanted, found, rel_tol=1e-6)


DRIVER = YokogawaWt300()
