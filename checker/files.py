"""The files of a submission: parsed on first use and kept. ``walk`` knows where they lie, ``reading`` opens them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Generic, TypeVar

from checker.folders import Folder, Stat, join, same
from checker.reading import read_json, read_lenient, read_object, read_text
from checker.rule import Absent
from checker.walk import Tree
from schemas.kept import kept
from schemas.loadgen import LogGarbled
from schemas.plainfile import FilePath, NotPlain, Where
from schemas.powerlog import PowerLog, read_power_log

__all__ = [
    "Folder", "Source", "Stat", "T", "Tree", "join", "read_json", "read_lenient", "read_object", "read_samples",
    "read_text",
]  # fmt: skip

T = TypeVar("T")
Outcome = tuple[T | None, str, int | None]
"""A parsed file, or why there is none and at which line reading failed."""
LARGEST_SHARED = 1 << 16
"""Bytes of a file that is kept for the next who asks."""
MOST_SHARED = 16
"""Such files that are kept at a time. Results of one system are judged one after the other."""

CHANGED = "has changed since the tree was looked at: check again when nothing writes to it"


class Source(Generic[T]):
    """A file that is parsed when somebody asks, once. ``kind`` names it in the rule about readable files."""

    def __init__(self, tree: Tree, path: str, kind: str, read: Callable[[FilePath], T], limit: int) -> None:
        """Nothing is read yet; a file above ``limit`` bytes never is."""
        self.path, self.kind = path, kind
        self._tree, self._read, self._limit = tree, read, limit

    @kept
    def present(self) -> bool:
        """Whether the file is there."""
        return self._seen is not None or self._tree.has_file(self.path)

    @kept
    def _seen(self) -> Stat | None:
        """What the walk saw of the file; None where it is not there, or could not be looked at."""
        return self._tree.stat(self.path)

    @kept
    def _outcome(self) -> Outcome[T]:
        """The parsed file, or why there is none and at which line reading failed."""
        return self._look()

    def _look(self) -> Outcome[T]:
        if not self.present:
            return None, "is not there", None
        seen = self._seen
        if seen is not None and seen.size > self._limit:
            return None, f"is {seen.size} bytes long, more than the {self._limit} that are read", None
        where = self._tree.file(self.path)
        where.known = seen is not None
        try:
            value = self._read(where)
        except (OSError, ValueError, RecursionError, MemoryError) as error:
            return None, *_reason(error)
        if self._changed(where):
            return None, CHANGED, None
        return value, "", None

    def _changed(self, where: Where) -> bool:
        """Whether what was read is another file than the walk saw, or was written to meanwhile."""
        if self._seen is None or where.left is None:
            return self._tree.changed(self.path)
        return not same(where.left, self._seen)

    @property
    def broken(self) -> str:
        """Why a file that is there cannot be used; empty when it can."""
        return self._outcome[1] if self.present else ""

    @property
    def line(self) -> int | None:
        """The line at which reading failed."""
        return self._outcome[2]

    @kept
    def usable(self) -> bool:
        """Whether ``value`` can be asked for."""
        return not self._outcome[1]

    @kept
    def value(self) -> T:
        """What the file holds; ``Absent`` when it is not there or cannot be read."""
        value, reason, line = self._outcome
        if reason or value is None:
            raise Absent(self.path.rpartition("/")[2], self.path, reason, "a readable file", line)
        return value


class SharedSource(Source[T]):
    """A file that many results stand on, such as the description of their system: what came out of it is kept for the
    next of them, as long as few others are asked for in between. Nobody changes it."""

    def _look(self) -> Outcome[T]:
        if not self.present or (self._seen is not None and self._seen.size > LARGEST_SHARED):
            return super()._look()
        shared, key = self._tree.shared, (self.kind, self.path)
        if key not in shared:
            while len(shared) >= MOST_SHARED:
                del shared[next(iter(shared))]
            shared[key] = super()._look()
        found: Outcome[T] = shared[key]
        return found


def _reason(error: Exception) -> tuple[str, int | None]:
    if isinstance(error, LogGarbled):
        return f"is garbled: {error.reason}", error.line
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg} in column {error.colno}", error.lineno
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 text (byte {error.start})", None
    return _without_line(error), None


def _without_line(error: Exception) -> str:
    if isinstance(error, OSError):
        said = error.strerror or type(error).__name__
        return said if isinstance(error, NotPlain) else f"cannot be read: {said}"
    if isinstance(error, MemoryError | RecursionError):
        return "holds more than can be read"
    return str(error) or type(error).__name__


def read_samples(path: FilePath) -> PowerLog:
    """A power log."""
    return read_power_log(path)
