"""``spl``: the power log of the official flow, one line per update, losses as the meter gave them."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence

from powerd.added_up import added_up
from powerd.exports.base import Export
from powerd.model import Quality, Reading
from schemas.combine import summed
from schemas.powerlog import format_spl_line
from schemas.units import UnixNs

NAME = "spl"
MEDIA_TYPE = "text/plain; charset=utf-8"


def lines(export: Export) -> Iterator[str]:
    """The samples; the mark is the name of the window.

    Several meters are one line with their sum, which is what the official checker takes from a line, at each update of
    the slowest of them. Unlike in power-dev, which puts lines of equal numbers together, each of the others stands in
    it with its mean over that update's time.
    """
    mark = re.sub(r"[,\r\n]+", " ", str(export.window["name"]))
    if len(export.stored.places) > 1:
        return (spl_line(UnixNs(at.ns), reading, mark) + "\n" for at, reading in added_up(export.samples))
    return _lines(export, mark)


def _lines(export: Export, mark: str) -> Iterator[str]:
    rows = itertools.groupby(export.samples, key=lambda row: (row[0], row[1].sequence))
    for (at, _), group in rows:
        yield spl_line(UnixNs(at.ns), [reading for _, reading in group], mark) + "\n"


def spl_line(at: UnixNs, reading: Reading | Sequence[Reading], mark: str) -> str:
    """One update; over range is ``inf`` and every other missing quantity ``nan``. Channels follow behind their sum."""
    channels = [reading] if isinstance(reading, Reading) else list(reading)
    own = [_numbers(c) for c in channels] if len(channels) > 1 else []
    return format_spl_line(at, *_numbers(summed(channels)), mark, own)


def _numbers(reading: Reading) -> tuple[float, float, float, float]:
    values = reading.values
    lost = math.inf if values.quality is Quality.OVERRANGE else math.nan
    watts, volts, amperes, factor = (
        lost if value is None else value
        for value in (values.power_w, values.voltage_v, values.current_a, values.power_factor)
    )
    return watts, volts, amperes, factor
