"""The accuracy log: read entry by entry, and as it is submitted (truncated, with the hash of the whole beside it).

LoadGen writes ``[``, one object per line with a comma after all but the last, and ``]``. An entry has ``seq_id``,
``qsl_idx`` and ``data`` (hexadecimal, twice the bytes of the answer; in 3D-UNet tens of megabytes), so a log is never
parsed as a whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas.errors import Failed

KEEP_BYTES = 4096
ACCURACY_LOG = "mlperf_log_accuracy.json"


def entries(log: Path) -> Iterator[dict[str, Any]]:
    """Every entry in the order of the log; ``Failed`` for a line that is none."""
    with log.open(encoding="utf-8") as file:
        for line in file:
            text = line.strip().rstrip(",")
            if text in ("", "[", "]"):
                continue
            try:
                yield json.loads(text)
            except ValueError as error:
                raise Failed(
                    f"{log} has a line that LoadGen did not write ({error}); run it again"
                ) from error


def answers(log: Path) -> dict[int, bytes]:
    """The answers by sample index, the first of each index; ``Failed`` when there are none."""
    found: dict[int, bytes] = {}
    for entry in entries(log):
        index = int(entry["qsl_idx"])
        if index not in found:
            found[index] = bytes.fromhex(entry["data"])
    if not found:
        raise Failed(f"{log.name} holds no answers, so there is no accuracy; look at the log beside it")
    return found


def write(log: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """A log of these entries, in LoadGen's form."""
    with log.open("w", encoding="utf-8") as file:
        file.write("[")
        for number, row in enumerate(rows):
            file.write(("," if number else "") + "\n" + json.dumps(row))
        file.write("\n]\n")


def sha256(log: Path) -> str:
    """The hash of a whole log."""
    with log.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def truncated(log: Path) -> bytes:
    """A log as it is submitted: its first and last 4096 bytes (rule text, section 7.2)."""
    size = log.stat().st_size
    with log.open("rb") as file:
        if size < 2 * KEEP_BYTES:
            return file.read()
        head = file.read(KEEP_BYTES)
        file.seek(size - KEEP_BYTES)
        return head + b"\n\n...\n\n" + file.read()
