"""Results and power samples as tables for notebooks: CSV or Parquet. The columns stand in ``table_columns.json``, with
type, unit and meaning; Parquet files carry them in their metadata, ``docs/explorer.md`` shows them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

from checker.explorer.book import Book
from checker.explorer.rows import Row
from checker.reports.json import finite, verdict
from schemas.errors import UserError

RESULTS, SAMPLES = "results", "samples"
FORMS = (".csv", ".parquet")
ROWS = 65_536


@cache
def columns(kind: str) -> tuple[Mapping[str, str], ...]:
    """Columns of a table in order: name, type, unit, meaning."""
    path = resources.files("checker.explorer") / "table_columns.json"
    return tuple(json.loads(path.read_text(encoding="utf-8"))[kind])


def form_of(path: Path) -> str:
    """``.csv`` or ``.parquet``; UserError for another suffix, or when Parquet cannot be written here."""
    form = path.suffix.lower()
    if form not in FORMS:
        raise UserError(
            f"{path}: found the suffix {form or 'none'!r}, wanted .csv or .parquet; rename the file"
        )
    if form == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise UserError(
                "a Parquet file needs the package pyarrow: pip install 'edgewatt[export]'; .csv needs nothing"
            ) from None
    return form


def write(path: Path, kind: str, book: Book) -> int:
    """Write a table, and say how many rows it has; raises OSError."""
    writer = _csv if form_of(path) == ".csv" else _parquet
    return writer(path, kind, _ROWS[kind](book))


_SPECIAL: dict[str, Callable[[Row], Any]] = {
    "verdict": lambda r: verdict(r.valid),
    "reference_verdict": lambda r: verdict(r.reference_valid),
    "accuracy": lambda r: json.dumps({a.name: finite(a.value) for a in r.accuracy}),
    "voltage_range_v": lambda r: r.ranges[0] if r.ranges else None,
    "current_range_a": lambda r: r.ranges[1] if r.ranges else None,
    "findings": lambda r: len(r.findings),
}
"""Columns that are not a field of the record."""


def result_rows(book: Book) -> Iterator[dict[str, Any]]:
    """One row per result."""
    names = [c["name"] for c in columns(RESULTS)]
    for volume in book:
        for row in volume.rows:
            made = {n: _SPECIAL[n](row) if n in _SPECIAL else getattr(row, n) for n in names}
            yield made | {"tree": volume.name}


def sample_rows(book: Book) -> Iterator[dict[str, Any]]:
    """One row per sample of a power log, ranging and testing."""
    for volume in book:
        for path, traces in volume.traces.items():
            for trace in traces:
                for p in trace.points:
                    yield {
                        "tree": volume.name,
                        "path": path,
                        "phase": trace.phase,
                        "unix_ns": trace.begin_unix_ns + round(p.at_s * 1_000_000_000),
                        "seconds": p.at_s,
                        "power_w": p.watts,
                        "good": p.good,
                        "in_window": 0 < p.at_s < trace.window_s,
                        "line": p.line,
                    }


_ROWS = {RESULTS: result_rows, SAMPLES: sample_rows}


def _csv(path: Path, kind: str, rows: Iterable[Mapping[str, Any]]) -> int:
    names = [c["name"] for c in columns(kind)]
    number = 0
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            number += 1
            writer.writerow([_cell(row[n]) for n in names])
    return number


def _cell(value: Any) -> Any:
    """As read back by notebooks: booleans as true and false; nothing for None; a text that a spreadsheet would run as a
    formula gets an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _parquet(path: Path, kind: str, rows: Iterable[Mapping[str, Any]]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"string": pa.string(), "double": pa.float64(), "int64": pa.int64(), "bool": pa.bool_()}
    own = columns(kind)
    about = {"edgewatt": json.dumps({"schema": f"edgewatt/table-{kind}/1", "columns": list(own)})}
    fields = [
        pa.field(c["name"], types[c["type"]], metadata={"unit": c["unit"], "about": c["about"]}) for c in own
    ]
    schema = pa.schema(fields, about)
    number, source = 0, iter(rows)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while some := list(islice(source, ROWS)):
            number += len(some)
            writer.write_table(pa.Table.from_pylist(_clean(some), schema=schema))
    return number


def _clean(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lone surrogates of file names cannot be written as UTF-8."""
    return [
        {
            k: v.encode("utf-8", "backslashreplace").decode() if isinstance(v, str) else v
            for k, v in row.items()
        }
        for row in rows
    ]
