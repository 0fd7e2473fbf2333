"""``LoadgenLog``: the detail log of a LoadGen run; the only file that knows the ``:::MLLOG`` line.

A detail log is UTF-8 text; lines that start with the marker carry one JSON object with ``key``, ``value``,
``time_ms`` and ``metadata`` (``is_error``, ``is_warning``). A key may occur more than once; where one value is
wanted the first one counts, as in the official checker. LoadGen writes INFINITY and NaN as bare words in some
double fields; they are read as floats. Seeds are unsigned 64-bit integers and stay Python integers.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import msgspec

from schemas.kept import kept
from schemas.loadgen_rows import (
    DEEPEST,
    LONGEST_NUMBER,
    MOST_ENTRIES,
    Entries,
    LogEntry,
    at_once,
    decode_line,
    is_list,
    value_of,
)
from schemas.plainfile import FilePath, TooLarge, open_plain, read_plain
from schemas.units import UnixNs, parse_log_time

__all__ = ["Entries", "LoadgenLog", "LogEntry", "LogGarbled", "PowerWindow", "stream"]

MARKER = ":::MLLOG"
LONGEST_LINE = 1 << 24
"""The longest real lines list the samples in memory, some MB; a longer one is refused instead of read."""
MOST_LINES = 2_000_000
"""Lines of a log; published ones have some thousand."""
BLOCK = 1 << 22
AT_ONCE = 1 << 24
"""Bytes of a log that is read in one piece; a longer one is read line by line, which takes longer and less memory."""


@dataclass(frozen=True, slots=True)
class PowerWindow:
    """One pair ``power_begin``/``power_end``: wall clock of the machine that ran LoadGen, UTC."""

    begin_ns: UnixNs
    end_ns: UnixNs
    begin_line: int
    end_line: int

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return (self.end_ns - self.begin_ns) / 1e9


class LogGarbled(ValueError):
    """A marked line that is not what LoadGen writes. ``line`` counts from 1."""

    def __init__(self, path: FilePath, line: int, reason: str) -> None:
        """Say where and why."""
        super().__init__(f"{os.path.basename(path)} line {line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class LoadgenLog:
    """The entries of one detail log, in order, and the questions one asks of them."""

    path: FilePath
    entries: Sequence[LogEntry]

    @classmethod
    def read(cls, path: FilePath, markers: tuple[str, ...] = (MARKER,)) -> LoadgenLog:
        """Read a detail log line by line; lines with one of ``markers`` count.

        Raises OSError when it cannot be read, ``LogGarbled`` for a marked line that is not JSON of the known
        form or text that is not UTF-8. A file without any marked line gives a log without entries.
        """
        rows = None
        if len(markers) == 1:
            with contextlib.suppress(TooLarge):
                rows = at_once(read_plain(path, AT_ONCE), markers[0].encode())
        return cls(path, tuple(stream(path, markers)) if rows is None else rows)

    def all(self, key: str) -> tuple[LogEntry, ...]:
        """Every entry of ``key``, in order."""
        return tuple(self.entries[at] for at, name in enumerate(self._keys) if name == key)

    @kept
    def _keys(self) -> list[str]:
        return self.entries.keys() if isinstance(self.entries, Entries) else [e.key for e in self.entries]

    @kept
    def _firsts(self) -> dict[str, int]:
        return dict(zip(reversed(self._keys), range(len(self._keys) - 1, -1, -1), strict=True))

    @kept
    def _asked(self) -> dict[str, LogEntry | None]:
        return {}

    def entry(self, key: str) -> LogEntry | None:
        """The first entry of ``key``."""
        asked = self._asked
        if key not in asked:
            at = self._firsts.get(key)
            asked[key] = None if at is None else self.entries[at]
        return asked[key]

    def raw(self, key: str) -> bytes | None:
        """The value of the first entry of ``key`` as written, JSON."""
        at = self._firsts.get(key)
        if at is None:
            return None
        return self.entries.raw(at) if isinstance(self.entries, Entries) else self.entries[at].raw

    def first(self, key: str, default: Any = None) -> Any:
        """The value of the first entry of ``key``."""
        found = self.entry(key)
        return default if found is None else found.value

    @property
    def errors(self) -> tuple[LogEntry, ...]:
        """Entries that LoadGen marked as errors."""
        if isinstance(self.entries, Entries):
            return tuple(self.entries[at] for at in self.entries.errors())
        return tuple(e for e in self.entries if e.is_error)

    @property
    def power_windows(self) -> tuple[PowerWindow, ...]:
        """The pairs of ``power_begin`` and ``power_end``; ``LogGarbled`` when they do not pair up."""
        begins, ends = self.all("power_begin"), self.all("power_end")
        if len(begins) != len(ends):
            place = (begins or ends)[0].line
            raise LogGarbled(self.path, place, f"{len(begins)} power_begin but {len(ends)} power_end")
        return tuple(self._window(b, e) for b, e in zip(begins, ends, strict=True))

    def _window(self, begin: LogEntry, end: LogEntry) -> PowerWindow:
        times = []
        for entry in (begin, end):
            try:
                times.append(parse_log_time(str(entry.value)))
            except ValueError as error:
                raise LogGarbled(self.path, entry.line, f"{entry.key}: {error}") from error
        return PowerWindow(times[0], times[1], begin.line, end.line)

    def result(self, only: Collection[str] | None = None) -> dict[str, Any]:
        """The run as one document ``edgewatt/loadgen-result/1``: first value of every key, count of errors.

        Lists are left out: they name the samples in memory. ``only`` names the keys that are wanted.
        """
        raws = ((key, self.raw(key)) for key in (self._firsts if only is None else only))
        values = {key: value_of(raw) for key, raw in raws if raw is not None and not is_list(raw)}
        return {"schema": "edgewatt/loadgen-result/1", "errors": len(self.errors), "values": values}


def stream(path: FilePath, markers: tuple[str, ...] = (MARKER,)) -> Iterator[LogEntry]:
    """Entries of a detail log one after the other; raises as ``LoadgenLog.read``."""
    wanted = tuple(m.encode() for m in markers)
    entries = 0
    with open_plain(path) as file:
        for number, line in enumerate(_lines(path, file), start=1):
            if line.startswith(wanted):
                entries += 1
                if entries > MOST_ENTRIES:
                    raise LogGarbled(path, number, f"more than {MOST_ENTRIES} entries")
                start = len(next(m for m in wanted if line.startswith(m)))
                yield _fast(number, line, start) or _parse(path, number, line, start)


def _lines(path: FilePath, file: IO[bytes]) -> Iterator[bytes]:
    """Lines without their ends, read in blocks: far fewer calls than line by line."""
    rest = b""
    number = 0
    while block := file.read(BLOCK):
        *whole, rest = (rest + block).split(b"\n")
        number += len(whole)
        yield from whole
        if number > MOST_LINES:
            raise LogGarbled(path, number, f"more than {MOST_LINES} lines")
        if len(rest) >= LONGEST_LINE:
            raise LogGarbled(path, number + 1, f"the line is longer than {LONGEST_LINE} bytes")
    if rest:
        yield rest


def _fast(number: int, line: bytes, start: int = len(MARKER)) -> LogEntry | None:
    """An entry of the usual form; None for one that has to be looked at more closely."""
    try:
        found = decode_line(memoryview(line)[start:])
        if not line.isascii():
            line.decode("utf-8")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    raw = bytes(found.value)
    if len(raw) > LONGEST_NUMBER and not raw.startswith((b'"', b"[")):
        return None
    if raw.count(b"[") + raw.count(b"{") > DEEPEST and not raw.startswith(b'"'):
        return None
    about = found.metadata
    return LogEntry(found.key, raw, number, about.is_error, about.is_warning, found.time_ms)


def _parse(path: FilePath, number: int, line: bytes, start: int = len(MARKER)) -> LogEntry:
    try:
        document = json.loads(line[start:].decode("utf-8"), parse_int=_whole)
        metadata = document["metadata"]
        _refuse_depth(document)
        return LogEntry(
            key=_text(document["key"]),
            raw=json.dumps(document["value"]).encode(),
            line=number,
            is_error=bool(metadata.get("is_error", False)),
            is_warning=bool(metadata.get("is_warning", False)),
            time_ms=float(document.get("time_ms", 0.0)),
        )
    except UnicodeDecodeError as error:
        raise LogGarbled(path, number, "not UTF-8 text") from error
    except KeyError as error:
        raise LogGarbled(path, number, f"no {error.args[0]!r} in the entry") from error
    except RecursionError as error:
        raise LogGarbled(path, number, "nested too deeply") from error
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise LogGarbled(path, number, f"not a LoadGen entry ({error})") from error


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _refuse_depth(document: Any) -> None:
    level = [document]
    for _ in range(DEEPEST):
        level = [
            item
            for node in level
            for item in (node.values() if isinstance(node, dict) else node)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise RecursionError


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"key is {type(value).__name__}, not text")
    return value
