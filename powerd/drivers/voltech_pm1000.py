"""Voltech PM1000+ over RS-232, and the Tektronix PA1000, its successor.

Documented (PM1000+ user manual p. 47): LF ends both directions; one instruction per line; half a second between
settings; a result about every half second; ``:SEL:CLR``, ``:SEL:VLT`` … choose what ``:FRD?`` answers, in the order of
choosing, joined by commas; a range change costs an update; auto-zero once a minute costs about a second of results.
Documented (p. 79): volts 0.1 % of reading, 0.1 % of range and 4 mV; amperes 0.1 %, 0.1 % and 1 mA; ranges 215 V and
6.25 A of the example. Watts by total differential of the two: 0.2 % of reading and at most 0.2 % of the product of
the ranges.
Inferred: identity, the other ranges, no power factor influence beyond that.

Left out, since no document that we have says it: how ranges are set by command and auto-zero is switched off (do both
at the front panel and name the ranges in the settings), what it answers over range, an error queue. Untested
on hardware.
"""

from __future__ import annotations

from powerd.dialects.table import Table, TableMeter
from powerd.polling import PollTiming

NAME = "voltech-pm1000"
TABLE = Table(
    makers=("VOLTECH", "TEKTRONIX"),
    models={"PM1000": "PM1000+", "PA1000": "PA1000", "PA 1000": "PA1000"},
    setup=(":SEL:CLR", ":SEL:VLT", ":SEL:AMP", ":SEL:WAT", ":SEL:PWF", ":SEL:FRQ"),
    read=":FRD?",
    fields=("voltage_v", "current_a", "power_w", "power_factor", "frequency_hz"),
    errors="",
    pause_s=0.5,
)


class VoltechPm1000(TableMeter):
    """``powerd.drivers.base.Driver`` for the series; its half second is "approximately" one."""

    poll_timing = PollTiming(tolerance=0.05)


DRIVER = VoltechPm1000(NAME, TABLE)
