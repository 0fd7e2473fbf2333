"""Lines of a long text that hold a word, found by looking for the word: most lines are never touched."""

from __future__ import annotations

from collections.abc import Sequence

OTHER_ENDS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""What ends a line for ``str.splitlines`` beside the line feed."""
FEW = 200
"""Lines that are cut out one by one; for more of them all lines are made."""


def holding(text: str, words: Sequence[str]) -> list[tuple[int, str]]:
    """Number (from 1) and text of each line of ``text.splitlines()`` that holds one of the words."""
    if sum(text.count(word) for word in words) > FEW or any(end in text for end in OTHER_ENDS):
        lines = text.splitlines()
        held = {at for word in words if word in text for at, line in enumerate(lines) if word in line}
        return [(at + 1, lines[at]) for at in sorted(held)]
    found, number, last = [], 1, 0
    for start, end in sorted({span for word in words for span in _spans(text, word)}):
        number += text.count("\n", last, start)
        found.append((number, text[start:end]))
        last = end
    return found


def _spans(text: str, word: str) -> list[tuple[int, int]]:
    """Where the lines with a word begin and end."""
    found = []
    at = text.find(word)
    while at >= 0:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        found.append((text.rfind("\n", 0, at) + 1, end))
        at = text.find(word, end)
    return found
