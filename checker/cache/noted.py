"""A tree that notes what is asked of it: how a unit of the check comes by the list of what its findings stand on.

Rules reach files through the tree and in no other way, so that the notes need no rule's help. Every unit is judged on
nodes of its own, because what a node remembers would be read without being asked for again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from checker.files import Folder, Stat, Tree
from schemas.plainfile import Where

FILE, FOLDER, BELOW, WITHIN = "F", "D", "T", "W"
"""First letter of a note: the file itself, what a directory lists (with sizes), all that is listed below it, or
whatever a directory holds: its listing and every file in it and below it."""
EVERYWHERE = ""
"""The directory below which everything lies."""


class Noted(Tree):
    """The same tree, with ``notes`` of all questions. ``loose``: something was asked that no note can hold."""

    def __init__(self, tree: Tree, own: Sequence[str] = ()) -> None:
        """Nothing is walked again. ``own`` are directories of which nearly all is asked for: one note stands for all of
        each."""
        vars(self).update(vars(tree))
        self._seen, self._own = tree.folders, tuple(own)
        self._opened: dict[str, Folder | None] = {}
        self.asked_files, self.asked_folders, self.asked_below = set[str](), set[str](), set[str]()
        self._below: dict[str, list[Folder]] = {}
        self.loose = False
        self.root = _Root(self, tree.root)  # type: ignore[assignment]
        self.folders = _Folders(self, tree.folders)

    @property
    def notes(self) -> frozenset[str]:
        """What was asked so far. Most paths are asked for several times; each becomes a note once, here."""
        kinds = ((FILE, self.asked_files), (FOLDER, self.asked_folders), (BELOW, self.asked_below))
        own, within = self._own, tuple([f"{path}/" for path in self._own])
        found = [
            kind + path
            for kind, paths in kinds
            for path in paths
            if not path.startswith(within) and path not in own
        ]
        return frozenset(found + [WITHIN + path for path in own])

    def _at(self, path: str) -> Folder | None:
        """A unit asks for the same few directories again and again: each is unpacked once."""
        if path not in self._opened:
            self._opened[path] = self._seen.get(path)
        return self._opened[path]

    def folder(self, path: str) -> Folder | None:
        """The directory at ``path``."""
        self.asked_folders.add(path)
        return super().folder(path)

    def dirs(self, path: str) -> list[str]:
        """Names of the directories in ``path``."""
        self.asked_folders.add(path)
        return super().dirs(path)

    def files(self, path: str) -> dict[str, int]:
        """Names and sizes of the files in ``path``."""
        self.asked_folders.add(path)
        return super().files(path)

    def file(self, path: str) -> Where:
        """Where a file lies. Anything but a file that the walk saw may lead anywhere."""
        if not self.has_file(path):
            self.loose = True
        return super().file(path)

    def stat(self, path: str) -> Stat | None:
        """What the walk saw of a file."""
        self.asked_files.add(path)
        return super().stat(path)

    def changed(self, path: str) -> bool:
        """Whether a file is another one than the walk saw."""
        self.asked_files.add(path)
        return super().changed(path)

    def has_file(self, path: str) -> bool:
        """Whether there is a file at ``path``."""
        self.asked_files.add(path)
        return super().has_file(path)

    def exists(self, path: str) -> bool:
        """Whether there is anything at ``path``."""
        self.asked_files.add(path)
        self.asked_folders.update((path, path.rpartition("/")[0]))
        return super().exists(path)

    def below(self, path: str) -> Iterator[Folder]:
        """The directory at ``path`` and all below it."""
        known = self._below.get(path)
        if known is None:
            self.asked_below.add(path)
            known = self._below[path] = list(super().below(path))
        return iter(known)


class _Folders(Mapping[str, Folder]):
    """The directories by path; a look at all of them is a look at everything."""

    def __init__(self, tree: Noted, folders: Mapping[str, Folder]) -> None:
        self._tree, self.seen = tree, folders

    def __getitem__(self, path: str) -> Folder:
        self._tree.asked_folders.add(path)
        return self.seen[path]

    def __contains__(self, path: object) -> bool:
        self._tree.asked_folders.add(str(path))
        return path in self.seen

    def __iter__(self) -> Iterator[str]:
        self._tree.asked_below.add(EVERYWHERE)
        return iter(self.seen)

    def __len__(self) -> int:
        self._tree.asked_below.add(EVERYWHERE)
        return len(self.seen)


class _Root(os.PathLike[str]):
    """The root, from which a path leads to a file that is then opened. A path to anything but a file that the walk
    saw, and the bare root, may lead anywhere."""

    def __init__(self, tree: Noted, root: Path) -> None:
        self._tree, self._root = tree, root

    def __truediv__(self, path: str | Path) -> Path:
        if not self._tree.has_file(os.fspath(path)):
            self._tree.loose = True
        return self._root / path

    def __fspath__(self) -> str:
        self._tree.loose = True
        return os.fspath(self._root)

    def __getattr__(self, name: str) -> Any:
        self._tree.loose = True
        return getattr(self._root, name)

    def __str__(self) -> str:
        return os.fspath(self)
