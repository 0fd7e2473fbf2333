"""GW Instek GPM-8310 and GPM-8213 over RS-232 or their USB serial port.

Its command tree is that of the WT310E. Documented: ranges, rates and accuracy (GPM-8310 specification 2022). Seen in
other programs (command list of GPMLink): the groups INPut, NUMeric, RATE, STATus and their words; plain numbers
(``126.86,2.0199,256.07``) ended by CR LF in place of exponents; that about two questions a second are what it answers
reliably, hence updates of 1 s and longer only. Sibling (IM WT310E-17): the words NAN and INF, the items URANge and
IRANge, the form of the error queue. Inferred: 9600 baud 8N1, identity ``GWInstek,GPM-8310,…``.

Left out, since no document says it: waiting for an update (``:COMM:WAIT``), so it is polled; the bits for a clipped
peak; crest factor 6. Untested on hardware.
"""

from __future__ import annotations

from powerd.dialects.table import Table, TableMeter, Words
from powerd.polling import PollTiming

NAME = "gwinstek-gpm8310"
ITEMS = ("U,1", "I,1", "P,1", "LAMB,1", "FU,1", "URAN,1", "IRAN,1")
TABLE = Table(
    makers=("GWINSTEK", "GW INSTEK", "GW.INC"),
    models={"GPM-8310": "GPM-8310", "GPM8310": "GPM-8310", "GPM-8213": "GPM-8213", "GPM8213": "GPM-8213"},
    setup=(
        ":COMM:HEAD OFF",
        ":CFAC 3",
        ":MEAS:AVER OFF",
        ":MODE RMS;:SYNC VOLT;:FILT:LINE OFF",
        f":NUM:FORM ASC;:NUM:NORM:NUM {len(ITEMS)}",
        *(f":NUM:NORM:ITEM{n} {item}" for n, item in enumerate(ITEMS, 1)),
    ),
    voltage=Words(":VOLT:AUTO OFF;:VOLT:RANG {value:g}", ":VOLT:AUTO ON", ":VOLT:RANG?", ":VOLT:AUTO?"),
    current=Words(":CURR:AUTO OFF;:CURR:RANG {value:g}", ":CURR:AUTO ON", ":CURR:RANG?", ":CURR:AUTO?"),
    rates={n * 1_000_000_000: f":RATE {n}S" for n in (1, 2, 5)},
    rate_query=":RATE?",
    read=":NUM:NORM:VAL?",
    fields=(
        "voltage_v",
        "current_a",
        "power_w",
        "power_factor",
        "frequency_hz",
        "voltage_range_v",
        "current_range_a",
    ),
)


class GwinstekGpm8310(TableMeter):
    """``powerd.drivers.base.Driver`` for the series."""

    poll_timing = PollTiming(shortest_ns=440_000_000)


DRIVER = GwinstekGpm8310(NAME, TABLE)
