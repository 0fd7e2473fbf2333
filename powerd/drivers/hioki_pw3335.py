"""Hioki PW3335 over RS-232: one channel, items without a number; all else as in ``hioki-pw333x``.

Documented: item names and forms (PW3335A985-01). Inferred: its accuracy, +-0.1 % of reading +-0.1 % of full scale,
in the style of the PW3336; SPEC accepts it below 20 A. Untested on hardware.
"""

from __future__ import annotations

from dataclasses import replace

from powerd.dialects.table import TableMeter
from powerd.drivers import hioki_pw333x

NAME = "hioki-pw3335"
TABLE = replace(hioki_pw333x.TABLE, models={"PW3335": "PW3335"}, read=":MEAS? U,I,P,PF,FREQU")
DRIVER = TableMeter(NAME, TABLE)
