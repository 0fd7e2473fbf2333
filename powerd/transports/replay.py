"""A recorded conversation as a port: what is written must be what was written then.

Reads the files of ``powerd.transports.recording``. Answers come after the time that they took in the
recording, or at once when ``paced`` is false.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from powerd.boottime import boottime_ns, sleep_until
from powerd.errors import Garbled, Gone, NotThere, Refused
from powerd.model import Stamps
from powerd.transports import LineSettings
from powerd.transports.line import OwnLine


@dataclass(frozen=True, slots=True)
class Row:
    """One direction of a recorded exchange; times are of the recording."""

    out: bool
    data: bytes
    at_ns: int
    first_ns: int


class ReplayTransport(OwnLine):
    """``powerd.transports.base.Transport`` over a recording."""

    def __init__(self, path: Path, *, paced: bool = True) -> None:
        byte_time_ns, self._rows = load(path)
        super().__init__(f"replay:{path}", byte_time_ns)
        self._paced = paced
        self._at = 0
        self._held = b""
        self._asked_ns = self._rows[0].at_ns if self._rows else 0

    @property
    def remaining(self) -> int:
        """Rows of the recording that were not used yet."""
        return len(self._rows) - self._at

    def write(self, data: bytes, deadline_s: float) -> None:
        """Take the next recorded request; ``Refused`` when it was another one."""
        while self._at < len(self._rows) and not self._rows[self._at].out:
            self._at += 1
        row = self._next()
        if row.data != data:
            raise Refused(f"{self.name} was recorded with {row.data!r} where {data!r} is sent now")
        self._asked_ns = row.at_ns
        self._held = b""
        self._stamps = Stamps(boottime_ns(), 0, 0)

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """The recorded answer up to ``terminator``."""
        while terminator not in self._held:
            self._receive(deadline_s)
        head, _, self._held = self._held.partition(terminator)
        if len(head) > limit:
            raise Garbled(f"{self.name} holds {len(head)} bytes without the end of an answer")
        return head + terminator

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """The next ``count`` recorded bytes."""
        while len(self._held) < count:
            self._receive(deadline_s)
        data, self._held = self._held[:count], self._held[count:]
        return data

    def discard_input(self) -> None:
        """Throw away what was received; answers that are still to come in the recording stay."""
        self._held = b""

    def close(self) -> None:
        """Nothing to release."""

    def _next(self) -> Row:
        if self._at >= len(self._rows):
            raise Gone(f"{self.name} ends here")
        self._at += 1
        return self._rows[self._at - 1]

    def _receive(self, deadline_s: float) -> None:
        if self._at < len(self._rows) and self._rows[self._at].out:
            raise Gone(f"{self.name} has no answer within {deadline_s:g} s at row {self._at + 1}")
        row = self._next()
        origin = self._stamps.request_ns - self._asked_ns
        if self._paced:
            sleep_until(origin + row.at_ns)
        self._stamps = Stamps(self._stamps.request_ns, origin + row.first_ns, origin + row.at_ns)
        self._held += row.data


def load(path: Path) -> tuple[int, list[Row]]:
    """Byte time and rows of a recording; ``NotThere`` when it is absent or is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise NotThere(
            f"the recording {path} cannot be read: {why}; name a file that was written with record=FILE"
        ) from error
    byte_time_ns, rows = 0, []
    for number, line in enumerate(lines, 1):
        try:
            item = json.loads(line)
            if "schema" in item:
                byte_time_ns = int(item.get("byte_time_ns", 0))
                continue
            rows.append(_row(item))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotThere(
                f"{path} is no recording: line {number} is not a row of one; name another file"
            ) from error
    return byte_time_ns, rows


def head(path: Path) -> dict[str, Any]:
    """What a recording says of itself: port, and the driver and its settings where they were known."""
    with path.open(encoding="utf-8") as file:
        found: dict[str, Any] = json.loads(file.readline())
    return found if "schema" in found else {}


def _row(item: dict[str, object]) -> Row:
    at = int(str(item["t_ns"]))
    if item["dir"] not in {"in", "out"}:
        raise ValueError(item["dir"])
    data = str(item["data"]).encode("latin-1")
    return Row(item["dir"] == "out", data, at, int(str(item.get("first_ns", at))))


SCHEME = "replay"
EXAMPLE = "replay:FILE"


def open_line(rest: str, line: LineSettings) -> ReplayTransport:
    """Open a recording."""
    return ReplayTransport(Path(rest))
