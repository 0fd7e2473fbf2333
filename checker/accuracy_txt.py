"""``accuracy.txt``: which lines hold an accuracy, and what the official checker makes of them.

Numbers are runs of digits and dots, without sign and exponent. Grammar of the rounds up to v4.1; where a round
has another pattern for a metric, that is a fact of the round.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.rounds import Target

_NUMBER = r"([\d.]+)"
PATTERNS: dict[str, str] = {
    "acc": rf"accuracy={_NUMBER}",
    "mAP": rf"mAP={_NUMBER}",
    "bleu": rf"BLEU:\s*{_NUMBER}",
    "AUC": rf"AUC={_NUMBER}",
    "F1": rf"""\{{["']exact_match["']:\s*[\d.]+,\s*["']f1["']:\s*{_NUMBER}\}}""",
    "WER": rf"Word Error Rate:.*, accuracy={_NUMBER}%",
    "ACCURACY": rf"Word Error Rate:.*, accuracy={_NUMBER}%",
    "DICE": rf"Accuracy:\s*mean\s*=\s*{_NUMBER}",
    "ROUGE1": rf".*'rouge1':\s{_NUMBER}",
    "ROUGE2": rf".*'rouge2':\s{_NUMBER}",
    "ROUGEL": rf".*'rougeL':\s{_NUMBER}",
    "ROUGELSUM": rf".*'rougeLsum':\s{_NUMBER}",
    "GEN_LEN": rf".*'gen_len':\s{_NUMBER}",
    "TOKENS_PER_SAMPLE": rf".*'tokens_per_sample':\s{_NUMBER}",
    "CLIP_SCORE": rf".*'CLIP_SCORE':\s{_NUMBER}",
    "FID_SCORE": rf".*'FID_SCORE':\s{_NUMBER}",
    "gsm8k_accuracy": rf".*'gsm8k':\s{_NUMBER}",
    "mbxp_accuracy": rf".*'mbxp':\s{_NUMBER}",
    "exact_match": rf".*'exact_match':\s{_NUMBER}",
}
HASH = re.compile(r"hash=(\w+)$")


@dataclass(frozen=True, slots=True)
class Seen:
    """One accuracy number in the file: ``text`` as written, ``value`` None when that is no number."""

    metric: str
    text: str
    value: float | None
    line: int


@dataclass(frozen=True, slots=True)
class AccuracyText:
    """All numbers in order, and the hash. ``judged_lines``: how far the official checker reads."""

    seen: tuple[Seen, ...]
    hash: str | None
    judged_lines: int

    def last(self, metric: str) -> Seen | None:
        """The number of a metric that counts: the last one in the part that is judged."""
        rows = [s for s in self.seen if s.metric == metric and s.line <= self.judged_lines]
        return rows[-1] if rows else None


def number(text: str) -> float | None:
    """A run of digits and dots as a number; None for things like ``1.2.3``."""
    try:
        return float(text)
    except ValueError:
        return None


def find(text: str, metrics: Sequence[str], own: Mapping[str, str] | None = None) -> tuple[Seen, ...]:
    """Every line that holds a number of one of the metrics, in order; ``own``: patterns of the round."""
    if not metrics:
        return ()
    patterns = {**PATTERNS, **own} if own else PATTERNS
    compiled = [(m, re.compile(patterns[m])) for m in metrics]
    found: list[Seen] = []
    for at, line in enumerate(text.splitlines(), start=1):
        for metric, pattern in compiled:
            match = pattern.match(line)
            if match is not None:
                found.append(Seen(metric, match.group(1), number(match.group(1)), at))
    return tuple(found)


def parse(
    text: str, lower: Sequence[Target], *, any_value: bool = False, own: Mapping[str, str] | None = None
) -> AccuracyText:
    """The file as a whole. Reading stops where every target was met and a hash was seen.

    ``any_value``: in rounds in which the last value counts, it stops where any value and a hash were seen.
    """
    metrics = [t.metric for t in lower]
    seen = find(text, metrics, own)
    limits = {t.metric: -math.inf if any_value else t.limit for t in lower}
    lines = text.splitlines()
    hashes = {at: m.group(1) for at, line in enumerate(lines, 1) if (m := HASH.match(line))}
    good: dict[int, set[str]] = defaultdict(set)
    for s in seen:
        if any_value or (s.value is not None and s.value >= limits[s.metric]):
            good[s.line].add(s.metric)
    met: set[str] = set()
    hash_: str | None = None
    for at in range(1, len(lines) + 1):
        met |= good.get(at, set())
        hash_ = hashes.get(at, hash_)
        if hash_ is not None and met == set(metrics):
            return AccuracyText(seen, hash_, at)
    return AccuracyText(seen, hash_, len(lines))
