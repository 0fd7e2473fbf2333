"""The engine: what is known of a tree from before, what has to be judged, and both put together.

The same findings and numbers come out for any number of processes, with much known or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from checker import facts
from checker.cache.known import Known
from checker.model import Finding, Place, ResultReport, Scope
from checker.options import Options
from checker.pool import judge_all
from checker.result import Result
from checker.rule_pass import nodes, unique
from checker.tree import Submission
from checker.unit import Judge, Judgement, Unit


class Gathered(NamedTuple):
    """Findings of the whole tree, the numbers of the results, the descriptions of the systems by their places, and how
    many results were known from before."""

    findings: list[Finding]
    numbers: list[ResultReport]
    systems: Mapping[Place, Mapping[str, Any]]
    cached_results: int


def gather(
    submission: Submission, results: Sequence[Result], options: Options, known: Known | None = None
) -> Gathered:
    """Judge a submission. ``known`` says what was found out before, and learns what is found out now."""
    units = [Unit(scope, node.place) for node, scope in nodes(submission, options.only)][1:]
    known = known or Known()
    by_key = {unit.key: unit for unit in units}
    kept = known.judgements(by_key)
    for judged in judge_all(submission.tree, options, [u for key, u in by_key.items() if key not in kept]):
        kept[judged.key] = judged.judgement()
        known.learn(judged)
    keys_of_results = [Unit(Scope.RESULT, r.place).key for r in results]
    of_results = [kept[key] for key in keys_of_results]
    findings = _findings(submission, options, [kept[key] for key in by_key], of_results)
    about = {u.place: kept[key].system or {} for key, u in by_key.items() if u.scope is Scope.SYSTEM}
    numbers = [j.numbers for j in of_results if j.numbers]
    cached = sum(map(known.holds, keys_of_results))
    return Gathered(findings, numbers, about, cached)


def _findings(
    submission: Submission, options: Options, judged: Sequence[Judgement], results: Iterable[Judgement]
) -> list[Finding]:
    """All findings in order, with those of the rules that compare results or look at the submission as a whole."""
    judge = Judge(submission.tree, submission.round, options)
    facts.hand_over(submission, [j.facts for j in results if j.facts is not None])
    own, broken = judge.above(submission)
    told = judge.told([*broken, *(b for j in judged for b in j.broken)])
    return unique([*own, *(f for j in judged for f in j.findings), *told])
