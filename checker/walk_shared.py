"""A large tree walked by two processes: each ``stat`` of a file waits for the kernel, and two wait side by side.

The first process walks until it knows what there is to share. A fork of it then takes one folder after the other from
the same pile, and hands over what it saw in the end. Whatever goes wrong with that, the first process walks all alone.
"""

from __future__ import annotations

import contextlib
import gc
import marshal
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from checker.folders import Folder, Packed, Stat
from checker.processes import cores, may_fork
from checker.walker import Seen, Waiting, Walker

SHARE_AFTER = 3000
"""Entries after which the rest is shared: one submission alone is not worth a fork."""
MOST_PIECES = 255
"""Pieces of the rest, each known by one byte: a pipe hands out every byte once, and takes that many at a time."""


def walk(root: Path, *, share: bool) -> Seen:
    """All that lies in ``root``, by name and depth first. UserError when it is more than anybody submits."""
    if share and may_fork() and cores() > 1:
        walker = Walker(root)
        left = walker.walk(walker.start(), SHARE_AFTER)
        if not left or _shared(walker, _pieces(left)):
            walker.seen.folders = dict(sorted(walker.seen.folders.items(), key=_place))
            return walker.seen
    walker = Walker(root)
    walker.walk(walker.start())
    return walker.seen


def _pieces(left: Waiting) -> list[Waiting]:
    """What waits, in the order in which it is taken: what lies nearest to the root holds most, and comes first."""
    size = -(-len(left) // MOST_PIECES)
    return [left[at : at + size] for at in range(0, len(left), size)]


def _place(item: tuple[str, Packed]) -> str:
    """What sorts folders as they are walked: no name holds a zero, which comes before all that names may hold."""
    return item[0].replace("/", "\0")


def _shared(walker: Walker, pieces: list[Waiting]) -> bool:
    """Walk the pieces in two processes; False when they could not be put together."""
    with _pile(len(pieces)) as pile, _elsewhere(walker, pieces, pile) as answer:
        _take(walker, pieces, pile)
        found = _heard(answer)
    return found is not None and walker.add(found)


@contextlib.contextmanager
def _pile(number: int) -> Iterator[int]:
    """Where the numbers of the pieces are taken from, one byte each, by whoever comes first."""
    take, put = os.pipe()
    try:
        os.write(put, bytes(range(number)))
        os.close(put)
        yield take
    finally:
        os.close(take)


def _take(walker: Walker, pieces: list[Waiting], pile: int) -> None:
    """Take pieces and walk them until there are no more."""
    while number := os.read(pile, 1):
        walker.walk(list(pieces[number[0]]))


@contextlib.contextmanager
def _elsewhere(walker: Walker, pieces: list[Waiting], pile: int) -> Iterator[int]:
    """Another process that takes pieces too; given is where its answer can be read. It does not outlive the block."""
    receive, send = os.pipe()
    try:
        child = os.fork()
    except OSError:  # no more processes: nothing will be answered
        child = -1
    if child == 0:
        os.close(receive)
        _answer(walker, pieces, pile, send)
    os.close(send)
    try:
        yield receive
    finally:
        os.close(receive)
        if child > 0:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(child, signal.SIGKILL)  # it has answered, or nobody listens any more
                os.waitpid(child, 0)


def _answer(walker: Walker, pieces: list[Waiting], pile: int, send: int) -> None:
    """Walk, say what was seen, and end. Half an answer, or none, is as good as no other process."""
    try:
        gc.disable()
        walker.seen = Seen()
        _take(walker, pieces, pile)
        with os.fdopen(send, "wb") as file:
            file.write(marshal.dumps(_said(walker.seen), 2))
    finally:
        os._exit(0)


def _said(seen: Seen) -> tuple[Any, ...]:
    """All that was seen in objects that ``marshal`` knows."""
    plain = {path: data for path, data in seen.folders.items() if isinstance(data, bytes)}
    odd = [_row(found) for found in seen.folders.values() if isinstance(found, Folder)]
    others = (seen.unreadable, seen.live_links, seen.newest_ns, seen.entries, seen.behind_links)
    return plain, odd, others


def _row(found: Folder) -> tuple[Any, ...]:
    stats = {name: tuple(stat) for name, stat in found.stats.items()}
    return found.path, found.dirs, found.files, found.links, stats, found.special


def _heard(answer: int) -> Seen | None:
    """What the other process saw; None when it did not say it to the end."""
    with os.fdopen(answer, "rb", closefd=False) as file:
        said = file.read()
    try:
        plain, odd, others = marshal.loads(said)
    except (EOFError, ValueError, TypeError):
        return None
    for path, dirs, files, links, stats, special in odd:
        rows = {name: Stat._make(row) for name, row in stats.items()}
        plain[path] = Folder(path, dirs, files, links, rows, special)
    return Seen(plain, *others)
