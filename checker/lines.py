"""Lines of a long text that hold a word, found by looking for the word: most lines are never touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

OTHER_ENDS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""What ends a line for ``str.splitlines`` beside the line feed."""
FEW = 200
"""Places of a word that are looked for one by one; for a word with more of them all lines are looked at."""


def with_line_feeds(text: str) -> str:
    """The text with a line feed at all ends of lines that ``str.splitlines`` knows."""
    return "\n".join([*text.splitlines(), ""]) if any(end in text for end in OTHER_ENDS) else text


def spans(text: str, word: str, start: int = 0) -> Iterator[tuple[int, int]]:
    """Where the lines with a word begin and end, from ``start`` on; all lines end with line feeds."""
    at = text.find(word, start)
    while at >= 0:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        yield text.rfind("\n", 0, at) + 1, end
        at = text.find(word, end)


def holding(text: str, words: Sequence[str]) -> list[tuple[int, str]]:
    """Number (from 1) and text of each line of ``text.splitlines()`` that holds one of the words."""
    text = with_line_feeds(text)
    rare: set[tuple[int, int]] = set()
    frequent = []
    for word in words:
        few = list(islice(spans(text, word), FEW + 1))
        if len(few) <= FEW:
            rare.update(few)
        else:
            frequent.append(word)
    found, number, last = {}, 1, 0
    for start, end in sorted(rare):
        number += text.count("\n", last, start)
        found[number] = text[start:end]
        last = end
    if frequent:
        lines = text.split("\n")
        for word in frequent:
            found.update([(at, line) for at, line in enumerate(lines, 1) if word in line])
    return sorted(found.items())
