"""``json``: the window's document and its samples, with the answers of the meter as they came."""

from __future__ import annotations

import json
from collections.abc import Iterator

from powerd.exports.base import Export
from powerd.views import sample

NAME = "json"
MEDIA_TYPE = "application/json"
SCHEMA = "edgewatt/export/1"


def lines(export: Export) -> Iterator[str]:
    """One document, a sample per line."""
    yield f'{{"schema": {json.dumps(SCHEMA)},\n"window": {json.dumps(dict(export.window))},\n"samples": ['
    before = "\n"
    for at, reading in export.samples:
        yield before + json.dumps(sample(reading, at, raw=True))
        before = ",\n"
    yield "\n]}\n"
