"""What the walk saw: each directory with the names in it, and what tells whether a file is still the same."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, overload

import msgspec

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


Packed = bytes | Folder
"""A directory on few bytes; as it is where it holds what does not fit into them, or very much."""
MANY = 100
"""Names in a directory that is not packed: ten thousand systems each look for their own file among those of all."""


class Folders(Mapping[str, Folder]):
    """Directories by path, packed until one is asked for. A large tree has a hundred thousand of them, and every object
    that they consist of would be copied into each process that judges a part of the tree."""

    __slots__ = ("packed",)

    def __init__(self, packed: dict[str, Packed]) -> None:
        """As they were walked."""
        self.packed = packed

    def __getitem__(self, path: str) -> Folder:
        return unpacked(path, self.packed[path])

    def __contains__(self, path: object) -> bool:
        return path in self.packed

    def __iter__(self) -> Iterator[str]:
        return iter(self.packed)

    def __len__(self) -> int:
        return len(self.packed)

    @overload
    def get(self, path: str, /) -> Folder | None: ...
    @overload
    def get(self, path: str, /, default: Folder | T) -> Folder | T: ...
    def get(self, path: str, /, default: T | None = None) -> Folder | T | None:
        """The directory at ``path``."""
        found = self.packed.get(path)
        return default if found is None else unpacked(path, found)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[list[str], list[str], list[int]]).decode


def packed(path: str, dirs: list[str], names: list[str], stats: list[int]) -> Packed:
    """A directory with directories and files only; ``stats`` holds of each file what ``Stat`` does, one after the
    other. As it is with ``MANY`` names, with names that are no text, or with numbers beyond what 64 bits hold."""
    if len(dirs) + len(names) < MANY:
        with contextlib.suppress(UnicodeEncodeError, OverflowError):
            return _encode((dirs, names, stats))
    return folder(path, dirs, names, stats)


def unpacked(path: str, data: Packed) -> Folder:
    """The directory again."""
    return folder(path, *_decode(data)) if isinstance(data, bytes) else data


def folder(path: str, dirs: list[str], names: list[str], stats: list[int]) -> Folder:
    """A directory of such columns."""
    files = zip(names, stats[:: len(Stat._fields)], strict=True)
    return Folder(path, dirs, dict(files), {}, dict(zip(names, _rows(stats), strict=True)))


def _rows(stats: list[int]) -> Iterator[Stat]:
    numbers = [iter(stats)] * len(Stat._fields)
    return map(Stat._make, zip(*numbers, strict=True))


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
