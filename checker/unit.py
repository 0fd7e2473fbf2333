"""A unit of the check: one node of the tree with the rules of its scope, and for a result also its numbers and facts.

Every unit is judged on nodes made for it alone and let go of afterwards: what it looked at is known (``cache.noted``),
and no more than one result's logs are in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from checker import facts, outcome
from checker.cache.noted import Noted
from checker.facts import ResultFacts
from checker.files import Tree, join
from checker.model import Finding, Place, ResultReport, Scope
from checker.options import Options
from checker.result import Result
from checker.rule_pass import Broken, Node, RulePass
from checker.tree import Benchmark, Submission, Submitter, System
from schemas.layout import PLACES, ResultPath
from schemas.rounds import Round

DEPTHS = {Scope.SUBMITTER: 2, Scope.SYSTEM: 3, Scope.BENCHMARK: 4, Scope.RESULT: 5}


class Unit(NamedTuple):
    """One node with the rules of its scope."""

    scope: Scope
    place: Place

    @property
    def key(self) -> str:
        """A text of its own within a tree."""
        return "/".join((self.scope.value, *self.place.names))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known of a unit. ``numbers`` (without the system's facts) and ``facts`` are those of a result,
    ``system`` is a system's description."""

    findings: tuple[Finding, ...]
    broken: tuple[Broken, ...]
    numbers: ResultReport | None = None
    facts: ResultFacts | None = None
    system: Mapping[str, Any] | None = None


class Judged(NamedTuple):
    """A judgement on its way between processes and into the cache. ``notes`` is what it stands on, a text with a zero
    between each two, which no name holds; None where that cannot be told. ``encoded`` is None for what the cache cannot
    hold, and ``plain`` has it instead."""

    key: str
    encoded: bytes | None
    plain: Judgement | None
    notes: str | None

    def judgement(self) -> Judgement:
        """What is known of the unit: the same whether it was judged here, elsewhere or long ago."""
        if self.encoded is None:
            assert self.plain is not None
            return self.plain
        return decode(self.encoded)


_encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Judgement).decode
"""A judgement from its encoded form; ``msgspec.MsgspecError`` for anything else."""


class Judge:
    """Judges units of one tree, one after the other."""

    def __init__(self, tree: Tree, round_: Round, options: Options) -> None:
        """The tree as it was walked."""
        self._tree, self._round = tree, round_
        self._unofficial = options.power == "unofficial"
        self._pass = RulePass(Submission(tree, round_), options)

    def judge(self, unit: Unit) -> Judged:
        """One unit."""
        tree = Noted(self._tree, own_directories(self._round, unit))
        submission = Submission(tree, self._round, unofficial_power=self._unofficial)
        node = _node(submission, unit)
        found, broken = self._pass.judge(node, unit.scope)
        judgement = Judgement(tuple(found), tuple(broken), **_more(node))
        let_go(node)
        try:
            encoded, plain = _encode(judgement), None
        except (UnicodeEncodeError, OverflowError, TypeError, RecursionError):
            encoded, plain = None, judgement
        notes = None if tree.loose or encoded is None else "\0".join(tree.notes)
        let_go(tree)
        return Judged(unit.key, encoded, plain, notes)

    def told(self, broken: Iterable[Broken]) -> Iterator[Finding]:
        """The findings about files that cannot be used."""
        return self._pass.told(broken)

    def above(self, submission: Submission) -> tuple[list[Finding], list[Broken]]:
        """What is to be said of the submission as a whole, once the facts of its results are handed over."""
        return self._pass.judge(submission, Scope.SUBMISSION)


def _node(submission: Submission, unit: Unit) -> Node:
    place = unit.place
    node: Any = Submitter(submission, place.division, place.submitter)
    for make, name in ((System, place.system), (Benchmark, place.benchmark), (Result, place.scenario)):
        if not name:
            break
        node = make(node, name)
    return node


def _more(node: Node) -> dict[str, Any]:
    if isinstance(node, System):
        return {"system": node.facts}
    if not isinstance(node, Result):
        return {}
    return {"numbers": outcome.numbers(node), "facts": facts.of(node)}


def let_go(of: Node | Noted) -> None:
    """Break the circles between a node or a tree and its parts, so that what they hold is forgotten at once."""
    of.__dict__.clear()


def weigh(tree: Tree, round_: Round, unit: Unit) -> int:
    """About how many bytes a unit reads."""
    own = own_directories(round_, unit)
    return 20_000 + sum(sum(f.files.values()) for path in own for f in tree.below(path))


def own_directories(round_: Round, unit: Unit) -> list[str]:
    """Where the files of a result lie that belong to no other one; none for any other unit."""
    if unit.scope is not Scope.RESULT:
        return []
    result = ResultPath(*unit.place.names)
    places = {result.path(round_, kind) for kind in PLACES if round_.layout[kind] is not None}
    return [p for p in places if not any(p != q and p.startswith(join(q, "")) for q in places)]
