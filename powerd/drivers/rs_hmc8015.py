"""Rohde & Schwarz HMC8015 over its virtual serial port or TCP.

Seen in other programs: ``CHAN1:MEAS:FUNC`` lists up to ten quantities, ``CHAN1:MEAS:DATA?`` answers with them joined by
commas; URANge and IRANge are quantities; auto-range ``CHAN1:VOLT:RANG:AUTO 1`` and the same for CURR, half a second to
settle. Inferred: identity ``Rohde&Schwarz,HMC8015,…``, 100 ms per value, SCPI's 9.91E37 and 9.9E37, ranges, 0.05 % of
reading and 0.05 % of range, power factor influence.

Left out, since no document that we have says it: how a fixed range is set by command (set it at the front panel and
name it in the settings: every answer tells the range that it was measured on), the error queue. Untested on hardware.
"""

from __future__ import annotations

from powerd.dialects.table import Table, TableMeter

NAME = "rs-hmc8015"
TABLE = Table(
    makers=("ROHDE&SCHWARZ", "ROHDE & SCHWARZ", "HAMEG"),
    models={"HMC8015": "HMC8015"},
    setup=("CHAN1:MEAS:FUNC URMS,IRMS,P,LAMB,FU,URAN,IRAN",),
    read="CHAN1:MEAS:DATA?",
    fields=(
        "voltage_v",
        "current_a",
        "power_w",
        "power_factor",
        "frequency_hz",
        "voltage_range_v",
        "current_range_a",
    ),
    errors="",
    pause_s=0.1,
)
DRIVER = TableMeter(NAME, TABLE)
