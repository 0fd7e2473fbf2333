"""SQuAD v1.1 for BERT: questions on paragraphs, cut into windows of 384 tokens.

A folder with ``dev-v1.1.json`` and ``vocab.txt``. A sample is a window (a *feature* of the reference implementation):
``[CLS] question [SEP] part of the paragraph [SEP]``, with at most 64 tokens of the question; a paragraph that is too
long gives windows that begin 128 tokens apart. The 10 570 questions give 10 833 windows. A token that lies in
several windows may be answered only where it has most context on its lesser side.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.wordpiece import WordPiece
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUESTIONS = "dev-v1.1.json"
VOCABULARY = "vocab.txt"
LENGTH = 384
LONGEST_QUESTION = 64
STRIDE = 128
INPUTS = ("input_ids", "input_mask", "segment_ids")


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its paragraph as words (split at blanks only) and the answers that count as right."""

    key: str
    text: str
    words: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """One sample: its tokens, the word of the paragraph that each belongs to, and where it may be answered.

    ``word_of`` and ``best`` are by the place among ``tokens``; outside the paragraph there are none.
    """

    question: int
    tokens: tuple[str, ...]
    split: int
    word_of: dict[int, int]
    best: frozenset[int]


class Squad:
    """The data set; everything but the arrays is made at once."""

    def __init__(self, folder: Path) -> None:
        """Read questions and vocabulary and cut the windows; ``UserError`` names what is missing or garbled."""
        self._folder = folder
        self._pieces = WordPiece(folder / VOCABULARY)
        self.questions = tuple(_questions(folder / QUESTIONS))
        self.windows = tuple(_windows(self.questions, self._pieces))

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.windows)

    def files(self) -> list[Path]:
        """The questions and the vocabulary."""
        return [self._folder / QUESTIONS, self._folder / VOCABULARY]

    def load(self, index: int) -> dict[str, NDArray[np.int64]]:
        """One window as the three inputs, int64 [384] each."""
        import numpy as np

        window = self.windows[index]
        count = len(window.tokens)
        arrays = {name: np.zeros(LENGTH, dtype=np.int64) for name in INPUTS}
        arrays["input_ids"][:count] = self._pieces.ids(window.tokens)
        arrays["input_mask"][:count] = 1
        arrays["segment_ids"][window.split : count] = 1
        return arrays


def _questions(path: Path) -> Iterator[Question]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        for article in document["data"]:
            for paragraph in article["paragraphs"]:
                words = tuple(split(paragraph["context"]))
                yield from (_question(entry, words) for entry in paragraph["qas"])
    except FileNotFoundError:
        raise UserError(f"there is no {path}; put {QUESTIONS} of SQuAD v1.1 and {VOCABULARY} there") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        kind = type(error).__name__
        raise UserError(f"{path} is not a file of SQuAD v1.1 ({kind}: {error}); copy it again") from error


def _question(entry: dict[str, Any], words: tuple[str, ...]) -> Question:
    answers = tuple(str(a["text"]) for a in entry["answers"])
    return Question(str(entry["id"]), str(entry["question"]), words, answers)


def split(text: str) -> list[str]:
    """Words of a paragraph. Blanks are those of the reference: space, tab, line ends and the narrow no-break space."""
    plain = "".join(" " if c in "\t\r\n\u202f" else c for c in text)
    return [word for word in plain.split(" ") if word]


def _windows(questions: Sequence[Question], pieces: WordPiece) -> Iterator[Window]:
    cut: dict[tuple[str, ...], tuple[list[str], list[int]]] = {}
    for number, question in enumerate(questions):
        if question.words not in cut:
            cut = {question.words: _cut(question.words, pieces)}
        tokens, owners = cut[question.words]
        asked = pieces.tokens(question.text)[:LONGEST_QUESTION]
        head = ("[CLS]", *asked, "[SEP]")
        spans = list(_spans(len(tokens), LENGTH - len(head) - 1))
        for begin, length in spans:
            own = range(begin, begin + length)
            at = len(head) - begin
            yield Window(
                question=number,
                tokens=(*head, *tokens[begin : begin + length], "[SEP]"),
                split=len(head),
                word_of={at + i: owners[i] for i in own},
                best=frozenset(at + i for i in own if _best_span(spans, i) == (begin, length)),
            )


def _cut(words: Sequence[str], pieces: WordPiece) -> tuple[list[str], list[int]]:
    """The tokens of a paragraph, and the word of each."""
    tokens: list[str] = []
    owners: list[int] = []
    for number, word in enumerate(words):
        own = pieces.tokens(word)
        tokens += own
        owners += [number] * len(own)
    return tokens, owners


def _spans(count: int, room: int) -> Iterator[tuple[int, int]]:
    """Begin and length of the windows over ``count`` tokens, ``room`` of which fit."""
    begin = 0
    while begin < count:
        length = min(count - begin, room)
        yield begin, length
        if begin + length == count:
            return
        begin += min(length, STRIDE)


def _best_span(spans: Sequence[tuple[int, int]], place: int) -> tuple[int, int]:
    """The window in which a token has most context on its lesser side; the longer one, then the first, on a tie."""
    holding = [(b, n) for b, n in spans if b <= place < b + n]
    return max(holding, key=lambda s: min(place - s[0], s[0] + s[1] - 1 - place) + 0.01 * s[1])
