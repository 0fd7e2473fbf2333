"""What a tree looked like, in one row for each directory, and what changed since: git's index, for a submission.

A file is the same when size, both times, inode and device are. One that was written within the grain of the clock
before the tree was looked at is never taken for the same (git calls it racily clean): a second write could have fallen
into the same tick and left no trace.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from checker.cache.noted import BELOW, FILE, FOLDER, WITHIN
from checker.files import Folder, Stat, Tree, join

GRAIN_NS = 2_000_000_000
"""The coarsest clock of a file system in use (FAT writes even seconds). Also how far the clock of a file server may
lag behind ours."""
_RACY = -1
"""In place of the inode: a file that cannot be told from what it may become is like no other, itself included."""

Row = tuple[list[str], dict[str, str], str, dict[str, Stat]]
"""A directory: directories, links and other things in it, why it cannot be read, and its files."""
_ENCODED_CALM = b"\x92\x00"
"""How a row of rows begins in which no file is racy: a pair, of which the first is 0."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, dict[str, Row]]).decode


def take(tree: Tree, began_ns: int) -> bytes:
    """The rows of a tree whose walk began at ``began_ns`` (``time.time_ns``). UnicodeEncodeError for names that are
    no text."""
    newest = began_ns - GRAIN_NS
    rows = {path: _row(tree, folder, newest) for path, folder in tree.folders.items()}
    racy = sum(s.inode == _RACY for row in rows.values() for s in row[3].values())
    return _encode((racy, rows))


def _row(tree: Tree, folder: Folder, newest: int) -> Row:
    stats: dict[str, Stat] = folder.stats
    for seen in stats.values():
        if seen.ctime_ns > newest or seen.mtime_ns > newest:
            stats = {n: _racy(s.size) if max(s[1:3]) > newest else s for n, s in stats.items()}
            break
    if len(stats) < len(folder.files):  # some could not be looked at
        stats = {name: stats.get(name) or _racy(size) for name, size in folder.files.items()}
    links = folder.links
    if folder.special:
        links = links | {name: f"\0{kind}" for name, kind in folder.special.items()}
    return folder.dirs, links, tree.unreadable.get(folder.path, ""), stats


def _racy(size: int) -> Stat:
    return Stat(size, 0, 0, _RACY, 0)


def changes(before: bytes | memoryview, now: bytes) -> frozenset[str]:
    """The notes (see ``noted``) that no longer hold."""
    if before == now and now.startswith(_ENCODED_CALM):
        return frozenset()
    (_, old), (_, new) = _decode(before), _decode(now)
    found: set[str] = set()
    for path in {**old, **new}:
        found.update(_changed(path, old.get(path), new.get(path)))
    return frozenset(found)


def _changed(path: str, was: Row | None, now: Row | None) -> Iterator[str]:
    before, after = (was[3] if was else {}), (now[3] if now else {})
    files = [name for name in {**before, **after} if _differs(before.get(name), after.get(name))]
    listing = _listing(was) != _listing(now)
    for name in files:
        yield FILE + join(path, name)
    if listing:
        yield FOLDER + path
    for above in _upwards(path) if files or listing else ():
        yield WITHIN + above
        if listing:
            yield BELOW + above


def _differs(was: Stat | None, now: Stat | None) -> bool:
    return was is None or was.inode == _RACY or was != now


def _upwards(path: str) -> Iterator[str]:
    """A directory and all above it, up to the root."""
    yield path
    while path:
        path = path.rpartition("/")[0]
        yield path


def _listing(row: Row | None) -> object:
    """What a directory shows: names, sizes, links."""
    return None if row is None else (*row[:3], [(name, stat.size) for name, stat in row[3].items()])
