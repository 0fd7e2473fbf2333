"""The folders of a submission, walked once: what lies where, how large it is, and what it is.

Nothing is opened here. Links are followed as long as they stay in the tree and lead into no circle; pipes, sockets
and devices are told apart from files by the one ``stat`` that every file gets.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from schemas.errors import UserError
from schemas.plainfile import FilePath, kind_of

_name = attrgetter("name")
MOST_ENTRIES = 1_000_000
"""Files and directories of a tree. All submitters of a round together have some ten thousand."""
DEEPEST = 64
"""Directories below each other; published sources have up to some twenty."""
MOST_BEHIND_LINKS = 20_000
"""Of them, those that are reached through links to directories: a few links to each other make endless trees."""


class Stat(NamedTuple):
    """What tells whether a file is still the same: bytes, times in nanoseconds, inode and device."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int


@dataclass(slots=True)
class Folder:
    """One directory: names of directories, sizes of files, targets of symbolic links.

    ``stats`` says more of each file, from the same look; ``special`` names what is neither file nor directory, in
    words. A link to a file stands in ``files`` too, with what it points at.
    """

    path: str
    dirs: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    stats: dict[str, Stat] = field(default_factory=dict)
    special: dict[str, str] = field(default_factory=dict)


class _Above(NamedTuple):
    """A directory on the way down, under its real name, and the one above it."""

    real: str
    above: _Above | None
    behind_link: bool
    depth: int

    def holds(self, real: str) -> bool:
        """Whether a directory is this one or lies on the way to it."""
        at: _Above | None = self
        while at is not None:
            if at.real == real:
                return True
            at = at.above
        return False


class _Where(os.PathLike[str]):
    """Where a file lies. A ``Path`` takes longer to make than some files to read."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __fspath__(self) -> str:
        return self._text


class Tree:
    """All directories of a submission. Paths are relative with ``/``; the root is the empty text."""

    def __init__(self, root: Path) -> None:
        """Walk ``root``. ``unreadable`` says why a directory could not be read, by path; in ``shared`` readers keep
        what several of them ask for.

        UserError when it holds more than anybody submits.
        """
        self.root = root
        self.folders: dict[str, Folder] = {}
        self.unreadable: dict[str, str] = {}
        self.live_links: set[str] = set()
        self.shared: dict[tuple[str, str], Any] = {}
        self._real_root, self._root_name = os.path.realpath(root), os.fspath(root)
        self._entries = self._behind_links = 0
        self._walk()

    def _walk(self) -> None:
        waiting = [("", _Above(self._real_root, None, behind_link=False, depth=0))]
        while waiting:
            path, place = waiting.pop()
            folder = self.folders[path] = Folder(path)
            below: list[tuple[str, _Above]] = []
            prefix = f"{path}/" if path else ""
            for entry in _plain_files(folder, self._list(path)):
                found = _plain_folder(folder, entry, place) or self._enter(folder, entry, place)
                if found is not None:
                    below.append((prefix + entry.name, found))
            waiting.extend(reversed(below))

    def _list(self, path: str) -> list[os.DirEntry[str]]:
        """What lies in a directory, by name."""
        try:
            with os.scandir(f"{self._root_name}/{path}" if path else self._root_name) as found:
                entries = list(islice(found, MOST_ENTRIES + 1 - self._entries))
        except OSError as error:
            self.unreadable[path] = error.strerror or str(error)
            return []
        self._entries += len(entries)
        if self._entries > MOST_ENTRIES:
            raise UserError(
                f"{self.root} holds more than {MOST_ENTRIES} files and directories, more than a round of results; "
                "name the folder that holds closed/ or open/"
            )
        entries.sort(key=_name)
        return entries

    def _enter(self, folder: Folder, entry: os.DirEntry[str], place: _Above) -> _Above | None:
        """Note one entry; where it is a directory to go into, its place."""
        try:
            return self._entered(folder, entry, place)
        except FileNotFoundError:  # gone since the directory was listed
            return None
        except OSError as error:
            folder.files[entry.name] = 0
            self.unreadable.setdefault(
                folder.path, f"its files cannot be looked at: {error.strerror or error}"
            )
            return None

    def _entered(self, folder: Folder, entry: os.DirEntry[str], place: _Above) -> _Above | None:
        inside = os.path.join(place.real, entry.name)
        linked = entry.is_symlink()
        if linked:
            folder.links[entry.name] = os.readlink(entry.path)
            inside = os.path.realpath(entry.path)
            if not os.path.exists(inside) or not self._holds(inside):
                return None
            self.live_links.add(join(folder.path, entry.name))
        if entry.is_dir():
            folder.dirs.append(entry.name)
            return self._into(join(folder.path, entry.name), inside, place, linked=linked)
        found = entry.stat()
        kind = kind_of(found.st_mode)
        if kind:
            folder.special[entry.name] = kind
            return None
        folder.files[entry.name] = found.st_size
        folder.stats[entry.name] = _stat(found)
        return None

    def _into(self, path: str, inside: str, place: _Above, *, linked: bool) -> _Above | None:
        """The directory to go into; None for a circle, and where links have led to too much already."""
        behind = linked or place.behind_link
        if behind:
            if place.holds(inside):
                return None
            self._behind_links += 1
            if self._behind_links > MOST_BEHIND_LINKS:
                reason = f"links lead to more than {MOST_BEHIND_LINKS} directories"
                self.unreadable.setdefault(path, reason)
                return None
        if place.depth == DEEPEST:
            self.unreadable[path] = f"it lies more than {DEEPEST} directories deep"
            return None
        return _Above(inside, place, behind, place.depth + 1)

    def _holds(self, real: str) -> bool:
        return real == self._real_root or real.startswith(os.path.join(self._real_root, ""))

    def file(self, path: str) -> FilePath:
        """Where a file lies, for the one who opens it."""
        return _Where(f"{self._root_name}/{path}")

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
            now = _stat(os.stat(f"{self._root_name}/{path}"))
        except OSError:
            return True
        if before is None:
            return False
        if os.name == "nt":  # what a directory says of its files has no inode there, and may be late
            return now.size != before.size
        return now[:2] + now[3:] != before[:2] + before[3:]

    def has_file(self, path: str) -> bool:
        """Whether there is a file at ``path``."""
        head, _, name = path.rpartition("/")
        found = self.folders.get(head)
        return found is not None and name in found.files

    def exists(self, path: str) -> bool:
        """Whether there is anything at ``path``."""
        if path in self.folders or path in self.live_links or self.has_file(path):
            return True
        head, _, name = path.rpartition("/")
        found = self.folders.get(head)
        return found is not None and name in found.special

    def below(self, path: str) -> Iterator[Folder]:
        """The directory at ``path`` and all below it, in order of the walk."""
        waiting = [path]
        while waiting:
            found = self.folders.get(waiting.pop())
            if found is not None:
                yield found
                prefix = f"{found.path}/" if found.path else ""
                waiting.extend([prefix + name for name in reversed(found.dirs)])


def _plain_files(folder: Folder, entries: list[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
    """Note the entries that are files and no links, as nearly all are; the others are given back."""
    others = []
    files, stats, is_regular = folder.files, folder.stats, stat.S_ISREG
    for entry in entries:
        try:
            if entry.is_file(follow_symlinks=False):
                found = entry.stat(follow_symlinks=False)
                if is_regular(found.st_mode):
                    name = entry.name
                    files[name] = found.st_size
                    stats[name] = _stat(found)
                    continue
        except OSError:
            pass
        others.append(entry)
    return others


def _plain_folder(folder: Folder, entry: os.DirEntry[str], place: _Above) -> _Above | None:
    """Note an entry that is a directory reached without links, not too deep; None for any other, which is not noted."""
    if place.behind_link or place.depth == DEEPEST or not entry.is_dir(follow_symlinks=False):
        return None
    folder.dirs.append(entry.name)
    return _Above(f"{place.real}/{entry.name}", place, False, place.depth + 1)


def _stat(found: os.stat_result) -> Stat:
    return Stat(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)


def join(*parts: str) -> str:
    """Names to one relative path."""
    if len(parts) == 2 and parts[0] and parts[1]:
        return f"{parts[0]}/{parts[1]}"
    return "/".join(filter(None, parts))
