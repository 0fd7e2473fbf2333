"""Yokogawa WT210 and WT230 over RS-232 or GPIB, in their 488.2 mode.

Sources: IM 760401-01 (manual: p. 14-32 order of the values, p. 16-4 accuracy), replies in published PTDaemon logs
("seen"), and other programs that drive a WT210 over a serial line ("programs"). Nothing here was tried on a real
meter by us yet.

Menu of the meter (LOCAL key): 488.2 mode, not the old two-letter language; RS-232 at 9600 baud, format 0 (8 data bits,
no parity, 1 stop bit), handshake off; null-modem cable. It goes no faster than 9600 baud, so it cannot be read every
100 ms over RS-232. ``*IDN?`` names the product code: 760401 is the WT210, 760502 and 760503 are the WT230 with two and
three elements (documented), and the serial number is always 0 (seen).

Known with less certainty: that single settings can be asked one by one (programs; the logs show whole groups), that the
condition register has the bits of the WT3xx (programs). Not known, so left out: the names of a WT230-2's elements
(channels are numbered in the order of the answer; a clipped peak of element 2 or 3 counts for its second), whether a
WT230 answers its sum behind its elements (further groups of values are passed over).
"""

from __future__ import annotations

import math

from powerd.dialects import integrator, yokogawa
from powerd.dialects.scpi import Scpi
from powerd.dialects.yokogawa import LONGEST_ITEM, Model, Quantities, YokogawaDriver, range_setting
from powerd.errors import Garbled
from powerd.model import Settings, Values

NAME = "yokogawa-wt200"
MODELS = {
    "760401": Model("WT210", ("1",)),
    "760502": Model("WT230-2", ("1", "2")),
    "760503": Model("WT230-3", ("1", "2", "3")),
}
FUNCTIONS = ("V", "A", "W", "VA", "VAR", "PF", "DEGR", "VHZ", "AHZ", "WH", "WHP", "WHM", "AH", "AHP", "AHM", "TIME",
             "VPK", "APK", "MATH")  # fmt: skip
"""Everything that can be answered, in the order in which it is, whatever the order of switching on (p. 14-32)."""
WANTED = ("V", "A", "W", "PF", "VHZ")
RATES = {
    100_000_000: "0.1",
    250_000_000: "0.25",
    500_000_000: "0.5",
    1_000_000_000: "1",
    2_000_000_000: "2",
    5_000_000_000: "5",
}
READ = "COMM:WAIT 1;:MEAS:VAL?;:CONF:VOLT:RANG?;:CONF:CURR:RANG?;:STAT:COND?;:STAT:EESR?"
"""Wait for the update, answer its data with the ranges, and arm for the next, in one message.

Waiting over a serial line is used by other programs. The ranges are asked right behind the data, as PTDaemon does
(seen), for they are no items of this series.
"""
_STATE = ":CONF:CFAC?;:CONF:VOLT:RANG?;:CONF:VOLT:AUTO?;:CONF:CURR:RANG?;:CONF:CURR:AUTO?;:SAMP:RATE?"
NOTHING = 9e37
"""Watt hours from here on stand for none (9.9E+37 and 9.91E+37)."""
MOST_ELEMENTS = 4
"""Three, and possibly their sum."""


class YokogawaWt200(YokogawaDriver):
    """``powerd.drivers.base.Driver`` for the series."""

    name = NAME
    models = MODELS
    rates = RATES
    integrator_tells_state = False

    def setup_messages(self, settings: Settings) -> tuple[str, ...]:
        """Headers are on at power-on (seen), so they go first."""
        items = [f"{f} {'ON' if f in _wanted(settings) else 'OFF'}" for f in FUNCTIONS]
        return (
            ":COMM:HEAD OFF;:COMM:VERB OFF",
            f":CONF:CFAC {settings.crest_factor}",
            range_setting(":CONF:VOLT", settings.voltage_range_v),
            range_setting(":CONF:CURR", settings.current_range_a),
            f":SAMP:RATE {RATES[settings.interval_ns]};:SAMP:HOLD OFF",
            ":CONF:AVER:STAT OFF",
            ":CONF:MODE RMS;:CONF:SYNC VOLT;:CONF:LFIL OFF",
            *(":MEAS:ITEM:" + ";".join(items[i : i + 10]) for i in range(0, len(items), 10)),
            ":STAT:FILT1 FALL",
        )

    def state(self, talk: Scpi, asked: Settings) -> Settings:
        """By one compound query."""
        return yokogawa.in_force(asked, *talk.query(_STATE, units=6))

    def question(self, settings: Settings) -> str:
        """``READ``."""
        return READ

    def parse(self, line: str, settings: Settings) -> tuple[Values, ...]:
        """Element by element, five values each and the watt hours; both ranges hold for all elements."""
        size = len(_wanted(settings))
        units = line.split(";")
        if len(units) != 5:
            raise Garbled(f"the answer {line[:60]!r} holds {len(units)} units, not 5")
        found = yokogawa.numbers(units[0], None, line)
        ranges = [yokogawa.numbers(u, 1, line)[0] for u in units[1:3]]
        condition, _ = yokogawa.registers(units[3:], line)
        groups, rest = divmod(len(found), size)
        if rest or not max(map(int, settings.channels)) <= groups <= MOST_ELEMENTS:
            raise Garbled(f"the answer holds {len(found)} values, not {size} for each element: {line[:60]!r}")
        parts = []
        for channel in settings.channels:
            at = size * (int(channel) - 1)
            volts, amperes, watts, factor, hertz, *hours = found[at : at + size]
            clipped_v, clipped_a = (bool(condition & bits) for bits in _peak_bits(int(channel), groups))
            # Which element's frequency is measured is a setting; the others have none.
            hertz = hertz if hertz > 0 else math.nan
            quantities = Quantities(
                volts, amperes, watts, factor, hertz, ranges[0], ranges[1], clipped_v, clipped_a
            )
            values = yokogawa.values(channel, quantities, settings)
            known = hours[0] if hours and abs(hours[0]) < NOTHING else math.nan
            parts.append(integrator.counted(values, known))
        return tuple(parts)

    def longest_answer(self, settings: Settings) -> int:
        """The values of all elements and a sum, two ranges, registers and CR LF."""
        elements = 1 if settings.channels == ("1",) else MOST_ELEMENTS
        return LONGEST_ITEM * (len(_wanted(settings)) * elements + 2) + len("65535;65535\r\n")


def _wanted(settings: Settings) -> tuple[str, ...]:
    """In the order in which they are answered: the watt hours come last."""
    return (*WANTED, integrator.ITEM) if settings.integrator else WANTED


def _peak_bits(channel: int, groups: int) -> tuple[int, int]:
    """Bits of the condition register for a clipped voltage and a clipped current of the channel."""
    elements = (2, 3) if channel == 2 and groups == 2 else (channel,)
    volts = sum(1 << 7 + 3 * (e - 1) for e in elements)
    return volts, volts << 1


DRIVER = YokogawaWt200()
