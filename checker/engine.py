"""The engine: runs the rules over a tree in one process, or shares it out over several, system by system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from checker import facts, outcome
from checker.files import Tree
from checker.model import Finding, Place, ResultReport
from checker.options import Options
from checker.result import Result
from checker.rule_pass import RulePass, unique, wanted
from checker.tree import Submission
from schemas.rounds import load_round

Part = tuple[list[Finding], list[ResultReport]]
Share = tuple[list[Finding], list[ResultReport], list[facts.ResultFacts]]
"""What one process found out; the facts are for the rules that compare results."""


def gather(submission: Submission, results: Sequence[Result], options: Options) -> Part:
    """Findings of the whole tree and the numbers of the results, the same for any number of processes."""
    systems = sorted({r.place.cut(3) for r in results})
    facts.choose(submission, results)
    if options.jobs == 1 or len(systems) == 1:
        return RulePass(submission, options).run(), [outcome.numbers(r) for r in results]
    from concurrent.futures import ProcessPoolExecutor

    jobs = min(options.jobs, len(systems))
    shares = [systems[at::jobs] for at in range(jobs)]
    every = frozenset(s.place for s in submission.systems)
    with ProcessPoolExecutor(jobs) as pool:
        parts = list(pool.map(_part, [submission.tree.root] * jobs, [options] * jobs, shares))
    facts.hand_over(submission, [f for _, _, known in parts for f in known])
    rest = RulePass(submission, options).run(every - set(systems))
    findings = unique([*rest, *(f for found, _, _ in parts for f in found)])
    numbers = {n.place: n for _, rows, _ in parts for n in rows}
    return findings, [numbers[r.place] for r in results]


def _part(root: Path, options: Options, systems: Sequence[Place]) -> Share:
    """What one process does."""
    submission = Submission(
        Tree(root), load_round(options.round), unofficial_power=options.power == "unofficial"
    )
    mine = frozenset(systems)
    findings = RulePass(submission, options).run(mine, above=False)
    chosen = [r for r in submission.results if r.place.cut(3) in mine and wanted(options.only, r)]
    return findings, [outcome.numbers(r) for r in chosen], [facts.of(r) for r in chosen]
