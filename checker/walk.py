"""The folders of a submission as they were walked once (``walker``), and the questions one asks of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from checker.folders import Folder, Folders, Stat, join, same
from checker.walk_shared import walk
from schemas.plainfile import Where

__all__ = ["Folder", "Stat", "Tree", "join"]


class Tree:
    """All directories of a submission. Paths are relative with ``/``; the root is the empty text."""

    def __init__(self, root: Path, *, share: bool = False) -> None:
        """Walk ``root``, with ``share`` a large one in two processes. ``unreadable`` says why a directory could not be
        read, by path; ``newest_ns`` is the latest time of a file; in ``shared`` readers keep what several of them ask
        for.

        UserError when it holds more than anybody submits.
        """
        self.root = root
        seen = walk(root, share=share)
        self.folders: Mapping[str, Folder] = Folders(seen.folders)
        self.packed, self.newest_ns = seen.folders, seen.newest_ns
        self.unreadable, self.live_links = seen.unreadable, seen.live_links
        self.shared: dict[tuple[str, str], Any] = {}
        self._root_name = os.fspath(root)

    def file(self, path: str) -> Where:
        """Where a file lies, for the one who opens it."""
        return Where(f"{self._root_name}/{path}")

    def _at(self, path: str) -> Folder | None:
        """The directory at ``path``, for all questions."""
        return self.folders.get(path)

    def folder(self, path: str) -> Folder | None:
        """The directory at ``path``."""
        return self._at(path)

    def dirs(self, path: str) -> list[str]:
        """Names of the directories in ``path``; none when there is no such directory."""
        found = self._at(path)
        return [] if found is None else found.dirs

    def files(self, path: str) -> dict[str, int]:
        """Names and sizes of the files in ``path``; none when there is no such directory."""
        found = self._at(path)
        return {} if found is None else found.files

    def stat(self, path: str) -> Stat | None:
        """What the walk saw of a file; None when it saw no file there."""
        head, _, name = path.rpartition("/")
        found = self._at(head)
        return None if found is None else found.stats.get(name)

    def changed(self, path: str) -> bool:
        """Whether a file is another one than the walk saw: its bytes, its time or what the path leads to."""
        before = self.stat(path)
        try:
            now = os.stat(f"{self._root_name}/{path}")
        except OSError:
            return True
        return before is not None and not same(now, before)

    def has_file(self, path: str) -> bool:
        """Whether there is a file at ``path``."""
        head, _, name = path.rpartition("/")
        found = self._at(head)
        return found is not None and name in found.files

    def exists(self, path: str) -> bool:
        """Whether there is anything at ``path``."""
        if path in self.live_links or self._at(path) is not None or self.has_file(path):
            return True
        head, _, name = path.rpartition("/")
        found = self._at(head)
        return found is not None and name in found.special

    def below(self, path: str) -> Iterator[Folder]:
        """The directory at ``path`` and all below it, in order of the walk."""
        waiting = [path]
        while waiting:
            found = self._at(waiting.pop())
            if found is not None:
                yield found
                prefix = f"{found.path}/" if found.path else ""
                waiting.extend([prefix + name for name in reversed(found.dirs)])
