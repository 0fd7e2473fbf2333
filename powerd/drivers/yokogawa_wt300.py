"""Yokogawa WT310, WT310HC, WT332, WT333 and their E models over RS-232 (or any line that carries their text).

Sources: IM WT310-17 and IM WT310E-17 (communication), IM WT310E-01 p. 2-7 (ranges), identities and replies as
they stand in published PTDaemon logs. Facts that only a sibling's manual or other programs attest are marked
"sibling" and "seen"; nothing here was tried on a real meter by us yet.

Menu of the meter: RS-232, 9600 baud (57600 for updates every 100 ms), 8 data bits, no parity, 1 stop bit, no
handshake, command type WT300. The cable is a null-modem cable.

Elements of a WT332 or WT333 are channels with common update clock and ranges; their sum is made by us, since what the
meter's own sigma means depends on a wiring setting that is not ours to change.
"""

from __future__ import annotations

import math

from powerd.dialects import integrator, yokogawa
from powerd.dialects.scpi import Scpi
from powerd.dialects.yokogawa import LONGEST_ITEM, Model, Quantities, YokogawaDriver, range_setting
from powerd.errors import Garbled
from powerd.model import Settings, Values

NAME = "yokogawa-wt300"
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
_STATE = ":CFAC?;:VOLT:RANG?;:VOLT:AUTO?;:CURR:RANG?;:CURR:AUTO?;:RATE?"


class YokogawaWt300(YokogawaDriver):
    """``powerd.drivers.base.Driver`` for the series."""

    name = NAME
    models = MODELS
    rates = RATES

    def setup_messages(self, settings: Settings) -> tuple[str, ...]:
        """See ``setup_messages`` of the module."""
        return setup_messages(settings)

    def state(self, talk: Scpi, asked: Settings) -> Settings:
        """By one compound query."""
        return yokogawa.in_force(asked, *talk.query(_STATE, units=6))

    def question(self, settings: Settings) -> str:
        """``READ``."""
        return READ

    def parse(self, line: str, settings: Settings) -> tuple[Values, ...]:
        """See ``parse`` of the module."""
        return parse(line, settings)

    def longest_answer(self, settings: Settings) -> int:
        """All items, the registers and CR LF."""
        return LONGEST_ITEM * len(items(settings)) * len(settings.channels) + len("65535;65535\r\n")


def items(settings: Settings) -> tuple[str, ...]:
    """The items of an element that are asked for."""
    return (*ITEMS, integrator.ITEM) if settings.integrator else ITEMS


def setup_messages(settings: Settings) -> tuple[str, ...]:
    """The messages that make the meter measure as asked, each far below its buffer of 256 bytes."""
    listed = [f"{item},{channel}" for channel in settings.channels for item in items(settings)]
    numbered = [f"ITEM{n} {item}" for n, item in enumerate(listed, 1)]
    blocks = [numbered[i : i + 7] for i in range(0, len(numbered), 7)]
    return (
        # Headers are on at power-on (seen), so they go first.
        ":COMM:HEAD OFF;:COMM:VERB OFF",
        f":CFAC {settings.crest_factor}",
        range_setting(":VOLT", settings.voltage_range_v),
        range_setting(":CURR", settings.current_range_a),
        f":RATE {RATES[settings.interval_ns]}",
        ":MEAS:AVER OFF;:HOLD OFF",
        # Voltage synchronisation: with a small current there is no period to find (IM WT310E-01).
        ":MODE RMS;:SYNC VOLT;:FILT:LINE OFF",
        f":NUM:FORM ASC;:NUM:NORM:NUM {len(listed)}",
        *(":NUM:NORM:" + ";".join(block) for block in blocks),
        ":STAT:FILT1 FALL",
    )


def parse(line: str, settings: Settings) -> tuple[Values, ...]:
    """The answer to ``READ`` as values; ``Garbled`` when count, form or ranges cannot be right."""
    data, *rest = line.split(";")
    if len(rest) != 2:
        raise Garbled(f"the answer {line[:60]!r} does not end in the condition and event registers")
    condition, _ = yokogawa.registers(rest, line)
    size = len(items(settings))
    found = yokogawa.numbers(data, size * len(settings.channels), line)
    return tuple(
        _values(channel, found[i * size : (i + 1) * size], condition, settings)
        for i, channel in enumerate(settings.channels)
    )


def _values(channel: str, numbers: list[float], condition: int, settings: Settings) -> Values:
    found = yokogawa.values(channel, _quantities(channel, numbers[: len(ITEMS)], condition), settings)
    hours = numbers[len(ITEMS)] if settings.integrator else math.nan
    return integrator.counted(found, hours)


def _quantities(channel: str, numbers: list[float], condition: int) -> Quantities:
    peaks = condition >> 7 + 3 * (int(channel) - 1)
    volts, amperes, watts, factor, hertz, volt_range, ampere_range = numbers
    return Quantities(
        volts, amperes, watts, factor, hertz, volt_range, ampere_range, bool(peaks & 1), bool(peaks & 2)
    )


DRIVER = YokogawaWt300()
