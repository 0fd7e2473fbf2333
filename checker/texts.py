"""Texts for people that several results share: read once for a tree, and whether they say anything."""

from __future__ import annotations

import re
from itertools import islice

from checker.files import read_lenient
from checker.tree import Submission

_WORD = re.compile(r"[^\W\d_]{2,}")
PLACEHOLDERS = frozenset(("todo", "tbd", "tba", "fixme", "placeholder", "readme", "xxx"))
FEW_WORDS = 3
"""A document with fewer words than this tells nobody anything."""
LONGEST = 1 << 20
"""Bytes of a document for people; a longer one is not read."""
MANGLED = re.compile(
    rb"\b(?:np|numpy)\.(?:float|int|uint)\d{1,3}\(\s*([-+]?[0-9][0-9.]*(?:[eE][-+]?\d+)?)\s*\)"
)
"""A number that numpy 2 printed with its type, and the number."""
PAPERS = (".pdf", ".docx", ".odt", ".png", ".jpg", ".jpeg", ".svg")
"""Documents that people open with another program; what they say is not looked at."""


def text_of(submission: Submission, path: str) -> str | None:
    """A text file of the tree, bytes that are not UTF-8 replaced; None where it is not there, too long
    or cannot be read."""
    known: dict[str, str | None] = submission.__dict__.setdefault("texts", {})
    if path not in known:
        folder, _, name = path.rpartition("/")
        small = submission.tree.files(folder).get(name, 0) <= LONGEST
        source = submission.shared(path, "text", read_lenient)
        known[path] = source.value if small and source.present and source.usable else None
    return known[path]


def line_of(text: str, *wanted: str) -> int:
    """The first line, from 1, that holds one of some words; the last line that says anything where none does."""
    rows = text.splitlines() or [""]
    hits = (n for n, row in enumerate(rows, start=1) if any(word in row for word in wanted))
    last = max((n for n, row in enumerate(rows, start=1) if row.strip()), default=1)
    return next(hits, last)


def hollow(text: str) -> bool:
    """Whether a document holds next to no words that say something."""
    said = (True for word in _WORD.finditer(text) if word.group().lower() not in PLACEHOLDERS)
    return sum(islice(said, FEW_WORDS)) < FEW_WORDS


def binary(text: str) -> bool:
    """Whether it is no text at all."""
    return "\0" in text or text.count("�") > max(8, len(text) // 50)
