"""What is known of one tree: judgements kept from before, as far as nothing that they stand on has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from checker.cache import snapshot, store
from checker.cache.stamp import stamp
from checker.files import Tree
from checker.options import Options
from checker.unit import Judged, Judgement, decode
from schemas.kept import kept

_names = msgspec.msgpack.Decoder(list[str]).decode
_notes = msgspec.msgpack.Decoder(dict[str, list[int]]).decode


class Known:
    """Judgements by unit. Made without arguments it knows nothing and keeps nothing."""

    def __init__(self, path: Path | None = None, take: Callable[[], bytes] = bytes) -> None:
        """``path`` is the file of the cache, ``take`` makes the snapshot of the tree. UnicodeEncodeError for a tree
        with names that are no text."""
        self._path, self._take = path, take
        self._units: dict[str, bytes] = {}
        self._notes: dict[str, Sequence[str]] = {}
        self._before: store.Kept | None = None
        self._used: set[str] = set()
        self._learned = False
        if path is not None:
            self._recall(path)

    @kept
    def _now(self) -> bytes:
        return self._take()

    def _recall(self, path: Path) -> None:
        before = store.load(path)
        if before is None:
            return
        try:
            gone = snapshot.changes(before.snapshot, self._now)
            self._units, self._before = dict(before.units), before
            if gone:
                self._learned = True
                for key, notes in self._all_notes().items():
                    if not gone.isdisjoint(notes):
                        del self._units[key]
        except (msgspec.MsgspecError, ValueError, KeyError, IndexError):  # the form of another version
            self._units, self._before, self._notes = {}, None, {}

    def _all_notes(self) -> dict[str, Sequence[str]]:
        """What each judgement stands on; unpacked when it is asked for, since mostly nothing changed."""
        if self._before is not None:
            names, rows = _names(self._before.names), _notes(self._before.notes)
            self._notes = {key: [names[at] for at in row] for key, row in rows.items()} | self._notes
            self._before = None
        return self._notes

    def judgements(self, keys: Iterable[str]) -> dict[str, Judgement]:
        """The judgements that are known of units, by key."""
        found = {}
        for key in keys:
            encoded = self._units.get(key)
            if encoded is not None:
                try:
                    found[key] = decode(encoded)
                except msgspec.MsgspecError:
                    self._units.pop(key)
        self._used = set(found)
        return found

    def holds(self, key: str) -> bool:
        """Whether a judgement was known from before."""
        return key in self._used

    def learn(self, judged: Judged) -> None:
        """Remember a judgement, where it is known what it stands on."""
        if self._path is None or judged.encoded is None or judged.notes is None:
            return
        self._units[judged.key] = judged.encoded
        self._notes[judged.key] = judged.notes.split("\0")
        self._learned = True

    def keep(self) -> bool:
        """Write what is known now; False where there is nothing new, or it could not be written."""
        if self._path is None or not self._learned:
            return False
        notes = {key: row for key, row in self._all_notes().items() if key in self._units}
        numbers: dict[str, int] = {}
        rows = {key: [numbers.setdefault(n, len(numbers)) for n in row] for key, row in notes.items()}
        encode = msgspec.msgpack.encode
        try:
            kept = store.Kept(self._now, encode(list(numbers)), encode(rows), self._units)
        except UnicodeEncodeError:  # names that are no text
            return False
        return store.save(self._path, kept)


def of(tree: Tree, began_ns: int, options: Options) -> Known:
    """What is known of a tree whose walk began at ``began_ns``, for the question that ``options`` ask."""
    if options.cache is None or not store.usable(options.cache, tree.root):
        return Known()
    program = stamp()
    question = "\0".join((program, options.round, options.power, str(options.power_checker)))
    path = store.place(options.cache, tree.root, question)
    if options.forget or not program:
        store.forget(path)
        return Known()
    try:
        return Known(path, partial(snapshot.take, tree, began_ns))
    except UnicodeEncodeError:  # names that are no text
        return Known()
