"""From logits to an answer's text, and from texts to exact match and F1: SQuAD v1.1 as the reference scores it.

The best 20 starts and ends of each window are paired; a pair counts when both lie in the paragraph, the start where
its window sees it best, and the answer has at most 30 tokens. The pair with the greatest sum wins, over all windows of
a question; its tokens are then found again in the original words, because tokens lost case and accents.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness.datasets.squad import Question, Window
from harness.wordpiece import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BEST = 20
LONGEST_ANSWER = 30
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_SIGNS = frozenset(string.punctuation)


def answer(question: Question, logits: Sequence[tuple[Window, NDArray[np.float32]]]) -> str:
    """The text that the logits ([tokens, 2]: start, end) of a question's windows answer; ``empty`` without any."""
    pairs = [
        (float(values[start, 0]) + float(values[end, 1]), window, start, end)
        for window, values in logits
        for start, end in _pairs(window, values)
    ]
    if not pairs:
        return "empty"
    _, window, start, end = max(pairs, key=lambda p: p[0])
    tokens = " ".join(window.tokens[start : end + 1]).replace(" ##", "").replace("##", "").strip()
    original = " ".join(question.words[window.word_of[start] : window.word_of[end] + 1])
    return in_original(" ".join(tokens.split()), original)


def _pairs(window: Window, values: NDArray[np.float32]) -> list[tuple[int, int]]:
    starts = [s for s in _best(values[:, 0]) if s in window.best]
    ends = [e for e in _best(values[:, 1]) if e in window.word_of]
    return [(s, e) for s in starts for e in ends if s <= e < s + LONGEST_ANSWER]


def _best(values: NDArray[np.float32]) -> list[int]:
    """Places of the greatest values; the first of equal ones."""
    import numpy as np

    found: list[int] = np.argsort(-values, kind="stable")[:BEST].tolist()
    return found


def in_original(tokens: str, original: str) -> str:
    """The part of ``original`` whose tokens are ``tokens``; all of it where they cannot be laid over each other."""
    spaced = " ".join(words(original))
    begin = spaced.find(tokens)
    if begin < 0:
        return original
    ours, theirs = _places(original), _places(spaced)
    if len(ours) != len(theirs):
        return original
    order = {place: number for number, place in enumerate(theirs)}
    first, last = order.get(begin), order.get(begin + len(tokens) - 1)
    if first is None or last is None:
        return original
    return original[ours[first] : ours[last] + 1]


def _places(text: str) -> list[int]:
    """Where the characters stand that are no spaces."""
    return [i for i, char in enumerate(text) if char != " "]


def normal(text: str) -> str:
    """An answer as SQuAD compares it: lower case, without signs and articles, single blanks."""
    plain = "".join(c for c in text.lower() if c not in _SIGNS)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def exact(given: str, right: str) -> float:
    """1 for the same normalised answer, else 0."""
    return float(normal(given) == normal(right))


def f1(given: str, right: str) -> float:
    """Harmonic mean of precision and recall over the words of the normalised answers."""
    mine, theirs = normal(given).split(), normal(right).split()
    same = sum((Counter(mine) & Counter(theirs)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(mine), same / len(theirs)
    return (2 * precision * recall) / (precision + recall)


def score(questions: Sequence[Question], given: Mapping[int, str]) -> tuple[float, float]:
    """Exact match and F1 in percent over the questions (by number) that were answered; the best right answer counts."""
    exacts = [max((exact(text, r) for r in questions[n].answers), default=0.0) for n, text in given.items()]
    f1s = [max((f1(text, r) for r in questions[n].answers), default=0.0) for n, text in given.items()]
    return 100.0 * sum(exacts) / len(given), 100.0 * sum(f1s) / len(given)
