"""What the walk saw: each directory with the names in it, and what tells whether a file is still the same."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, NamedTuple


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


NO_NAMES: list[str] = []
NOTHING: dict[str, Any] = {}
"""What all directories share in which there is nothing of a kind, as in most there is of most kinds. Nobody adds to
either."""


def plain_folder(path: str, dirs: list[str], files: dict[str, int], stats: dict[str, Stat]) -> Folder:
    """A directory with files and directories only."""
    return Folder(path, dirs or NO_NAMES, files or NOTHING, NOTHING, stats or NOTHING, NOTHING)


def stat_of(found: os.stat_result) -> Stat:
    """The part of a ``stat`` that counts."""
    return Stat(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)


def same(now: os.stat_result, seen: Stat) -> bool:
    """Whether a file is the one that the walk saw. Not when its name or its owner changed, but when what it holds may
    have. On Windows what a directory says of its files has no inode, and may be late."""
    if os.name == "nt":
        return now.st_size == seen.size
    return (
        now.st_size == seen.size
        and now.st_mtime_ns == seen.mtime_ns
        and now.st_ino == seen.inode
        and now.st_dev == seen.device
    )


def join(*parts: str) -> str:
    """Names to one relative path."""
    if len(parts) == 2 and parts[0] and parts[1]:
        return f"{parts[0]}/{parts[1]}"
    return "/".join(filter(None, parts))
