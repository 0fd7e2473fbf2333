"""The length of the runs: do they reach the minimum duration with the minimum of queries, and how long is it all."""

from __future__ import annotations

from collections.abc import Iterator

from harness import run_times
from harness.checks.base import Line, Situation, fail, ok, warn
from harness.estimate import Performance, span

SUBJECT = "run length"


def check(situation: Situation) -> Iterator[Line]:
    """One line per scenario."""
    for scenario in situation.scenarios:
        one = run_times.performance(situation, scenario)
        if one is None:
            yield _unknown(situation, scenario.name)
        else:
            yield _judged(situation, one)


def _unknown(situation: Situation, name: str) -> Line:
    found = f"{name}: not known, because nothing was measured"
    cure = "give --model and --dataset, or --fixture"
    if situation.workload is not None:
        cure = "put right what is said of the model and the data set, or give --target-latency-ms or --target-qps"
    return warn(SUBJECT, found, "a measured latency or rate", cure)


def _judged(situation: Situation, one: Performance) -> Line:
    length = situation.round.min_duration_ms / 1000
    what = "samples" if one.scenario == "Offline" else "queries"
    wanted = f"{length:g} s and {one.least} {what} or more"
    if one.fault:
        return fail(SUBJECT, f"{one.scenario}: {one.pace}; {one.fault}", wanted, one.cure)
    found = f"{one.scenario}: {one.pace}, so {one.queries} {what} in {span(one.seconds)}"
    if one.is_long:
        cure = one.cure or f"a faster model or machine; {one.least} {what} are demanded whatever they take"
        return warn(SUBJECT, found, wanted, cure)
    return ok(SUBJECT, found, wanted)
