"""The one door through which mlcheck reads files: every byte of a submission and of what a user names passes here.

Limits stand in front of each kind of file, because the files come from strangers: bytes, length of a line, depth of
a document, digits of a number. What is beyond a limit is refused with a sentence (``ValueError``), what is no plain
file with ``NotPlain`` (an ``OSError``). Nothing here waits, and nothing here writes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from schemas.plainfile import FilePath, TooLarge, open_plain, read_pieces, read_plain

LARGEST_DOCUMENT = 8 << 20
"""Bytes of a JSON document; the largest of published results are some ten kilobytes long. Python needs up to
thirty times as much memory for what a document holds."""
LARGEST_TEXT = 8 << 20
"""Bytes of a text; the largest published is the log of a power daemon with 420 kB."""
LONGEST_LINE = 1 << 16
"""Bytes of a line of a text; published ones have up to some thousand."""
LARGEST_ACCURACY_LOG = 2 << 30
"""Bytes of an accuracy log before it is cut; it is read in pieces, for its hash alone."""
PIECE = 1 << 17
"""Bytes of a large file that are read in one go."""
LARGEST_GIVEN = 128 << 20
"""Bytes of a file that a user names: a former report."""
DEEPEST = 100
"""Levels of a document; published ones have five."""
TOO_DEEP = f"is nested more than {DEEPEST} levels deep"
MOST_ODDITIES = 20
"""Peculiarities of one document that are told."""
LONGEST_NUMBER = 308
"""Digits of a whole number: with more it fits no floating point number, and counts as infinite."""


def open_bytes(path: FilePath, limit: int) -> BufferedReader:
    """A plain file of at most ``limit`` bytes, to be read in pieces."""
    return open_plain(path, limit)


def read_bytes(path: FilePath, limit: int) -> bytes:
    """All bytes of a plain file; ``TooLarge`` above the limit, also where it grows while it is read."""
    return read_plain(path, limit)


def read_start(path: FilePath, size: int) -> bytes:
    """The first bytes of a plain file, however large it is."""
    with open_plain(path) as file:
        return file.read(size)


def read_end(path: FilePath, size: int) -> bytes:
    """The last bytes of a plain file, however large it is."""
    with open_plain(path) as file:
        length = file.seek(0, 2)
        file.seek(max(0, length - size))
        return file.read(size)


class Digest(NamedTuple):
    """The digest of a file in hex, how many bytes it has, and the first of them."""

    hex: str
    size: int
    begin: bytes


def digest(path: FilePath, name: str, limit: int) -> Digest:
    """What a plain file holds, read once and piece by piece; ``begin`` has up to ``PIECE`` bytes."""
    found, size, begin = hashlib.new(name), 0, b""
    for piece in read_pieces(path, limit, PIECE):
        begin = begin or piece
        found.update(piece)
        size += len(piece)
    return Digest(found.hexdigest(), size, begin)


def read_text(path: FilePath, limit: int = LARGEST_TEXT) -> str:
    """A UTF-8 text whose lines are of a length that people write; line ends become those of Unix."""
    return _plain_ends(_with_short_lines(read_bytes(path, limit)).decode("utf-8"))


def read_lenient(path: FilePath, limit: int = LARGEST_TEXT) -> str:
    """The same, with bytes that are not UTF-8 replaced."""
    return _plain_ends(_with_short_lines(read_bytes(path, limit)).decode("utf-8", errors="replace"))


def _with_short_lines(data: bytes) -> bytes:
    at = 0
    while len(data) - at > LONGEST_LINE:
        end = max(data.rfind(b"\n", at, at + LONGEST_LINE), data.rfind(b"\r", at, at + LONGEST_LINE))
        if end < 0:
            number = data.count(b"\n", 0, at) + 1
            raise ValueError(f"has a line of more than {LONGEST_LINE} bytes (line {number})")
        at = end + 1
    return data


_LONE_RETURN = re.compile(r"\r(?!\n)")


def _plain_ends(text: str) -> str:
    if "\r" not in text:
        return text
    if _LONE_RETURN.search(text) is None:
        return text.replace("\r", "")  # one pass in place of two
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: FilePath, limit: int = LARGEST_DOCUMENT) -> Any:
    """Any JSON document within the limits; whole numbers keep all their digits up to ``LONGEST_NUMBER``."""
    return parse_json(read_bytes(path, limit))


def read_object(path: FilePath) -> dict[str, Any]:
    """A JSON object; ValueError for any other document."""
    document = read_json(path)
    if not isinstance(document, dict):
        raise ValueError(f"is {type(document).__name__}, not a JSON object")
    return document


def read_given(path: Path) -> bytes:
    """A file that a user names on the command line, which may be a pipe (``<(…)`` of a shell)."""
    with path.open("rb") as file:
        data = file.read(LARGEST_GIVEN + 1)
    if len(data) > LARGEST_GIVEN:
        raise TooLarge(f"is longer than the {LARGEST_GIVEN} bytes that are read")
    return data


class Noted(dict[str, Any]):
    """An object that programs may read differently; ``oddities`` says why: (``repeated``, key) for a key that an
    object holds twice, (``word``, text) for NaN, Infinity and whole numbers that no program computes with."""

    oddities: tuple[tuple[str, str], ...] = ()


def parse_json(data: bytes) -> Any:
    """The document in bytes, a ``Noted`` object where there is something to say of it.

    ValueError with a sentence when it is no document, or beyond the limits.
    """
    odd: dict[tuple[str, str], None] = {}

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        own = dict(items)
        if len(own) < len(items):
            counts = Counter(key for key, _ in items)
            odd.update({("repeated", key): None for key, times in counts.items() if times > 1})
        return own

    def word(text: str) -> float:
        odd["word", text] = None
        return float(text)

    def whole(digits: str) -> float:
        if len(digits) <= LONGEST_NUMBER:
            return int(digits)
        odd["word", f"a number of {len(digits)} digits"] = None
        return float(digits)

    text = data.decode("utf-8")
    try:
        document = json.loads(text, parse_int=whole, parse_constant=word, object_pairs_hook=pairs)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    _refuse_depth(document)
    if odd and isinstance(document, dict):
        document = Noted(document)
        document.oddities = tuple(islice(odd, MOST_ODDITIES))
    return document


def _refuse_depth(document: Any) -> None:
    level = [document]
    for _ in range(DEEPEST + 1):
        level = list(_below(level))
        if not level:
            return
    raise ValueError(TOO_DEEP)


def _below(level: list[Any]) -> Iterator[Any]:
    """The objects and lists one level deeper."""
    for node in level:
        for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            if isinstance(item, dict | list):
                yield item
