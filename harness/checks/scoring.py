"""Scoring: whether an accuracy log could be scored, before there is one; by doing it once, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.base import Line, Situation, ok, told
from harness.given import refuse_dataset
from harness.scoring import Demanding, refuse_unscorable
from schemas.errors import UserError

SUBJECT = "scoring"
LIMIT_S = 15.0
CURE = "put right what scores, or give another --dataset; its page in docs/benchmarks says what belongs there"


def check(situation: Situation) -> Iterator[Line]:
    """Nothing for a benchmark whose data set says all, which is looked at as such."""
    work, bench = situation.workload, situation.benchmark
    if work is None or not isinstance(bench, Demanding):
        return
    try:
        refuse_dataset(bench, work.dataset)
        bench.dataset(work.dataset)
    except (UserError, OSError):
        return  # the look at the data set says it
    try:
        refuse_unscorable(bench, work.dataset, LIMIT_S)
    except UserError as error:
        yield told(SUBJECT, str(error), "all that scoring needs", CURE)
    else:
        yield ok(SUBJECT, "what scores an accuracy run opens and gives a score")
