"""Opens files that come from strangers: only plain ones, never waiting, and none above a limit.

A named pipe in the place of a log would be waited for without end, a device may do something when it is opened.
What a path names is therefore looked at before it is opened, and what was opened is looked at once more. Where somebody
has looked before, as for all files of a tree, the first look is his: what took the place of a file since then is opened
without waiting and without becoming the terminal of this process, is then seen for what it is, and is never read.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from io import BufferedReader, FileIO

FilePath = os.PathLike[str]
"""Where a file lies: a ``Path``, or for the many files of a tree what takes less time to make."""


class Where(os.PathLike[str]):
    """Where a file lies, for the many files of a tree: a ``Path`` takes longer to make than some of them to read.

    ``known``: somebody has looked at it, and it was a plain file. ``left``: what the system said of it when all of it
    was read, by its handle, so that it is the file that was read; None where nothing in this module read all of it.
    """

    __slots__ = ("_text", "known", "left")

    def __init__(self, text: str) -> None:
        """The path as text."""
        self._text, self.known = text, False
        self.left: os.stat_result | None = None

    def __fspath__(self) -> str:
        return self._text


_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT"):
    _FLAGS |= getattr(os, _name, 0)
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
}


class NotPlain(OSError):
    """What should be a file is something else; ``strerror`` says what."""


class TooLarge(ValueError):
    """A file above the limit; the text says both sizes."""


def kind_of(mode: int) -> str:
    """What a mode of ``stat`` stands for, in words; empty for a plain file."""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "something special")


def open_plain(path: FilePath, limit: int | None = None) -> BufferedReader:
    """A plain file, opened for its bytes.

    Raises OSError when it cannot be opened, ``NotPlain`` (an OSError) when it is no plain file, ``TooLarge``
    (a ValueError) when it holds more than ``limit`` bytes.
    """
    handle, _ = _opened(path, limit)
    try:
        return BufferedReader(FileIO(handle))
    except BaseException:
        os.close(handle)
        raise


def read_plain(path: FilePath, limit: int) -> bytes:
    """All bytes of a plain file; raises as ``open_plain``, also where it grows beyond ``limit`` while it is read."""
    handle, size = _opened(path, limit)
    try:
        data = os.read(handle, size + 1)
        while len(data) != size and len(data) <= limit and (more := os.read(handle, 1 << 20)):
            data += more  # it grew, or the system gave less than there was
        _leave(path, handle)
    finally:
        os.close(handle)
    if len(data) > limit:
        raise TooLarge(f"grew beyond {limit} bytes while it was read")
    return data


def read_pieces(path: FilePath, limit: int, size: int) -> Iterator[bytes]:
    """The same piece by piece, up to ``size`` bytes each, for what is too large to hold; raises as ``read_plain``."""
    handle, _ = _opened(path, limit)
    try:
        seen = 0
        while piece := os.read(handle, size):
            seen += len(piece)
            if seen > limit:
                raise TooLarge(f"grew beyond {limit} bytes while it was read")
            yield piece
        _leave(path, handle)
    finally:
        os.close(handle)


def _leave(path: FilePath, handle: int) -> None:
    if isinstance(path, Where):
        path.left = os.fstat(handle)


def _opened(path: FilePath, limit: int | None) -> tuple[int, int]:
    """The handle of a plain file, and its bytes."""
    name = os.fspath(path)
    known = False
    if isinstance(path, Where):
        path.left, known = None, path.known
    if not known:
        _refuse(name, os.stat(name), limit)
    try:
        handle = os.open(name, _FLAGS)
    except OSError:  # a socket cannot be opened, and is to be told
        _refuse(name, os.stat(name), limit)
        raise
    try:
        found = os.fstat(handle)
        _refuse(name, found, limit)
        return handle, found.st_size
    except BaseException:
        os.close(handle)
        raise


def _refuse(name: str, found: os.stat_result, limit: int | None) -> None:
    kind = kind_of(found.st_mode)
    if kind:
        raise NotPlain(errno.EINVAL, f"is {kind}, not a file", name)
    if limit is not None and found.st_size > limit:
        raise TooLarge(f"is {found.st_size} bytes long, more than the {limit} that are read")
