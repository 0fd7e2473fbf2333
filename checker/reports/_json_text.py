"""Documents as JSON text of one value a line, as ``json.dump`` with ``indent=1`` writes them, row by row.

Lists of rows may be iterators: a report of a hundred thousand findings is never whole in memory a second time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, TextIO

import msgspec

PIECES = 1 << 9
"""Pieces that are written together."""
_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=True).encode
_encode_lines = json.JSONEncoder(allow_nan=False, ensure_ascii=True, indent=1).encode


def write(document: Any, stream: TextIO, depth: int) -> None:
    """Write a document with an end of line. ``depth``: how many objects and lists down its rows lie, which are small
    enough for memory. ValueError for numbers that JSON does not have."""
    pieces = _pieces(document, depth, "\n")
    while batch := "".join(islice(pieces, PIECES)):
        stream.write(batch)
    stream.write("\n")


def _pieces(value: Any, depth: int, line: str) -> Iterator[str]:
    """The text of a value; ``line`` begins a line where the value stands."""
    inner, first = f"{line} ", True
    if depth and isinstance(value, dict):
        for key, item in value.items():
            yield f"{'{' if first else ','}{inner}{_encode(key)}: "
            yield from _pieces(item, depth - 1, inner)
            first = False
        yield "{}" if first else f"{line}}}"
    elif depth and isinstance(value, list | Iterator):
        for item in value:
            yield f"{'[' if first else ','}{inner}"
            yield from _pieces(item, depth - 1, inner)
            first = False
        yield "[]" if first else f"{line}]"
    else:
        yield _row(value).replace("\n", line)  # no text holds one: it is escaped there


def _row(value: Any) -> str:
    """A row on its own lines. The library knows no half of a surrogate pair, which names of files may have."""
    text = _encode(value)
    try:
        return msgspec.json.format(text, indent=1)
    except msgspec.DecodeError:
        return _encode_lines(value)
