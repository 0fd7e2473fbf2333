"""What an emulator really drew, as JSON Lines: at every edge of the load and at least every 10 ms.

Rows are computed for exact instants of a 10 ms grid from the closed form of the load, and written in batches
some time later, so that writing never delays the meter.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from powerd.boottime import boottime_ns
from powerd.emulators.load import Load, pieces
from schemas.errors import Failed, UserError

log = logging.getLogger(__name__)
GRID_NS = 10_000_000
_BATCH_S = 0.1


class TruthWriter:
    """Writes the rows of one load on a thread of its own; ``origin_ns`` is the start of the load."""

    def __init__(self, path: Path, load: Load, origin_ns: int) -> None:
        try:
            self._file: IO[str] = path.open("w", encoding="utf-8")
        except OSError as error:
            raise UserError(
                f"the truth file {path} cannot be written: {error.strerror}; name another file"
            ) from error
        self._load = load
        self._origin_ns = origin_ns
        self._at_ns = 0
        self._energy_j = 0.0
        self._stopping = threading.Event()
        self._path = path
        self._error: OSError | None = None
        self._write([self._row(0, unix_offset_ns())])
        self._thread = threading.Thread(target=self._run, name="truth", daemon=True)
        self._thread.start()

    def __enter__(self) -> TruthWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write up to now and close the file; ``Failed`` when it ends early because the disk was full."""
        self._stopping.set()
        self._thread.join()
        self._advance(boottime_ns() - self._origin_ns)
        try:
            self._file.close()
        except OSError as error:
            self._error = self._error or error
        if self._error is not None:
            raise Failed(f"the truth file {self._path} ends early: {self._error.strerror}; free disk space")

    def _run(self) -> None:
        while not self._stopping.wait(_BATCH_S):
            # To the last whole grid instant: the row of now is written with the next batch.
            self._advance((boottime_ns() - self._origin_ns) // GRID_NS * GRID_NS)

    def _advance(self, until_ns: int) -> None:
        if until_ns <= self._at_ns:
            return
        offset = unix_offset_ns()
        rows = []
        for piece in pieces(self._load, self._at_ns, until_ns):
            for end in _grid(piece.begin_ns, piece.end_ns):
                self._energy_j += self._load.mean_w(self._at_ns, end) * (end - self._at_ns) / 1e9
                self._at_ns = end
                rows.append(self._row(end, offset))
        self._write(rows)

    def _row(self, at_ns: int, offset_ns: int) -> str:
        unix = self._origin_ns + at_ns + offset_ns
        return json.dumps(
            {"t_unix_ns": unix, "energy_j": round(self._energy_j, 9), "watts": self._load.watts(at_ns)}
        )

    def _write(self, rows: list[str]) -> None:
        if self._error is not None:
            return  # a gap in the middle would be worse than an early end
        try:
            self._file.write("".join(row + "\n" for row in rows))
            self._file.flush()
        except OSError as error:
            self._error = error
            log.error("the truth file %s cannot be written: %s", self._path, error.strerror)


def _grid(begin_ns: int, end_ns: int) -> list[int]:
    """Grid instants in ``(begin, end)`` and the end."""
    first = (begin_ns // GRID_NS + 1) * GRID_NS
    return [*range(first, end_ns, GRID_NS), end_ns]


def unix_offset_ns(clock: Callable[[], int] = time.time_ns) -> int:
    """Wall clock less boot clock, from the tightest of three readings."""
    best: tuple[int, int] | None = None
    for _ in range(3):
        before = boottime_ns()
        wall = clock()
        after = boottime_ns()
        if best is None or after - before < best[0]:
            best = (after - before, wall - (before + after) // 2)
    return best[1] if best is not None else 0
