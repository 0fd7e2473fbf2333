"""BERT's tokens: words in lower case without accents, and each word cut into the longest known pieces.

The definition is that of the original BERT release (tokenization.py, ``do_lower_case``), which the reference
implementation uses: control characters go, every blank is a space, Chinese characters stand alone, letters lose their
marks (NFD, category Mn), punctuation stands alone; then the longest piece of the vocabulary from the left, ``##``
before all but the first, and ``[UNK]`` for a word of which a part is in no piece or that has more than 100 characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from schemas.errors import UserError

UNKNOWN = "[UNK]"
SPECIAL = ("[PAD]", UNKNOWN, "[CLS]", "[SEP]")
LONGEST_WORD = 100
_CHINESE = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip
_ASCII_PUNCTUATION = frozenset(map(chr, (*range(33, 48), *range(58, 65), *range(91, 97), *range(123, 127))))
"""All of ASCII that is neither letter, digit nor blank counts, also signs that Unicode calls symbols."""


def words(text: str) -> list[str]:
    """Words and signs of a text in lower case, before they are cut into pieces."""
    found: list[str] = []
    for word in _spaced(text).split():
        found += _at_punctuation(_plain(word))
    return found


def _spaced(text: str) -> str:
    out = []
    for char in text:
        if char in ("\0", "\ufffd") or _is_control(char):
            continue
        if _is_blank(char):
            out.append(" ")
        elif any(low <= ord(char) <= high for low, high in _CHINESE):
            out.append(f" {char} ")
        else:
            out.append(char)
    return "".join(out)


def _plain(word: str) -> str:
    """Lower case without marks."""
    if word.isascii():
        return word.lower()
    return "".join(c for c in unicodedata.normalize("NFD", word.lower()) if unicodedata.category(c) != "Mn")


def _at_punctuation(word: str) -> list[str]:
    if word.isalnum() and word.isascii():
        return [word]
    parts: list[str] = []
    new = True
    for char in word:
        if is_punctuation(char):
            parts.append(char)
            new = True
        elif new:
            parts.append(char)
            new = False
        else:
            parts[-1] += char
    return parts


def _is_blank(char: str) -> bool:
    return char in " \t\n\r" or unicodedata.category(char) == "Zs"


def _is_control(char: str) -> bool:
    return char not in "\t\n\r" and unicodedata.category(char) in ("Cc", "Cf")


def is_punctuation(char: str) -> bool:
    """Whether a sign stands alone."""
    return char in _ASCII_PUNCTUATION or (not char.isascii() and unicodedata.category(char).startswith("P"))


class WordPiece:
    """A vocabulary; ids are line numbers from 0."""

    def __init__(self, path: Path) -> None:
        """Read ``vocab.txt``; ``UserError`` when it cannot be, or lacks BERT's own tokens."""
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            raise UserError(f"there is no {path}; put the vocabulary of BERT-large uncased there") from None
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"{path} cannot be read ({error}); put a vocabulary, a token a line, there"
            ) from error
        self._ids = {line.strip(): number for number, line in enumerate(lines) if line.strip()}
        missing = [token for token in SPECIAL if token not in self._ids]
        if missing:
            raise UserError(
                f"{path} lacks {', '.join(missing)}; put the vocabulary of BERT-large uncased there"
            )
        self._known: dict[str, tuple[str, ...]] = {}

    def __len__(self) -> int:
        """The largest id and one."""
        return max(self._ids.values()) + 1

    def tokens(self, text: str) -> list[str]:
        """The pieces of a text."""
        return [piece for word in words(text) for piece in self._pieces(word)]

    def ids(self, tokens: Sequence[str]) -> list[int]:
        """The id of each token."""
        return [self._ids[token] for token in tokens]

    def _pieces(self, word: str) -> tuple[str, ...]:
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = self._cut(word)
        return found

    def _cut(self, word: str) -> tuple[str, ...]:
        if len(word) > LONGEST_WORD:
            return (UNKNOWN,)
        pieces: list[str] = []
        begin = 0
        while begin < len(word):
            mark = "##" if begin else ""
            ends = range(len(word), begin, -1)
            end = next((e for e in ends if mark + word[begin:e] in self._ids), None)
            if end is None:
                return (UNKNOWN,)
            pieces.append(mark + word[begin:end])
            begin = end
        return tuple(pieces)
