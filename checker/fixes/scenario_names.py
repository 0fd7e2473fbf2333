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
    names = Names()
    for result in submission.results:
        wanted = result.directory if result.canonical is not None else spelling(result, names)
        if wanted is not None:
            yield from _rename(result, wanted, names)


class Names:
    """The names in directories and of the results of benchmarks, by how they are spelled. Each directory is looked
    through once, whatever the number of results beside each other."""

    def __init__(self) -> None:
        """Nothing is looked at yet."""
        self._canonical: dict[str, dict[str, str]] = {}
        self._there: dict[str, frozenset[str]] = {}
        self._bare: dict[tuple[str, str], dict[str, list[str]]] = {}
        self._results: dict[str, dict[str, bool]] = {}

    def of_scenario(self, result: Result, head: str, canonical: str) -> str | None:
        """The first name in a directory that is a good one of a scenario."""
        if head not in self._canonical:
            found = self._canonical[head] = {}
            for name in result.tree.dirs(head):
                of = result.round.canonical_scenario(name)
                if of is not None:
                    found.setdefault(of, name)
        return self._canonical[head].get(canonical)

    def there(self, result: Result, head: str, name: str) -> bool:
        """Whether a directory has a name."""
        if head not in self._there:
            self._there[head] = frozenset(result.tree.dirs(head))
        return name in self._there[head]

    def alike(self, result: Result, head: str, name: str) -> list[str]:
        """The names in a directory that differ from one in signs and case only, without those of results."""
        key = (head, result.benchmark.path)
        if key not in self._bare:
            found, taken = self._bare.setdefault(key, {}), self.of_results(result)
            for there in result.tree.dirs(head):
                if there not in taken:
                    found.setdefault(_bare(there), []).append(there)
        return self._bare[key].get(_bare(name), [])

    def of_results(self, result: Result) -> dict[str, bool]:
        """The directories of the results of its benchmark, and whether each is of a known scenario."""
        path = result.benchmark.path
        if path not in self._results:
            self._results[path] = {r.directory: r.canonical is not None for r in result.benchmark.results}
        return self._results[path]

    def beside(self, result: Result) -> str | None:
        """The first directory of its benchmark that is of a known scenario."""
        return next((name for name, known in self.of_results(result).items() if known), None)


def spelling(result: Result, names: Names) -> str | None:
    """The name that an unknown spelling should have: that of its measurements or compliance runs where they
    have a good one, else the style of the results beside it; None when nothing tells."""
    aliases = result.round.facts["scenario_aliases"]
    canonical: str | None = aliases.get(_bare(result.directory))
    if canonical is None:
        return None
    for path in _places(result):
        good = names.of_scenario(result, path.rpartition("/")[0], canonical)
        if good is not None:
            return good
    lower = (names.beside(result) or result.directory).islower()
    return _bare(result.directory) if lower else canonical


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _places(result: Result) -> list[str]:
    """Directories of a result that carry the name of its scenario, each once, the result itself last."""
    found = dict.fromkeys([result.measurements_path, *result.compliance_places(), result.path])
    return [p for p in found if p.rpartition("/")[2] == result.directory]


def _rename(result: Result, wanted: str, names: Names) -> Iterator[Step]:
    """Everything of a result gets the name ``wanted``; nothing when one of the names is taken."""
    tree = result.tree
    moves = [m for path in _places(result) for m in _move(result, path, wanted, names)]
    for move in moves:
        if tree.exists(move.target) and not move.path.endswith(".json"):
            yield Refusal(
                move.path, RULE, f"{move.target} is there already; look which of the two is the result"
            )
            return
    yield from moves


def _move(result: Result, path: str, wanted: str, names: Names) -> Iterator[Move]:
    """The moves at one place: files named after the scenario, then the directory."""
    tree = result.tree
    head, _, _ = path.rpartition("/")
    target = join(head, wanted)
    old = _spelled_there(result, head, wanted, names)
    if old is None or join(head, old) == target:
        return
    reason = f"the scenario is spelled {wanted}"
    for name in tree.files(join(head, old)):
        if name.endswith(f"_{old}.json"):
            new = f"{name.removesuffix(f'{old}.json')}{wanted}.json"
            yield Move(join(head, old, name), join(head, old, new), RULE, reason)
    yield Move(join(head, old), target, RULE, reason)


def _spelled_there(result: Result, head: str, wanted: str, names: Names) -> str | None:
    """How the scenario is spelled in a directory: as the result, as wanted, or in one other way."""
    for name in (result.directory, wanted):
        if names.there(result, head, name):
            return name
    like = names.alike(result, head, wanted)
    return like[0] if len(like) == 1 else None
