"""The journal of a campaign: JSON Lines that are only ever appended to, each on the disk before work goes on.

``edgewatt/campaign-journal/1``: a run is ``started`` (with the hashes of what it stands on), then ``finished`` (with
where its result lies and the hash of that) or ``failed``; a line ``reused`` or ``aside`` says what was done with an
earlier one. A line that a crash cut short is passed over; the run that it was about then counts as begun at most.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from schemas.errors import UserError
from schemas.units import UnixNs, format_rfc3339

SCHEMA = "edgewatt/campaign-journal/1"
NAME = "journal.jsonl"
Event = Literal["started", "finished", "failed", "reused", "aside"]
STATES = ("started", "finished", "failed")


@dataclass(slots=True)
class Past:
    """What the journal says of one run of a campaign: its latest state, and the line of it.

    ``seconds`` is how long the last one that finished took; ``started`` what it was begun with.
    """

    state: str = ""
    line: Mapping[str, Any] = field(default_factory=dict)
    started: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A journal as it is on the disk. ``garbled`` lines could not be read."""

    runs: dict[str, Past]
    lines: int
    garbled: int
    started: int


def read(path: Path) -> Read:
    """Everything in a journal; empty when there is none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Read({}, 0, 0, 0)
    runs: dict[str, Past] = {}
    lines = garbled = started = 0
    for raw in data.splitlines():
        if not raw.strip():
            continue
        try:
            line = json.loads(raw)
            name, event = str(line["run"]), str(line["event"])
        except (ValueError, KeyError, TypeError):
            garbled += 1
            continue
        lines += 1
        started += event == "started"
        if event in STATES:
            past = runs.setdefault(name, Past())
            past.state, past.line = event, line
            if event == "started":
                past.started = line
            if event == "finished":
                past.seconds = line.get("seconds")
    return Read(runs, lines, garbled, started)


class Journal:
    """Appends lines. Use as a context; only one at a time has a folder (``UserError`` for a second)."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is made when it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._lock, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._lock)
            raise UserError(
                f"another campaign (process {owner}) is writing into the same tree; wait for its end, end it, or "
                "choose another output"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        self.past = read(folder / NAME)
        self._count = self.past.started
        self.begun: str | None = None
        """The run that goes on."""
        self._file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # a line was cut short; the next one stands on its own
        _flush(folder)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
        os.close(self._lock)

    def started(self, run: str, contents: Mapping[str, Any], based_on: Mapping[str, int]) -> int:
        """A run begins; its number, which no other run of this journal has."""
        self._count += 1
        self.begun = run
        self._write("started", run, number=self._count, contents=dict(contents), based_on=dict(based_on))
        return self._count

    def finished(self, run: str, number: int, seconds: float, **facts: object) -> None:
        """It came to its end, and its result lies in the tree."""
        self._write("finished", run, number=number, seconds=round(seconds, 3), **facts)
        self.begun = None

    def failed(self, run: str, reason: str) -> None:
        """The run that was begun last did not; what it may have left is moved aside before it is made again."""
        if self.begun == run:
            self._write("failed", run, number=self._count, reason=reason)
            self.begun = None

    def reused(self, run: str, number: int) -> None:
        """The result of an earlier run stands."""
        self._write("reused", run, number=number)

    def aside(self, run: str, reason: str, place: str) -> None:
        """What was in the tree of this run lies elsewhere now."""
        self._write("aside", run, reason=reason, place=place)

    def _write(self, event: Event, run: str, **facts: object) -> None:
        at = format_rfc3339(UnixNs(time.time_ns()))
        line = {"schema": SCHEMA, "at": at, "event": event, "run": run, **facts}
        data = json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)


def on_disk(root: Path, places: tuple[str, ...]) -> None:
    """Have the files below some places on the disk before the journal says that they are there."""
    for place in places:
        for path in [root / place, *(root / place).rglob("*")]:
            _flush(path)
    for folder in dict.fromkeys(p for place in places for p in (root / place).parents):
        if folder == root or root in folder.parents:
            _flush(folder)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
