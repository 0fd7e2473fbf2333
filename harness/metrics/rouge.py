"""ROUGE of generated texts, as the reference implementations of GPT-J and Llama score them.

ROUGE-1, -2 and -L are F-measures over stemmed words by the package ``rouge_score``, which defines them; ROUGE-Lsum
takes sentences, one a line. The mean over all texts, times 100, is rounded to four places. ``gen_len`` is the number of
characters of all generated texts, ``gen_num`` their number.

Sentences are split by nltk's punkt, as in the reference, where its data is on the machine; else by rules of ours. Only
ROUGE-Lsum depends on that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.extras import need

KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")
PLACES = 4
_END = re.compile(r"""(?<=[.!?])["')\]’”]*\s+(?=["'(\[‘“]*[A-Z0-9])""")
_SHORT = re.compile(
    r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|Gen|Lt|Col|Gov|Sen|Rep|Rev|Inc|No|vs|U\.S|U\.K|a\.m|p\.m)\.$"
)


@dataclass(frozen=True, slots=True)
class Scores:
    """Means in percent, rounded as the reference does, with characters and number of texts."""

    rouge1: float
    rouge2: float
    rougeL: float  # noqa: N815 - the name of the metric
    rougeLsum: float  # noqa: N815
    gen_len: int
    gen_num: int

    @property
    def line(self) -> str:
        """The line of ``accuracy.txt``: plain numbers, as every round's checker reads them."""
        rows = [f"'{kind}': {getattr(self, kind)}" for kind in (*KINDS, "gen_len", "gen_num")]
        return "{" + ", ".join(rows) + "}"


def score(given: Sequence[str], right: Sequence[str]) -> Scores:
    """Score generated texts against the right ones, in the same order."""
    scorer = need("rouge_score.rouge_scorer").RougeScorer(list(KINDS), use_stemmer=True)
    mine = ["\n".join(sentences(text.strip())) for text in given]
    theirs = ["\n".join(sentences(text.strip())) for text in right]
    rows = [scorer.score(target, text) for target, text in zip(theirs, mine, strict=True)]
    one, two, longest, summary = (
        round(100.0 * sum(float(row[kind].fmeasure) for row in rows) / len(rows), PLACES) for kind in KINDS
    )
    return Scores(one, two, longest, summary, sum(len(text) for text in mine), len(mine))


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    nltk = need("nltk")
    try:
        found: list[str] = nltk.sent_tokenize(text)
    except LookupError:
        return _sentences(text)
    return found


def _sentences(text: str) -> list[str]:
    """Split after a full stop, question or exclamation mark that a capital or digit follows, but for abbreviations."""
    found: list[str] = []
    begin = 0
    for gap in _END.finditer(text):
        if _SHORT.search(text[begin : gap.start()]):
            continue
        end = gap.start() + len(gap.group().rstrip())
        found.append(text[begin:end])
        begin = gap.end()
    return [*found, text[begin:]] if text[begin:] else found
