"""Yokogawa WT500 over USB-TMC or GPIB; it has no RS-232, so a tty needs a GPIB adapter.

Sources: IM 760201-17 (communication), IM 760201-01 p. 14-8 (accuracy), replies in published PTDaemon logs ("seen").
Nothing here was tried on a real meter by us yet. ``*IDN?`` names the product code: 760203 is the WT500 with three
elements (seen), 760201 and 760202 with one and two (inferred).

Elements have ranges of their own; powerd sets all to the same. A range is asked right behind the data of an update,
since whether it can be an item is not in what we read. Not known, so left out: the measuring mode of an element (the
items are those of true rms whatever the mode), the sum over elements (made by us), and its Ethernet, which is no raw
socket.
"""

from __future__ import annotations

import math

from powerd.dialects import integrator, yokogawa
from powerd.dialects.scpi import Scpi
from powerd.dialects.yokogawa import LONGEST_ITEM, Model, Quantities, YokogawaDriver, range_setting
from powerd.errors import Garbled, Refused
from powerd.model import Settings, Values

NAME = "yokogawa-wt500"
MODELS = {
    "760201": Model("WT500-1", ("1",)),
    "760202": Model("WT500-2", ("1", "2")),
    "760203": Model("WT500-3", ("1", "2", "3")),
}
ITEMS = ("URMS", "IRMS", "P", "LAMB", "FU")
RATES = {
    100_000_000: "100MS",
    200_000_000: "200MS",
    500_000_000: "500MS",
    1_000_000_000: "1S",
    2_000_000_000: "2S",
    5_000_000_000: "5S",
}


class YokogawaWt500(YokogawaDriver):
    """``powerd.drivers.base.Driver`` for the series."""

    name = NAME
    models = MODELS
    rates = RATES

    def setup_messages(self, settings: Settings) -> tuple[str, ...]:
        """Headers are on at power-on (seen), so they go first."""
        items = [f"{item},{channel}" for channel in settings.channels for item in _items(settings)]
        numbered = [f"ITEM{n} {item}" for n, item in enumerate(items, 1)]
        blocks = [numbered[i : i + 5] for i in range(0, len(numbered), 5)]
        return (
            ":COMM:HEAD OFF;:COMM:VERB OFF",
            f":CFAC {settings.crest_factor}",
            range_setting(":VOLT", settings.voltage_range_v, ":ALL"),
            range_setting(":CURR", settings.current_range_a, ":ALL"),
            f":RATE {RATES[settings.interval_ns]}",
            ":MEAS:AVER:STAT OFF;:HOLD OFF",
            *(f":SYNC:ELEM{c} U{c};:FILT:LINE:ELEM{c} OFF" for c in settings.channels),
            f":NUM:FORM ASC;:NUM:NORM:NUM {len(items)}",
            *(":NUM:NORM:" + ";".join(block) for block in blocks),
            ":STAT:FILT1 FALL",
        )

    def state(self, talk: Scpi, asked: Settings) -> Settings:
        """Element by element; ``Refused`` when the elements are not all alike."""
        found = []
        for c in asked.channels:
            ranges = f":VOLT:RANG:ELEM{c}?;:VOLT:AUTO:ELEM{c}?;:CURR:RANG:ELEM{c}?;:CURR:AUTO:ELEM{c}?"
            found.append(yokogawa.in_force(asked, *talk.query(f":CFAC?;{ranges};:RATE?", units=6)))
        if any(f != found[0] for f in found):
            raise Refused("the elements of the meter are on different ranges after the same was set for all")
        return found[0]

    def question(self, settings: Settings) -> str:
        """Wait for the update, ask for its data, the ranges and the clipped peaks, and arm for the next."""
        ranges = "".join(f";:VOLT:RANG:ELEM{c}?;:CURR:RANG:ELEM{c}?" for c in settings.channels)
        return f"COMM:WAIT 1;:NUM:NORM:VAL?{ranges};:POV?;:STAT:EESR?"

    def parse(self, line: str, settings: Settings) -> tuple[Values, ...]:
        """Values of all channels, two ranges for each, peaks (U1, I1, U2 … from bit 0) and the event register."""
        channels = settings.channels
        units = line.split(";")
        if len(units) != 3 + 2 * len(channels):
            raise Garbled(f"the answer {line[:60]!r} holds {len(units)} units, not {3 + 2 * len(channels)}")
        size = len(_items(settings))
        found = yokogawa.numbers(units[0], size * len(channels), line)
        ranges = [yokogawa.numbers(u, 1, line)[0] for u in units[1:-2]]
        peaks, _ = yokogawa.registers(units[-2:], line)
        parts = []
        for i, channel in enumerate(channels):
            volts, amperes, watts, factor, hertz, *hours = found[i * size : (i + 1) * size]
            clipped = peaks >> 2 * (int(channel) - 1)
            clipped_v, clipped_a = bool(clipped & 1), bool(clipped & 2)
            quantities = Quantities(
                volts, amperes, watts, factor, hertz, ranges[2 * i], ranges[2 * i + 1], clipped_v, clipped_a
            )
            values = yokogawa.values(channel, quantities, settings)
            parts.append(integrator.counted(values, hours[0] if hours else math.nan))
        return tuple(parts)

    def longest_answer(self, settings: Settings) -> int:
        """All items, two ranges for each channel, registers and CR LF."""
        return LONGEST_ITEM * (len(_items(settings)) + 2) * len(settings.channels) + len("65535;65535\r\n")


def _items(settings: Settings) -> tuple[str, ...]:
    return (*ITEMS, integrator.ITEM) if settings.integrator else ITEMS


DRIVER = YokogawaWt500()
