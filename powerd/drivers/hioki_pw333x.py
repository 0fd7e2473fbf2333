"""Hioki PW3336 and PW3337 over RS-232; the PW3335, whose items have no channel number, is ``hioki-pw3335``.

Documented (communication manuals PW3335A985-01 and PW3336A987-01; PW3336 datasheet p. 8): the read query with item
names, headers that can be switched off, measured values of ten characters (``+100.02E+0``), +-999.99E+9 for over range,
+-888.88E+9 for a scaling error, +-777.77E+9 for no data; power +-0.1 % of reading +-0.05 % of full scale below half
of it. Documented for the older 3332: ``;`` between the values of an answer until ``:TRANsmit:SEParator`` says
otherwise, words ON and OFF in answers, no answer at all to a query that fails, errors by ``*ESR?``. Inferred: 9600
baud 8N1, identity with three or four fields, a new value every 200 ms.

Left out, since no document that we have says it: the power factor influence and the accuracy of the PW3335 (its figures
are inferred from the same style), channels 2 and 3, averaging, external sensors. Untested on hardware.
"""

from __future__ import annotations

from powerd.dialects.table import Table, TableMeter, Words

NAME = "hioki-pw333x"
TABLE = Table(
    makers=("HIOKI",),
    models={"PW3336": "PW3336", "PW3337": "PW3337"},
    setup=(":HEAD OFF",),
    voltage=Words(":VOLT:AUTO OFF;:VOLT:RANG {value:g}", ":VOLT:AUTO ON", ":VOLT:RANG?", ":VOLT:AUTO?"),
    current=Words(":CURR:AUTO OFF;:CURR:RANG {value:g}", ":CURR:AUTO ON", ":CURR:RANG?", ":CURR:AUTO?"),
    read=":MEAS? U1,I1,P1,PF1,FREQU1",
    fields=("voltage_v", "current_a", "power_w", "power_factor", "frequency_hz"),
    errors="*ESR?",
    over=(999.99e9, 888.88e9),
    nothing=(777.77e9,),
    separators=",;",
)
DRIVER = TableMeter(NAME, TABLE)
