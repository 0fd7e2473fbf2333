"""What a tree looked like, in one row for each directory, and what changed since: git's index, for a submission.

A file is the same when size, both times, inode and device are. One that was written within the grain of the clock
before the tree was looked at is never taken for the same (git calls it racily clean): a second write could have fallen
into the same tick and left no trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from checker.cache.noted import BELOW, FILE, FOLDER, WITHIN
from checker.files import Folder, Stat, Tree, join
from checker.folders import unpacked

GRAIN_NS = 2_000_000_000
"""The coarsest clock of a file system in use (FAT writes even seconds). Also how far the clock of a file server may
lag behind ours."""
_RACY = -1
"""In place of the inode: a file that cannot be told from what it may become is like no other, itself included."""

Row = tuple[list[str], dict[str, str], str, dict[str, Stat]]
"""A directory: directories, links and other things in it, why it cannot be read, and its files."""
_ENCODED_CALM = b"\x93\x00"
"""How a snapshot begins in which no file is racy: three parts, of which the first is 0."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, dict[str, bytes], dict[str, Row]]).decode


def take(tree: Tree, began_ns: int) -> bytes:
    """The directories of a tree whose walk began at ``began_ns`` (``time.time_ns``): how many files are racy, the plain
    ones as the tree holds them, and a row for each other one. UnicodeEncodeError for names that are no text."""
    newest = began_ns - GRAIN_NS
    calm = tree.newest_ns <= newest
    plain: dict[str, bytes] = {}
    rows: dict[str, Row] = {}
    for path, data in tree.packed.items():
        if calm and isinstance(data, bytes) and path not in tree.unreadable:
            plain[path] = data
        else:
            rows[path] = _row(tree, unpacked(path, data), newest)
    racy = sum(s.inode == _RACY for row in rows.values() for s in row[3].values())
    return _encode((racy, plain, rows))


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
    """The notes (see ``noted``) that no longer hold. ValueError for what is no snapshot."""
    if before == now and now.startswith(_ENCODED_CALM):
        return frozenset()
    (_, plain, rows), (_, plain_now, rows_now) = _decode(before), _decode(now)
    found: set[str] = set()
    for path in {**plain, **rows, **plain_now, **rows_now}:
        if path not in plain or plain[path] != plain_now.get(path):
            found.update(_changed(path, _of(path, plain, rows), _of(path, plain_now, rows_now)))
    return frozenset(found)


def _of(path: str, plain: Mapping[str, bytes], rows: Mapping[str, Row]) -> Row | None:
    """The row of a directory in a snapshot."""
    if path not in plain:
        return rows.get(path)
    folder = unpacked(path, plain[path])
    return folder.dirs, {}, "", folder.stats


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
