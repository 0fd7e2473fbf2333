"""The marked lines of a detail log: one as ``LogEntry``, and all of an ordinary log decoded in one go as ``Entries``.

Nearly all bytes of a log list the samples that a run loads. The seeds of a round draw the same lists again and again,
so a long list is decoded where it is seen for the first time, and known by its bytes from then on.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from typing import Any, overload

import msgspec

MOST_ENTRIES = 100_000
"""Entries of a log; published ones have some hundred."""
DEEPEST = 50
"""Levels of an entry; what LoadGen writes has three."""
LONGEST_NUMBER = 309
"""Digits of a whole number: one with more fits no floating point number, and no rule can compare it."""
SMALL_INTEGER = 18
"""Digits of an integer that is exact in any reader."""
LONG_ENTRY = 1 << 10
"""Bytes from which on the value of an entry is worth remembering."""
MOST_REMEMBERED = 1 << 23
"""Bytes of values that are remembered; those of a submission with forty results are some two million."""
TELLING = 64
"""First bytes of a value by which it is looked for."""
MOST_ALIKE = 8
"""Values that begin with the same bytes: the same seed draws the same samples for runs of other sizes."""
BEGINNING = 4096
_QUOTE, _BRACKET = b'"['
_LONG_NUMBER = re.compile(rb"\d{%d}" % (LONGEST_NUMBER + 1))
_LIST = b'", "value": ['
"""What LoadGen writes between the key of an entry and the rest of a list. No text can hold it: its quotes would be
escaped."""
_TAIL = b', "time_ms": '
_STAND_IN = b"[%s]" % b",".join(b"%d" % (secrets.randbits(62) | 1 << 61) for _ in range(3))
"""Stands for a remembered list while the rest of its line is decoded; no file can hold it by intent. It is longer than
``DEEPEST``, so that it is met where long values are looked at anyway."""


class LogEntry(msgspec.Struct, frozen=True):
    """One marked line. ``line`` counts from 1; ``raw`` is the value as written, JSON."""

    key: str
    raw: bytes
    line: int
    is_error: bool
    is_warning: bool
    time_ms: float

    @property
    def value(self) -> Any:
        """The value; a list with a number of more digits than Python reads is given as text."""
        return value_of(self.raw)

    @property
    def is_list(self) -> bool:
        """Whether the value is a list; a log lists its samples, up to some hundred thousand."""
        return is_list(self.raw)


class Metadata(msgspec.Struct, gc=False):
    """What a line says of itself."""

    is_error: bool = False
    is_warning: bool = False


class Line(msgspec.Struct, gc=False):
    """A line as it is decoded."""

    key: str
    value: msgspec.Raw
    metadata: Metadata
    time_ms: float = 0.0


_lines = msgspec.json.Decoder(Line)
decode_line, _decode_lines = _lines.decode, _lines.decode_lines
_decode_any = msgspec.json.Decoder().decode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode


def is_list(raw: bytes) -> bool:
    """Whether the value of an entry is a list, as ``LogEntry.is_list``."""
    return raw.startswith(b"[")


def value_of(raw: bytes) -> Any:
    """The value of an entry, as ``LogEntry.value``."""
    try:
        return _value(raw)
    except (ValueError, RecursionError):
        return raw[:LONGEST_NUMBER].decode("utf-8", "replace")


def _value(raw: bytes) -> Any:
    """A JSON value; the fast reader takes those that both readers take for the same."""
    if len(raw) <= SMALL_INTEGER or raw.startswith((b'"', b'["')):
        try:
            return _decode_any(raw)
        except msgspec.MsgspecError:
            pass
    return json.loads(raw)


class Entries(Sequence[LogEntry]):
    """The entries of a log in which every line is one: the entry at ``n`` stands in line ``n + 1``. Each is made when
    it is asked for, since nearly all of them never are."""

    __slots__ = ("_errors", "_rows")

    def __init__(self, rows: Sequence[Line]) -> None:
        """The lines, decoded."""
        self._rows = rows
        self._errors: list[int] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> LogEntry: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[LogEntry, ...]: ...
    def __getitem__(self, at: int | slice) -> LogEntry | tuple[LogEntry, ...]:
        if isinstance(at, slice):
            return tuple(self[n] for n in range(*at.indices(len(self))))
        row = self._rows[at]
        about = row.metadata
        line = (at if at >= 0 else at + len(self._rows)) + 1
        return LogEntry(row.key, bytes(row.value), line, about.is_error, about.is_warning, row.time_ms)

    def raw(self, at: int) -> bytes:
        """The value of an entry as written, which takes less time than the entry."""
        return bytes(self._rows[at].value)

    def keys(self) -> list[str]:
        """The key of each entry."""
        return [row.key for row in self._rows]

    def errors(self) -> list[int]:
        """Which entries LoadGen marked as errors."""
        if self._errors is None:
            self._errors = [at for at, row in enumerate(self._rows) if row.metadata.is_error]
        return self._errors

    def times_ms(self) -> list[float]:
        """The time of each entry."""
        return [row.time_ms for row in self._rows]

    def short_values(self, longest: int) -> bytes:
        """Values of at most ``longest`` bytes, as written, with a zero byte between each two."""
        return b"\0".join([row.value for row in self._rows if len(row.value) <= longest])


def at_once(data: bytes, marker: bytes) -> Entries | None:
    """All lines of a log decoded in one go; None for one that has to be looked at line by line."""
    if not data.startswith(marker + b" {"):
        return None
    if data.startswith(b"\r\n", data.find(b"\n") - 1):
        data = data.replace(b"\r\n", b"\n")
    text, lists = _without_long_lists(data)
    rows = _decoded(text, marker)
    if rows is None:
        return None
    left = iter(lists)
    for row in [row for row in rows if len(row.value) > DEEPEST]:
        if bytes(row.value) == _STAND_IN:
            row.value = next(left)
        elif not _sound(row.value):
            return None
    return Entries(rows) if next(left, None) is None else None


def _decoded(text: bytes, marker: bytes) -> list[Line] | None:
    """The lines of a log, each of which is one object behind the marker; None where one is anything else.

    The lines are cut where a brace, the end of a line, the marker and another brace follow each other, and joined
    with ``\r``, which no text of JSON may hold. An object that is not complete at the end of its line has just seen
    the end of one inside it, and cannot go on with the beginning of another. None therefore runs on into the next
    line; and no line holds two, since there are as many objects as lines.
    """
    lines = text.split(b"}\n%s {" % marker)
    if len(lines) > MOST_ENTRIES:
        return None
    lines[0] = lines[0].removeprefix(marker + b" ")
    lines[-1] = lines[-1].removesuffix(b"\n")
    joined = b"}\r{".join(lines)
    if b"\n" in joined:
        return None
    try:
        if not joined.isascii():
            joined.decode("utf-8")
        rows = _decode_lines(joined)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return rows if len(rows) == len(lines) else None


class _Remembered(dict[bytes, list[msgspec.Raw]]):
    """Values by how they begin. ``size`` is the sum of their bytes."""

    size = 0

    def add(self, value: msgspec.Raw) -> None:
        """One more; where there are too many, the others are forgotten."""
        if self.size + len(value) > MOST_REMEMBERED:
            self.clear()
            self.size = 0
        alike = self.setdefault(bytes(memoryview(value)[:TELLING]), [])
        if len(alike) == MOST_ALIKE:
            self.size -= len(alike.pop())
        self.size += len(value)
        alike.insert(0, value)

    def at(self, data: bytes, begin: int) -> msgspec.Raw | None:
        """The value that stands at a place of a log, if it is one of these."""
        for value in self.get(data[begin : begin + TELLING], ()):
            if data.startswith(value, begin):
                return value
        return None


_remembered = _Remembered()


def _without_long_lists(data: bytes) -> tuple[bytes, list[msgspec.Raw]]:
    """A log with the stand-in in the place of each long list that is whole and not odd, and these lists in order.

    A list that is known is not looked through for its end: it is there where its bytes are. Brackets are rare but for
    those of the lists, and a single byte is found with less work than several.
    """
    parts: list[memoryview] = []
    found: list[msgspec.Raw] = []
    whole = memoryview(data)
    done = 0
    at = data.find(b"[")
    for _ in range(MOST_ENTRIES):
        if at < 0:
            break
        value = None
        if data.startswith(_LIST, at + 1 - len(_LIST)):
            value = _remembered.at(data, at) or _new(data, at)
        if value is None:  # a line is looked at once, however many brackets it holds
            line_end = data.find(b"\n", at)
            at = data.find(b"[", line_end) if line_end >= 0 else -1
            continue
        parts.append(whole[done:at])
        found.append(value)
        done = at + len(value)
        at = data.find(b"[", done)
    return _STAND_IN.join([*parts, whole[done:]]), found


def _new(data: bytes, begin: int) -> msgspec.Raw | None:
    """The long list that begins somewhere in a log; None where it is short, not whole, odd, or not plain ASCII."""
    if data.find(b"\n", begin, begin + LONG_ENTRY) >= 0:
        return None
    line_end = data.find(b"\n", begin)
    end = data.rfind(_TAIL, begin, line_end if line_end >= 0 else len(data))
    if end < 0:
        return None
    text = data[begin:end]
    try:
        value = _decode_raw(text)
    except (msgspec.MsgspecError, RecursionError):
        return None
    if _odd(value) or not text.isascii():
        return None
    _remembered.add(value)
    return value


def _sound(value: msgspec.Raw) -> bool:
    """Whether a long value is not odd; of one that many logs hold this is found out once."""
    if len(value) < LONG_ENTRY:
        return not _odd(value)
    known = _remembered.at(bytes(value), 0)
    if known is not None and len(known) == len(value):
        return True
    if _odd(value):
        return False
    _remembered.add(value.copy())
    return True


def _odd(value: msgspec.Raw) -> bool:
    """Whether a long value may be beyond a limit, and has to be looked at closely; a text is not. Of lists the
    beginning tells: one that is nested deeper further on does no harm, since nobody asks for it."""
    seen = memoryview(value)
    if seen[0] == _QUOTE:
        return False
    begin = bytes(seen[:BEGINNING])
    if begin.count(b"[") + begin.count(b"{") > DEEPEST:
        return True
    return seen[0] != _BRACKET and _LONG_NUMBER.search(seen) is not None
