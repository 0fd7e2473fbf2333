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
        wanted = spelling(result.directory, submission)
        if wanted is not None:
            yield from _rename(result, wanted)


def spelling(directory: str, submission: Submission) -> str | None:
    """The name that a directory should have; None when it has it, or nothing tells."""
    known = submission.round.facts["scenario_aliases"]
    if submission.round.canonical_scenario(directory) is not None:
        return None
    plain = re.sub(r"[\s_-]", "", directory)
    canonical: str | None = known.get(plain.lower())
    return plain if canonical is not None and plain.islower() else canonical


def _rename(result: Result, wanted: str) -> Iterator[Step]:
    tree, old = result.tree, result.directory
    places = [result.measurements_path, result.compliance_path(), result.path]
    for path in dict.fromkeys(p for p in places if tree.folder(p) is not None):
        target = join(path.rpartition("/")[0], wanted)
        if tree.exists(target):
            yield Refusal(path, RULE, f"{target} is there already; look which of the two is the result")
            return
    reason = f"the scenario is spelled {wanted}"
    for name in tree.files(result.measurements_path):
        if name.endswith(f"_{old}.json"):
            new = f"{name.removesuffix(f'{old}.json')}{wanted}.json"
            at = result.measurements_path
            yield Move(join(at, name), join(at, new), RULE, reason)
    for path in places:
        head, _, name = path.rpartition("/")
        if tree.folder(path) is not None and name == old:
            yield Move(path, join(head, wanted), RULE, reason)
