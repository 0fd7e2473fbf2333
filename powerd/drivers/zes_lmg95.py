"""ZES Zimmer LMG95 over RS-232 (COM A), which sends a line for every cycle by itself.

Seen in working programs (lmgtools, 2026): 115200 baud 8N1, RTS/CTS, echo off, terminator CR LF, straight cable; the
short language (``syst:lang short``), cycle time ``CYCL``, ranges ``iam``/``irng`` and ``uam``/``urng``, ``actn;…``
as the list of what is sent and ``cont on`` to send it once per cycle, values joined by ``;``; 9.91E37 for no data and
9.9E37 for too much; the example values of a line. Documented for the sibling LMG450 (manual, section 12.1.1): power
0.07 % of reading and 0.04 % of the range of peak power, which is five times the product of the nominal ranges.

Inferred: ranges. Left out, since no document that we have says it: the accuracy table of the LMG95 itself (the
LMG450 is the less accurate sibling), what the meter answers about its ranges and errors in the short language (so
settings are not read back), the break that lmgtools sends first. We do not drive RTS/CTS: lines are short and few.
Untested on hardware.
"""

from __future__ import annotations

from powerd.dialects.scpi import Scpi, decode
from powerd.dialects.table import Table, TableMeter, Words
from powerd.errors import Garbled, Gone
from powerd.model import MeterInfo, Settings, TimingMode, Values
from powerd.transports.base import Transport

NAME = "zes-lmg95"
SENT = "actn;count?;cycr?;utrms?;itrms?;p?;pf?;freq?"
TABLE = Table(
    makers=(),
    models={"LMG95": "LMG95"},
    setup=("syst:lang short", "FAAF 0", SENT),
    voltage=Words("uam manual;urng {value:g}", "uam auto"),
    current=Words("iam manual;irng {value:g}", "iam auto"),
    rates={ns: f"CYCL {ns / 1e9:g}" for ns in (100_000_000, 200_000_000, 500_000_000, 1_000_000_000)},
    read="",
    fields=("-", "-", "voltage_v", "current_a", "power_w", "power_factor", "frequency_hz"),
    separators=";",
    errors="",
)


class ZesLmg95(TableMeter):
    """``powerd.drivers.base.Driver`` for the series."""

    timing = TimingMode.PUSH
    bauds = (115200, 9600)

    def configure(self, port: Transport, info: MeterInfo, settings: Settings) -> Settings:
        """Stop the stream, set the meter, and let it send."""
        asked = self._possible(info, settings)
        talk = Scpi(port)
        talk.send("cont off")
        talk.drain(0.5)
        in_force = super().configure(port, info, asked)
        talk.send("cont on")
        return in_force

    def read(self, port: Transport, settings: Settings) -> tuple[Values, ...]:
        """The line of the next cycle."""
        try:
            port.write(b"", 1.0)
            line = decode(port.read_until(b"\n", 2 * settings.interval_ns / 1e9 + 1.0))
            return (self.parse(line, settings),)
        except Garbled:
            _next_line(port)
            raise

    def answer_bytes(self, settings: Settings) -> int:
        """One line; nothing is asked."""
        return 14 * len(self.table.fields) + 2


def _next_line(port: Transport) -> None:
    """In step again: what is left of a broken line is thrown away when the line is quiet."""
    try:
        Scpi(port).drain()
    except (Garbled, Gone):
        return


DRIVER = ZesLmg95(NAME, TABLE)
