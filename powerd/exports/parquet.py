"""``parquet``: the samples as a table for data frames, with the window's document in its metadata.

Columns, in this order: ``sequence`` int64; ``time`` timestamp in nanoseconds, UTC, the end of the interval that the
sample stands for; ``u95_ns`` int64, the half-width that holds it; ``interval_ns`` int64; ``channel`` string;
``power_w``, ``voltage_v``, ``current_a``, ``power_factor``, ``frequency_hz``, ``voltage_range_v``, ``current_range_a``
float64, null where the meter gave none; ``crest_factor`` int16; ``quality`` string, ``good`` or the name of the loss;
``raw`` binary, the meter's answer. Metadata of the schema: ``edgewatt`` holds ``edgewatt/window/1`` as JSON.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from powerd.clock import Instant
from powerd.exports.base import Export
from powerd.model import Reading
from powerd.views import finite
from schemas.errors import UserError

NAME = "parquet"
MEDIA_TYPE = "application/vnd.apache.parquet"
ROWS = 65_536
INSTALL = "pip install 'edgewatt[export]'"
_TYPES = {
    "sequence": "int64", "time": "timestamp", "u95_ns": "int64", "interval_ns": "int64", "channel": "string",
    "power_w": "double", "voltage_v": "double", "current_a": "double", "power_factor": "double",
    "frequency_hz": "double", "voltage_range_v": "double", "current_range_a": "double", "crest_factor": "int16",
    "quality": "string", "raw": "binary",
}  # fmt: skip


def lines(export: Export) -> Iterator[bytes]:
    """The file in pieces, a row group at a time; ``UserError`` when pyarrow is not there."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UserError(f"the format parquet needs the package pyarrow: {INSTALL}") from None
    kinds = {"timestamp": pa.timestamp("ns", "UTC"), "string": pa.string(), "double": pa.float64()}
    fields = [pa.field(name, kinds.get(kind) or getattr(pa, kind)()) for name, kind in _TYPES.items()]
    schema = pa.schema(fields, {"edgewatt": json.dumps(dict(export.window))})
    return _pieces(export, schema, pa, pq)


def _pieces(export: Export, schema: Any, pa: Any, pq: Any) -> Iterator[bytes]:
    sink = _Sink()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        rows = map(_row, export.samples)
        while some := list(islice(rows, ROWS)):
            columns = [
                pa.array(column, field.type) for column, field in zip(_columns(some), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            yield sink.taken()
    yield sink.taken()


def _columns(rows: list[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    return zip(*rows, strict=True)


class _Sink(io.RawIOBase):
    """A file that is only written to, whose bytes are taken out as they come."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Bytes written so far."""
        return self._at

    def write(self, data: Any) -> int:
        """Keep a copy."""
        self._held.append(bytes(data))
        self._at += len(self._held[-1])
        return len(self._held[-1])

    def taken(self) -> bytes:
        """What came since last time."""
        data, self._held = b"".join(self._held), []
        return data


def _row(sample: tuple[Instant, Reading]) -> tuple[Any, ...]:
    at, reading = sample
    v = reading.values
    return (
        reading.sequence, at.ns, at.u95_ns + reading.end_u95_ns, reading.interval_ns, v.channel, finite(v.power_w),
        finite(v.voltage_v), finite(v.current_a), finite(v.power_factor), finite(v.frequency_hz), v.voltage_range_v,
        v.current_range_a, v.crest_factor, v.quality.value, reading.raw,
    )  # fmt: skip
