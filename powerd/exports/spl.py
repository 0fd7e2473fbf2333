"""``spl``: the power log of the official flow, one line per update, losses as the meter gave them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from powerd.exports.base import Export
from powerd.model import Quality, Reading
from schemas.powerlog import format_spl_line
from schemas.units import UnixNs

NAME = "spl"
MEDIA_TYPE = "text/plain; charset=utf-8"


def lines(export: Export) -> Iterator[str]:
    """The samples; the mark is the name of the window."""
    mark = re.sub(r"[,\r\n]+", " ", str(export.window["name"]))
    for at, reading in export.samples:
        yield spl_line(UnixNs(at.ns), reading, mark) + "\n"


def spl_line(at: UnixNs, reading: Reading, mark: str) -> str:
    """One reading; over range is ``inf`` and every other missing quantity ``nan``."""
    values = reading.values
    lost = math.inf if values.quality is Quality.OVERRANGE else math.nan
    watts, volts, amperes, factor = (
        lost if value is None else value
        for value in (values.power_w, values.voltage_v, values.current_a, values.power_factor)
    )
    return format_spl_line(at, watts, volts, amperes, factor, mark)
