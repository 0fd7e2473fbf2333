"""The warnings or the errors of a power daemon's log in columns, made by few passes over its text.

A log may hold thousands of lines that say the same and of which none counts: what was said, and the ten seconds in
which it was said, tell that of all of them at once. Their times are parsed, and their numbers counted, only where
that does not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from schemas.kept import kept
from schemas.units import NS_PER_S, LogTimes, UnixNs

BLOCK_NS = 10 * NS_PER_S
"""Lines whose stamps begin alike, up to the tens of their seconds, were written within so much time."""

STAMP = len("MM-DD-YYYY HH:MM:SS.mmm")
_BLOCK = len("MM-DD-YYYY HH:MM:S")
_HEAD = "\n00-00-0000 00:00:00.000: "
"""What stands before the word, with 0 for each digit."""
_TO_ZERO = str.maketrans("123456789", "0" * 9)


class Columns:
    """The lines of a text that hold a word, in columns. They are right only where the lines are ``usual``."""

    def __init__(self, text: str, word: str) -> None:
        """All lines of ``text`` end with line feeds; ``word`` ends with a colon."""
        self._word, self._pieces = word, text.split(word)
        heads = [piece[-len(_HEAD) :] for piece in self._pieces[:-1]]
        self.usual = "".join(heads).translate(_TO_ZERO) == _HEAD * len(heads)
        """Whether the word stands only behind a stamp at the beginning of a line and a colon."""
        self.blocks = [head[1 : 1 + _BLOCK] for head in heads]
        """What the stamp of each line begins with, ``MM-DD-YYYY HH:MM:S``."""

    @kept
    def said(self) -> list[str]:
        """What each line holds behind the word."""
        return [piece.partition("\n")[0] for piece in self._pieces[1:]]

    def lines(self, places: Iterable[int]) -> list[tuple[int, str]]:
        """Number (from 1) and text of the lines at some places of the columns, which ascend."""
        found, number, last = [], 1, 0
        for place in places:
            number += sum([piece.count("\n") for piece in self._pieces[last : place + 1]])
            last = place + 1
            stamp = self._pieces[place][1 - len(_HEAD) :]
            found.append((number, f"{stamp}{self._word}{self.said[place]}"))
        return found


def begins(blocks: Set[str]) -> dict[str, UnixNs] | None:
    """When each block begins; None where one of them is no time."""
    try:
        return dict(zip(blocks, LogTimes().all([f"{block}0.000" for block in blocks]), strict=True))
    except ValueError:
        return None
