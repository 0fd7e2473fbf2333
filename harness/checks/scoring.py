"""Scoring: whether an accuracy log could be scored, before there is one; by scoring something, in a child process."""

from __future__ import annotations

import time
from collections.abc import Iterator

from harness.checks.base import Line, Situation, ok, told, warn
from harness.given import refuse_dataset
from harness.scoring import Demanding, refuse_unscorable
from schemas.errors import UserError

SUBJECT = "scoring"
LIMIT_S = 7.0
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
    probe = situation.probe
    if probe is not None and probe.scoring_tried:
        fault = probe.scoring_fault
    elif probe is not None and probe.late:
        yield _unknown("not looked at, the model took too long")
        return
    else:
        begin = time.monotonic()
        fault = _tried(situation)
        if fault is not None and time.monotonic() - begin >= LIMIT_S:
            yield _unknown(f"nothing was scored within {LIMIT_S:.0f} s")
            return
    if fault is None:
        yield ok(SUBJECT, "what scores an accuracy run opens and gives a score")
    else:
        yield told(SUBJECT, fault, "all that scoring needs", CURE)


def _tried(situation: Situation) -> str | None:
    """In a child of its own, where the model has none that could do it by the way."""
    assert situation.workload is not None
    try:
        refuse_unscorable(situation.benchmark, situation.workload.dataset, LIMIT_S)
    except UserError as error:
        return str(error)
    return None


def _unknown(found: str) -> Line:
    cure = "nothing; a run that is to be scored looks at it before it begins"
    return warn(SUBJECT, found, "something that is scored", cure)
