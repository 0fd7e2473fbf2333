"""Scenario directories in a spelling that no checker knows: ``Single-Stream``, ``OFFLINE``; everywhere the same.

Results, measurements and compliance runs of one result carry one spelling. It stays lower case where it was,
and becomes the canonical one where it was not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checker.changes import Move, Refusal, Step
from checker.files import join
from checker.result import Result
from checker.tree import Submission

ORDER = 90
RULE = "structure/scenario-dir-known"


def steps(submission: Submission) -> Iterator[Step]:
    """Renames, deepest part first: the JSON of the measurements, then the directories."""
    for result in submission.results:
        wanted = result.directory if result.canonical is not None else spelling(result)
        if wanted is not None:
            yield from _rename(result, wanted)


def spelling(result: Result) -> str | None:
    """The name that an unknown spelling should have: that of its measurements or compliance runs where they
    have a good one, else the style of the results beside it; None when nothing tells."""
    aliases = result.round.facts["scenario_aliases"]
    canonical: str | None = aliases.get(_bare(result.directory))
    if canonical is None:
        return None
    for path in _places(result):
        for name in result.tree.dirs(path.rpartition("/")[0]):
            if result.round.canonical_scenario(name) == canonical:
                return name
    others = [r.directory for r in result.benchmark.results if r.canonical is not None]
    lower = others[0].islower() if others else result.directory.islower()
    return _bare(result.directory) if lower else canonical


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _places(result: Result) -> list[str]:
    """Directories of a result that carry the name of its scenario, each once, the result itself last."""
    found = dict.fromkeys([result.measurements_path, *result.compliance_places(), result.path])
    return [p for p in found if p.rpartition("/")[2] == result.directory]


def _rename(result: Result, wanted: str) -> Iterator[Step]:
    """Everything of a result gets the name ``wanted``; nothing when one of the names is taken."""
    tree = result.tree
    moves = [m for path in _places(result) for m in _move(result, path, wanted)]
    for move in moves:
        if tree.exists(move.target) and not move.path.endswith(".json"):
            yield Refusal(
                move.path, RULE, f"{move.target} is there already; look which of the two is the result"
            )
            return
    yield from moves


def _move(result: Result, path: str, wanted: str) -> Iterator[Move]:
    """The moves at one place: files named after the scenario, then the directory."""
    tree = result.tree
    head, _, _ = path.rpartition("/")
    target = join(head, wanted)
    old = _spelled_there(result, head, wanted)
    if old is None or join(head, old) == target:
        return
    reason = f"the scenario is spelled {wanted}"
    for name in tree.files(join(head, old)):
        if name.endswith(f"_{old}.json"):
            new = f"{name.removesuffix(f'{old}.json')}{wanted}.json"
            yield Move(join(head, old, name), join(head, old, new), RULE, reason)
    yield Move(join(head, old), target, RULE, reason)


def _spelled_there(result: Result, head: str, wanted: str) -> str | None:
    """How the scenario is spelled in a directory: as the result, as wanted, or in one other way."""
    names = result.tree.dirs(head)
    for name in (result.directory, wanted):
        if name in names:
            return name
    taken = {r.directory for r in result.benchmark.results}
    like = [d for d in names if d not in taken and _bare(d) == _bare(wanted)]
    return like[0] if len(like) == 1 else None
