"""Lines of a long text that hold a word, found by looking for the word: most lines are never touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

OTHER_ENDS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""What ends a line for ``str.splitlines`` beside the line feed."""


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
    """Number (from 1) and text of each line that holds one of the words; all lines are looked at."""
    lines = enumerate(text.splitlines(), 1)
    return [(at, line) for at, line in lines if any(word in line for word in words)]
