"""Write every conversation with a meter down, for tests and for fault reports (``--record``).

The file is JSON Lines. The first line is ``{"schema": "edgewatt/recording/1", "port": …, "byte_time_ns": …}`` with
the driver and the settings that it asked for, where somebody knows them; each further one is
``{"dir": "out"|"in", "t_ns": …, "data": …}`` with the bytes as Latin-1 text, the instant of the last byte
(CLOCK_BOOTTIME), and for ``in`` also ``first_ns``, the instant of the first byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from powerd.boottime import boottime_ns
from powerd.errors import NotThere
from powerd.transports.base import Transport
from powerd.transports.line import WrappedLine


class RecordingTransport(WrappedLine):
    """Any transport, with its conversation appended to a file."""

    def __init__(self, inner: Transport, path: Path, about: Mapping[str, Any] | None = None) -> None:
        super().__init__(inner)
        try:
            self._file: IO[str] = path.open("a", encoding="utf-8")
        except OSError as error:
            inner.close()
            raise NotThere(
                f"the recording {path} cannot be written: {error.strerror}; name another file"
            ) from error
        head = {"schema": "edgewatt/recording/1", "port": inner.name, "byte_time_ns": inner.byte_time_ns}
        self._line({**head, **(about or {})})

    def write(self, data: bytes, deadline_s: float) -> None:
        """Send and write down."""
        self._inner.write(data, deadline_s)
        self._line({"dir": "out", "t_ns": self._inner.stamps.request_ns, "data": data.decode("latin-1")})

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """Read and write down."""
        return self._answer(self._inner.read_until(terminator, deadline_s, limit))

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """Read and write down."""
        return self._answer(self._inner.read_exactly(count, deadline_s))

    def close(self) -> None:
        """Close the port and the recording."""
        self._inner.close()
        self._file.close()

    def _answer(self, data: bytes) -> bytes:
        stamps = self._inner.stamps
        last = stamps.last_byte_ns or boottime_ns()
        row = {"dir": "in", "t_ns": last, "first_ns": stamps.first_byte_ns or last}
        self._line({**row, "data": data.decode("latin-1")})
        return data

    def _line(self, row: dict[str, object]) -> None:
        if not self._file.closed:
            self._file.write(json.dumps(row) + "\n")
            self._file.flush()
