"""Lines of a long text that hold a word, found by looking for the word: most lines are never touched."""

from __future__ import annotations

from collections.abc import Sequence

OTHER_ENDS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""What ends a line for ``str.splitlines`` beside the line feed."""
FEW = 200
"""Places of a word that are looked for one by one; for a word with more of them all lines are looked at."""


def holding(text: str, words: Sequence[str]) -> list[tuple[int, str]]:
    """Number (from 1) and text of each line of ``text.splitlines()`` that holds one of the words."""
    plain = not any(end in text for end in OTHER_ENDS)
    rare: set[tuple[int, int]] = set()
    frequent = []
    for word in words:
        spans = _spans(text, word) if plain else None
        if spans is not None:
            rare.update(spans)
        elif word in text:
            frequent.append(word)
    found, number, last = {}, 1, 0
    for start, end in sorted(rare):
        number += text.count("\n", last, start)
        found[number] = text[start:end]
        last = end
    if frequent:
        lines = text.split("\n") if plain else text.splitlines()
        for word in frequent:
            found.update([(at, line) for at, line in enumerate(lines, 1) if word in line])
    return sorted(found.items())


def _spans(text: str, word: str) -> list[tuple[int, int]] | None:
    """Where the lines with a word begin and end; None for too many of them."""
    found: list[tuple[int, int]] = []
    at = text.find(word)
    while at >= 0:
        if len(found) == FEW:
            return None
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        found.append((text.rfind("\n", 0, at) + 1, end))
        at = text.find(word, end)
    return found
