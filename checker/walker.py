"""Walks the folders of a submission once: what lies where, how large it is, and what it is.

Nothing is opened here. Links are followed as long as they stay in the tree and lead into no circle; pipes, sockets
and devices are told apart from files by the one ``stat`` that every file gets.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import NamedTuple

from checker.folders import Folder, Packed, folder, join, packed, stat_of
from schemas.errors import UserError
from schemas.plainfile import kind_of

_name = attrgetter("name")
_path = itemgetter(0)
MOST_ENTRIES = 1_000_000
"""Files and directories of a tree. All submitters of a round together have some ten thousand."""
DEEPEST = 64
"""Directories below each other; published sources have up to some twenty."""
MOST_BEHIND_LINKS = 20_000
"""Of them, those that are reached through links to directories: a few links to each other make endless trees."""
TOO_DEEP = f"it lies more than {DEEPEST} directories deep"


class Behind(NamedTuple):
    """A directory that is reached through links, under its real name: ``above`` is the one above it in which it was
    found, ``left`` the real name of the one where the first link stands."""

    real: str
    above: Behind | None
    left: str
    depth: int

    def holds(self, real: str) -> bool:
        """Whether a directory is this one or lies on the way to it."""
        at: Behind | None = self
        while at is not None:
            if at.real == real:
                return True
            at = at.above
        return _leads_to(real, self.left)


Waiting = list[tuple[str, Behind | None]]
"""Directories that are still to be walked, the next one last. For one without a link on the way to it the path says
all."""


@dataclass(slots=True)
class Seen:
    """What a walk has found so far: ``unreadable`` says why a directory could not be read, by path; ``live_links`` are
    those that lead somewhere in the tree. ``newest_ns`` is the latest time of a file. ``entries`` and ``behind_links``
    count towards the limits."""

    folders: dict[str, Packed] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    live_links: set[str] = field(default_factory=set)
    newest_ns: int = 0
    entries: int = 0
    behind_links: int = 0


class Walker:
    """Walks a tree, or a part of it, depth first and by name."""

    def __init__(self, root: Path) -> None:
        """Nothing is looked at yet but the name of the root."""
        self.root = root
        self._real_root, self._root_name = os.path.realpath(root), os.fspath(root)
        self.seen = Seen()

    def start(self) -> Waiting:
        """The root."""
        return [("", None)]

    def walk(self, waiting: Waiting, most: int | None = None) -> Waiting:
        """Walk what waits and all below it; what is left when ``most`` entries are seen, nothing without a limit.

        UserError when the tree holds more than anybody submits.
        """
        folders = self.seen.folders
        while waiting and (most is None or self.seen.entries < most):
            path, behind = waiting.pop()
            enter = behind is None and _depth(path) < DEEPEST
            dirs, names, stats, others = _sorted_out(self._list(path), enter=enter)
            if others:
                odd = folders[path] = folder(path, dirs, names, stats)
                waiting.extend(self._enter_all(odd, others, behind))
                stats = [number for seen in odd.stats.values() for number in seen]
            else:
                folders[path] = packed(path, dirs, names, stats)
                prefix = f"{path}/" if path else ""
                waiting.extend([(prefix + name, None) for name in reversed(dirs)])
            if stats:
                self.seen.newest_ns = max(self.seen.newest_ns, *stats[1::5], *stats[2::5])
        return waiting

    def add(self, found: Seen) -> bool:
        """Add what another walker saw of other parts; False where one alone would have come to a limit."""
        seen = self.seen
        entries, behind = seen.entries + found.entries, seen.behind_links + found.behind_links
        if entries > MOST_ENTRIES or behind > MOST_BEHIND_LINKS:
            return False
        seen.folders.update(found.folders)
        seen.unreadable.update(found.unreadable)
        seen.live_links |= found.live_links
        seen.newest_ns = max(seen.newest_ns, found.newest_ns)
        seen.entries, seen.behind_links = entries, behind
        return True

    def _refuse_flood(self) -> None:
        """UserError when more was seen than anybody submits."""
        if self.seen.entries > MOST_ENTRIES:
            raise UserError(
                f"{self.root} holds more than {MOST_ENTRIES} files and directories, more than a round of results; "
                "name the folder that holds closed/ or open/"
            )

    def _list(self, path: str) -> list[os.DirEntry[str]]:
        """What lies in a directory, by name."""
        try:
            with os.scandir(f"{self._root_name}/{path}" if path else self._root_name) as found:
                entries = list(islice(found, MOST_ENTRIES + 1 - self.seen.entries))
        except OSError as error:
            self.seen.unreadable[path] = error.strerror or str(error)
            return []
        self.seen.entries += len(entries)
        self._refuse_flood()
        entries.sort(key=_name)
        return entries

    def _enter_all(
        self, folder: Folder, others: Iterable[os.DirEntry[str]], behind: Behind | None
    ) -> Waiting:
        """Note what is neither a plain file nor a plain directory; all directories to go into, the first one last."""
        found: Waiting = [(join(folder.path, name), None) for name in folder.dirs]
        for entry in others:
            place = self._enter(folder, entry, behind)
            if place is not None:
                found.append((join(folder.path, entry.name), place))
        folder.dirs.sort()
        found.sort(key=_path, reverse=True)
        return found

    def _enter(self, folder: Folder, entry: os.DirEntry[str], behind: Behind | None) -> Behind | None:
        """Note one entry; where it is a directory to go into, its place."""
        try:
            return self._entered(folder, entry, behind)
        except FileNotFoundError:  # gone since the directory was listed
            return None
        except OSError as error:
            folder.files[entry.name] = 0
            self.seen.unreadable.setdefault(
                folder.path, f"its files cannot be looked at: {error.strerror or error}"
            )
            return None

    def _entered(self, folder: Folder, entry: os.DirEntry[str], behind: Behind | None) -> Behind | None:
        here = self._real(folder.path) if behind is None else behind.real
        inside = os.path.join(here, entry.name)
        linked = entry.is_symlink()
        if linked:
            folder.links[entry.name] = os.readlink(entry.path)
            inside = os.path.realpath(entry.path)
            if not os.path.exists(inside) or not _leads_to(self._real_root, inside):
                return None
            self.seen.live_links.add(join(folder.path, entry.name))
        if entry.is_dir():
            folder.dirs.append(entry.name)
            path = join(folder.path, entry.name)
            if behind is None and not linked:
                self.seen.unreadable[path] = TOO_DEEP
                return None
            return self._into(path, inside, behind or Behind(here, None, here, _depth(folder.path)))
        found = entry.stat()
        kind = kind_of(found.st_mode)
        if kind:
            folder.special[entry.name] = kind
            return None
        folder.files[entry.name] = found.st_size
        folder.stats[entry.name] = stat_of(found)
        return None

    def _into(self, path: str, inside: str, above: Behind) -> Behind | None:
        """A directory behind a link to go into; None for a circle, and where links have led to too much already."""
        if above.holds(inside):
            return None
        self.seen.behind_links += 1
        if self.seen.behind_links > MOST_BEHIND_LINKS:
            reason = f"links lead to more than {MOST_BEHIND_LINKS} directories"
            self.seen.unreadable.setdefault(path, reason)
            return None
        if above.depth == DEEPEST:
            self.seen.unreadable[path] = TOO_DEEP
            return None
        return Behind(inside, above, above.left, above.depth + 1)

    def _real(self, path: str) -> str:
        """The real name of a directory without a link on the way to it."""
        return os.path.join(self._real_root, path) if path else self._real_root


def _sorted_out(
    entries: list[os.DirEntry[str]], *, enter: bool
) -> tuple[list[str], list[str], list[int], list[os.DirEntry[str]]]:
    """The directories (with ``enter``) and files among some entries that are no links, as nearly all are, with what
    ``Stat`` holds of each file, one after the other. And all other entries."""
    dirs: list[str] = []
    names: list[str] = []
    stats: list[int] = []
    others: list[os.DirEntry[str]] = []
    for entry in entries:
        try:
            if entry.is_file(follow_symlinks=False):
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(found.st_mode):
                    names.append(entry.name)
                    stats += stat_of(found)
                    continue
            elif enter and entry.is_dir(follow_symlinks=False):
                dirs.append(entry.name)
                continue
        except OSError:
            pass
        others.append(entry)
    return dirs, names, stats, others


def _depth(path: str) -> int:
    """Directories on the way from the root."""
    return path.count("/") + 1 if path else 0


def _leads_to(above: str, real: str) -> bool:
    """Whether a directory is another one or lies on the way to it, by their real names."""
    return real == above or real.startswith(os.path.join(above, ""))
