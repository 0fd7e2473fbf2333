"""Word error rate: the least number of words to insert, delete or replace, by the words that are right.

RNN-T's transcripts are normalised as its reference does it: small letters, signs to blanks but for the apostrophe,
``&`` and ``+`` as words, the abbreviations below spelled out. It also spells out numbers and transliterates letters;
LibriSpeech has neither, so a transcript with them is refused and not scored otherwise. Whisper's texts go through
its own English normaliser, and words that are only joined otherwise count as right.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Sequence

ALPHABET = " abcdefghijklmnopqrstuvwxyz'"
"""Symbols of RNN-T by their number; the number after the last one is the blank."""
JOINED = 3
"""How many words may be written as one."""

_ABBREVIATIONS = {
    "mrs": "misess",
    "mr": "mister",
    "dr": "doctor",
    "st": "saint",
    "co": "company",
    "jr": "junior",
    "maj": "major",
    "gen": "general",
    "drs": "doctors",
    "rev": "reverend",
    "lt": "lieutenant",
    "hon": "honorable",
    "sgt": "sergeant",
    "capt": "captain",
    "esq": "esquire",
    "ltd": "limited",
    "col": "colonel",
    "ft": "fort",
}
"""With a full stop behind them; ``misess`` is the reference's own spelling."""
_SHORT = re.compile(rf"\b({'|'.join(_ABBREVIATIONS)})\.")
_SIGNS = str.maketrans({sign: " " for sign in string.punctuation if sign not in "'&+"})


def plain(transcript: str) -> str:
    """A transcript in RNN-T's alphabet; ``ValueError`` for one with digits or letters outside ASCII."""
    text = transcript.lower()
    if not text.isascii() or any(c.isdigit() for c in text):
        raise ValueError("has digits or letters outside a to z")
    text = _SHORT.sub(lambda found: _ABBREVIATIONS[found[1]], text).translate(_SIGNS)
    text = text.replace("&", " and ").replace("+", " plus ")
    return " ".join(text.split())


def distance(mine: Sequence[str], right: Sequence[str]) -> int:
    """Levenshtein's distance between two lists of words."""
    row = list(range(len(right) + 1))
    for number, word in enumerate(mine, 1):
        corner, row[0] = row[0], number
        for place, other in enumerate(right, 1):
            corner, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, corner + (word != other))
    return row[-1]


def errors(mine: Sequence[str], right: Sequence[str]) -> int:
    """Errors of a list of words."""
    return distance(mine, right)


def errors_but_joined(mine: Sequence[str], right: Sequence[str]) -> int:
    """Errors where up to three words of one side may be one of the other side (``every one``, ``everyone``).

    The two are laid side by side from the left, word against word: where neither fits, one word of each is passed.
    Then the distance between the two lists, joined like that, is taken.
    """
    left, ours, theirs = 0, list(mine), list(right)
    while left < min(len(ours), len(theirs)):
        for count in range(1, JOINED + 1):
            if left + count <= len(theirs) and "".join(theirs[left : left + count]) == ours[left]:
                theirs[left : left + count] = [ours[left]]
                break
            if left + count <= len(ours) and "".join(ours[left : left + count]) == theirs[left]:
                ours[left : left + count] = [theirs[left]]
                break
        left += 1
    return distance(ours, theirs)


def rate(
    pairs: Iterable[tuple[str, str]],
    count: Callable[[Sequence[str], Sequence[str]], int] = errors,
) -> tuple[int, int]:
    """Errors and right words over pairs of an answer and what is right."""
    wrong = total = 0
    for mine, right in pairs:
        words = right.split()
        wrong += count(mine.split(), words)
        total += len(words)
    return wrong, total


def line(wrong: int, total: int) -> tuple[float, str]:
    """Accuracy in percent, and the line of ``accuracy.txt`` in the form that the official checker reads."""
    found = wrong / total if total else 1.0
    accuracy = (1 - found) * 100
    return accuracy, f"Word Error Rate: {found * 100}%, accuracy={accuracy}%"
