"""Chroma 66202, 66203 and 66204 over their serial or USB port.

Documented (66203/66204 manual): ``FETCh?`` gives the last values of up to ten named quantities, plain numbers joined
by commas; -1 before the first integration is complete, -2 when the range changed in it, -3 for over range or peak;
``CHANnel:ID?``. Documented by SPEC: the shunts of the 66202 (0.01, 0.1, 0.4, 2 A and 20 A). Inferred: 250 ms per
value, voltage ranges, 0.1 % of reading and 0.1 % of range, power factor influence.

Left out, since no document that we have says it: how ranges and rates are set by command (set the ranges at the front
panel and name them in the settings; the driver cannot check them), the error queue, channels 2 to 4. Untested on
hardware.
"""

from __future__ import annotations

from powerd.dialects.table import Table, TableMeter

NAME = "chroma-66200"
TABLE = Table(
    makers=("CHROMA ATE", "CHROMA"),
    models={"66202": "66202", "66203": "66203", "66204": "66204"},
    read="FETC? V,I,W,PF,FREQ",
    fields=("voltage_v", "current_a", "power_w", "power_factor", "frequency_hz"),
    errors="",
    over=(-3.0,),
    nothing=(-1.0, -2.0),
)
DRIVER = TableMeter(NAME, TABLE)
