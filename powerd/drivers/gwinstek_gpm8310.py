"""GW Instek GPM-8310 and GPM-8213 over RS-232 or their USB serial port.

Its command tree is that of the WT310E. Documented: ranges, rates and accuracy (GPM-8310 specification 2022). Seen in
other programs (command list of GPMLink): the groups INPut, NUMeric, RATE, STATus and their words; plain numbers
(``126.86,2.0199,256.07``) ended by CR LF in place of exponents; that about two questions a second are what it answers
reliably, hence updates of 1 s and longer only. Sibling (IM WT310E-17): the words NAN and INF, the items URANge and
IRANge, the form of the error queue, states, mode and timer of the integrator (its group INTEGrate is in the
command list) and the item WH. Inferred: 9600 baud 8N1, identity ``GWInstek,GPM-8310,…``.

Left out, since no document says it: waiting for an update (``:COMM:WAIT``), so it is polled; the bits for a clipped
peak; crest factor 6. Untested on hardware.
"""

from __future__ import annotations

from powerd.dialects import integrator
from powerd.dialects.scpi import Scpi
from powerd.dialects.table import LONGEST_NUMBER, Table, TableMeter, Words
from powerd.model import MeterInfo, Settings, Values
from powerd.polling import PollTiming
from powerd.transports.base import Transport

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
    integrates = True

    def configure(self, port: Transport, info: MeterInfo, settings: Settings) -> Settings:
        """As ``Driver.configure``. An integrator that nobody asked for is left alone, running or not."""
        if not settings.integrator:
            return super().configure(port, info, settings)
        talk = Scpi(port)
        talk.resync()
        integrator.bring_to_rest(talk, self._set)
        in_force = super().configure(port, info, settings)
        integrator.start(talk, self._set)
        return in_force

    def setup_messages(self, settings: Settings) -> tuple[str, ...]:
        """With the watt hours as one item more where they are asked for."""
        messages = super().setup_messages(settings)
        if not settings.integrator:
            return messages
        count = len(ITEMS) + 1
        more = (f":NUM:NORM:NUM {count}", f":NUM:NORM:ITEM{count} {integrator.ITEM},1")
        return (*messages, *more)

    def parse(self, line: str, settings: Settings) -> Values:
        """The watt hours stand behind all else."""
        if not settings.integrator:
            return super().parse(line, settings)
        others, _, hours = line.rpartition(",")
        return integrator.counted(super().parse(others, settings), self.number(hours))

    def answer_bytes(self, settings: Settings) -> int:
        """One number more for the watt hours."""
        return super().answer_bytes(settings) + LONGEST_NUMBER * settings.integrator


DRIVER = GwinstekGpm8310(NAME, TABLE)
