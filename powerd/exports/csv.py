"""``csv``: one row per sample for spreadsheets and data frames; losses as the meter gave them, else empty cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from powerd.exports.base import Export
from schemas.units import UnixNs, format_rfc3339

NAME = "csv"
MEDIA_TYPE = "text/csv; charset=utf-8"
COLUMNS = ("sequence", "time", "unix_ns", "u95_ns", "interval_ns", "channel", "power_w", "voltage_v", "current_a",
           "power_factor", "frequency_hz", "voltage_range_v", "current_range_a", "crest_factor", "quality")  # fmt: skip


def lines(export: Export) -> Iterator[str]:
    """Head and rows."""
    yield _row(COLUMNS)
    for at, reading in export.samples:
        v = reading.values
        time = format_rfc3339(UnixNs(at.ns), 6)
        yield _row(
            (reading.sequence, time, at.ns, at.u95_ns + reading.end_u95_ns, reading.interval_ns, v.channel, v.power_w,
             v.voltage_v, v.current_a, v.power_factor, v.frequency_hz, v.voltage_range_v, v.current_range_a,
             v.crest_factor, v.quality.value)
        )  # fmt: skip


def _row(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
