"""The files of a submission: the tree walked once, and files that are parsed on first use and kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from checker.rule import Absent
from schemas.loadgen import LogGarbled
from schemas.powerlog import BadLine, PowerLine, read_spl

T = TypeVar("T")


class Stat(NamedTuple):
    """What tells whether a file is still the same: bytes, times in nanoseconds, inode and device."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int


@dataclass(slots=True)
class Folder:
    """One directory: names of directories, sizes of files, targets of symbolic links. ``stats`` says more of each
    file, from the same look."""

    path: str
    dirs: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    stats: dict[str, Stat] = field(default_factory=dict)


class Tree:
    """All directories of a submission. Paths are relative with ``/``; the root is the empty text."""

    def __init__(self, root: Path) -> None:
        """Walk ``root``; links are followed only as long as they stay inside."""
        self.root = root
        self.folders: dict[str, Folder] = {}
        self.unreadable: dict[str, str] = {}
        self.live_links: set[str] = set()
        self._real_root = os.path.realpath(root)
        self._walk("", self._real_root, frozenset({self._real_root}))

    def _walk(self, path: str, real: str, above: frozenset[str]) -> None:
        folder = self.folders[path] = Folder(path)
        try:
            with os.scandir(os.path.join(self.root, path)) as found:
                entries = sorted(found, key=lambda e: e.name)
        except OSError as error:
            self.unreadable[path] = error.strerror or str(error)
            return
        for entry in entries:
            self._enter(folder, entry, real, above)

    def _enter(self, folder: Folder, entry: os.DirEntry[str], real: str, above: frozenset[str]) -> None:
        below = join(folder.path, entry.name)
        inside = os.path.join(real, entry.name)
        if entry.is_symlink():
            folder.links[entry.name] = os.readlink(entry.path)
            inside = os.path.realpath(entry.path)
            if not os.path.exists(inside) or not self._holds(inside):
                return
            self.live_links.add(below)
        if entry.is_dir():
            folder.dirs.append(entry.name)
            if inside not in above:
                self._walk(below, inside, above | {inside})
        else:
            found = entry.stat()
            folder.files[entry.name] = found.st_size
            folder.stats[entry.name] = Stat(
                found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev
            )

    def _holds(self, real: str) -> bool:
        return real == self._real_root or real.startswith(os.path.join(self._real_root, ""))

    def folder(self, path: str) -> Folder | None:
        """The directory at ``path``."""
        return self.folders.get(path)

    def dirs(self, path: str) -> list[str]:
        """Names of the directories in ``path``; none when there is no such directory."""
        found = self.folders.get(path)
        return [] if found is None else found.dirs

    def files(self, path: str) -> dict[str, int]:
        """Names and sizes of the files in ``path``; none when there is no such directory."""
        found = self.folders.get(path)
        return {} if found is None else found.files

    def stat(self, path: str) -> Stat | None:
        """What the walk saw of a file; None when it saw no file there."""
        head, _, name = path.rpartition("/")
        found = self.folders.get(head)
        return None if found is None else found.stats.get(name)

    def changed(self, path: str) -> bool:
        """Whether a file is another one than the walk saw: its bytes, its time or what the path leads to."""
        before = self.stat(path)
        try:
            now = os.stat(os.path.join(self.root, path))
        except OSError:
            return True
        return before is not None and (now.st_size, now.st_mtime_ns) != before[:2]

    def has_file(self, path: str) -> bool:
        """Whether there is a file at ``path``."""
        head, _, name = path.rpartition("/")
        return name in self.files(head)

    def exists(self, path: str) -> bool:
        """Whether there is anything at ``path``."""
        return path in self.folders or path in self.live_links or self.has_file(path)

    def below(self, path: str) -> Iterator[Folder]:
        """The directory at ``path`` and all below it, in order of the walk."""
        found = self.folders.get(path)
        if found is not None:
            yield found
            for name in found.dirs:
                yield from self.below(join(path, name))


def join(*parts: str) -> str:
    """Names to one relative path."""
    return "/".join(p for p in parts if p)


class Source(Generic[T]):
    """A file that is parsed when somebody asks, once. ``kind`` names it in the rule about readable files."""

    def __init__(self, tree: Tree, path: str, kind: str, read: Callable[[Path], T], limit: int) -> None:
        """Nothing is read yet; a file above ``limit`` bytes never is."""
        self.path, self.kind = path, kind
        self._tree, self._read, self._limit = tree, read, limit

    @property
    def present(self) -> bool:
        """Whether the file is there."""
        return self._tree.has_file(self.path)

    @cached_property
    def _outcome(self) -> tuple[T | None, str, int | None]:
        """The parsed file, or why there is none and at which line reading failed."""
        if not self.present:
            return None, "is not there", None
        folder, _, name = self.path.rpartition("/")
        size = self._tree.files(folder)[name]
        if size > self._limit:
            return None, f"is {size} bytes long, more than the {self._limit} that are read", None
        try:
            return self._read(self._tree.root / self.path), "", None
        except (OSError, ValueError, RecursionError) as error:
            return None, *_reason(error)

    @property
    def broken(self) -> str:
        """Why a file that is there cannot be used; empty when it can."""
        return self._outcome[1] if self.present else ""

    @property
    def line(self) -> int | None:
        """The line at which reading failed."""
        return self._outcome[2]

    @property
    def usable(self) -> bool:
        """Whether ``value`` can be asked for."""
        return not self._outcome[1]

    @property
    def value(self) -> T:
        """What the file holds; ``Absent`` when it is not there or cannot be read."""
        value, reason, line = self._outcome
        if reason or value is None:
            raise Absent(self.path.rpartition("/")[2], self.path, reason, "a readable file", line)
        return value


def _reason(error: Exception) -> tuple[str, int | None]:
    if isinstance(error, LogGarbled):
        return error.reason, error.line
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg} in column {error.colno}", error.lineno
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 text (byte {error.start})", None
    return str(error) or type(error).__name__, None


def read_json(path: Path) -> Any:
    """Any JSON document; integers keep all their digits."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object; ValueError for any other document."""
    document = read_json(path)
    if not isinstance(document, dict):
        raise ValueError(f"is {type(document).__name__}, not a JSON object")
    return document


def read_text(path: Path) -> str:
    """A UTF-8 text."""
    return path.read_text(encoding="utf-8")


def read_lenient(path: Path) -> str:
    """A text in which bytes that are not UTF-8 are replaced."""
    return path.read_text(encoding="utf-8", errors="replace")


def read_samples(path: Path) -> tuple[PowerLine | BadLine, ...]:
    """All lines of a power log."""
    return tuple(read_spl(path))
