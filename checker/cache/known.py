"""What is known of one tree: judgements kept from before, as far as nothing that they stand on has changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from checker.cache import snapshot, store
from checker.cache.stamp import stamp
from checker.files import Tree
from checker.options import Options
from checker.processes import beside
from checker.unit import Judged, Judgement, decode

_names = msgspec.msgpack.Decoder(list[str]).decode
_notes = msgspec.msgpack.Decoder(dict[str, list[int]]).decode
WORTH_A_PROCESS = 500
"""Judgements below which writing them takes no longer than a fork."""


class Known:
    """Judgements by unit. Made without arguments it knows nothing and keeps nothing."""

    def __init__(self, path: Path | None = None, now: bytes = b"") -> None:
        """``path`` is the file of the cache, ``now`` the snapshot of the tree."""
        self._path, self._now = path, now
        self._units: dict[str, bytes] = {}
        self._notes: dict[str, Sequence[str]] = {}
        self._before: store.Kept | None = None
        self._used: set[str] = set()
        self._learned = False
        if path is not None:
            self._recall(path)

    def _recall(self, path: Path) -> None:
        kept = store.load(path)
        if kept is None:
            return
        try:
            gone = snapshot.changes(kept.snapshot, self._now)
            self._units, self._before = dict(kept.units), kept
            if gone:
                self._learned = True
                for key, notes in self._all_notes().items():
                    if not gone.isdisjoint(notes):
                        del self._units[key]
        except (msgspec.MsgspecError, KeyError, IndexError):  # the form of another version
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

    @contextlib.contextmanager
    def keeping(self) -> Iterator[None]:
        """Write what is known now, where something is new: of much of it while the block runs."""
        if self._path is None or not self._learned:
            yield
        elif len(self._units) < WORTH_A_PROCESS:
            self._keep(self._path)
            yield
        else:
            with beside(partial(self._keep, self._path)):
                yield

    def _keep(self, path: Path) -> None:
        notes = {key: row for key, row in self._all_notes().items() if key in self._units}
        numbers: dict[str, int] = {}
        rows = {key: [numbers.setdefault(n, len(numbers)) for n in row] for key, row in notes.items()}
        encode = msgspec.msgpack.encode
        with contextlib.suppress(UnicodeEncodeError):  # a note that is no text
            store.save(path, store.Kept(self._now, encode(list(numbers)), encode(rows), self._units))


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
        return Known(path, snapshot.take(tree, began_ns))
    except UnicodeEncodeError:  # names that are no text
        return Known()
