"""Runs the rules of a round over the nodes of a tree and makes findings of their problems.

A rule that needs a file that cannot be read is skipped, and the one finding about that file says so. A value
that several rules miss is one finding as well. A rule that crashes becomes a finding, never a pass.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import Any

from checker.files import Source
from checker.model import Effect, Finding, Location, Place, Problem, Scope, Severity
from checker.options import Options
from checker.result import Result
from checker.rule import EVERY_KIND, Absent, Rule, effect_of, effects, severities
from checker.rules import all_rules
from checker.rules.internal import CRASHED
from checker.rules.structure import READABLE
from checker.session import unofficial_session
from checker.tree import Submission

Node = Any
"""A node of the tree that the rules of its scope take: Submission, Submitter, System, Benchmark or Result."""

ORDER = {severity: at for at, severity in enumerate(Severity)}
"""Severities, the gravest first."""
MOST_PROBLEMS = 1000
"""Problems of one rule at one place of the tree that are told one by one."""
POWER_CHECKER_FILES = ("client", "server", "ptd_logs", "ranging_spl")
"""Kinds of file that only the separate power checker of the official flow reads."""
DEPTH = {"description": 3, "model_mapping": 2}
"""How deep in the tree the finding about a broken file belongs; all others belong to their result."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that cannot be used, and the rules that were skipped because of it. ``kind`` is that of its source."""

    path: str
    kind: str
    reason: str
    line: int | None
    place: Place
    rules: tuple[str, ...]


Judged = tuple[list[Finding], list[Broken]]
"""What the rules of one scope say of one node. Broken files are told once for all nodes: see ``told``."""


class _Rules:
    """The rules on nodes of one kind, in order, and the names of all files that they need."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.all = tuple(rules)
        self.files = tuple(dict.fromkeys(name for rule in self.all for name in rule.needs))
        self._without: dict[frozenset[str], Sequence[Rule]] = {}

    def without(self, files: frozenset[str]) -> Sequence[Rule]:
        """The rules that need none of these files. Most nodes lack the same ones: those of a power session."""
        found = self._without.get(files)
        if found is None:
            found = self._without[files] = [r for r in self.all if files.isdisjoint(r.needs)]
        return found


class RulePass:
    """The rules of one round. ``judge`` looks at one node, ``run`` at all of a submission."""

    def __init__(
        self,
        submission: Submission,
        options: Options,
        rules: Iterable[Rule] | None = None,
        most: int = MOST_PROBLEMS,
    ) -> None:
        """Rules are those of the round of the submission where none are given, of ``most`` problems each at a node."""
        self._most = most
        self.submission, self.options, self.round = submission, options, submission.round.name
        if rules is None:
            rules = [r for r in all_rules().values() if r.holds_in(submission.round.name)]
        chosen = tuple(rules)
        of_scope = {scope: [r for r in chosen if r.scope is scope] for scope in Scope}
        self._of_scope = {scope: _Rules(own) for scope, own in of_scope.items()}
        self._of_kind = {k: _Rules(r for r in of_scope[Scope.RESULT] if k in r.kinds) for k in EVERY_KIND}
        self.effects = effects(submission.round.name)
        self.severities = severities(submission.round.name)
        default = bool(submission.round.facts["power"].get("run_by_default"))
        self.power_checker = default if options.power_checker is None else options.power_checker
        self.power_checker_files = submission.round.reading.get("power_checker_files", POWER_CHECKER_FILES)
        self._broken: dict[str, tuple[Source[Any], Place, set[str]]] = {}
        self._absent: dict[tuple[Place, str, str], list[tuple[Rule, Absent]]] = defaultdict(list)
        self._findings: list[Finding] = []

    def run(self) -> list[Finding]:
        """Findings of all rules on all nodes that were asked for, sorted by place and rule."""
        judged = [self.judge(node, scope) for node, scope in nodes(self.submission, self.options.only)]
        broken = self.told([b for _, rows in judged for b in rows])
        return unique([*(f for found, _ in judged for f in found), *broken])

    def judge(self, node: Node, scope: Scope) -> Judged:
        """What the rules of a scope find on one node, in order of the rules; nothing is kept of the node."""
        self._findings, self._broken = [], {}
        self._absent.clear()
        rules = self._of_kind[node.kind] if scope is Scope.RESULT else self._of_scope[scope]
        for rule in self._ready(rules, node):
            self._apply(rule, node)
        self._tell_absent()
        self._absent.clear()
        broken = [
            Broken(source.path, source.kind, source.broken, source.line, place, tuple(sorted(skipped)))
            for source, place, skipped in self._broken.values()
        ]
        self._broken = {}
        return self._findings, broken

    def _ready(self, rules: _Rules, node: Node) -> Sequence[Rule]:
        """The rules of which all files can be used; broken ones are remembered with the rules that need them."""
        sources: dict[str, Source[Any]] = {name: getattr(node, name) for name in rules.files}
        lacking = frozenset([name for name, source in sources.items() if not source.usable])
        broken = [name for name in lacking if sources[name].present]
        if broken:
            for rule in rules.all:
                for source in (sources[name] for name in rule.needs if name in broken):
                    place = node.place.cut(DEPTH.get(source.kind, 5))
                    self._broken.setdefault(source.path, (source, place, set()))[2].add(rule.id)
        return rules.without(lacking)

    def _apply(self, rule: Rule, node: Node) -> None:
        if rule.official_power_only and self._replaced(node):
            return
        try:
            problems = iter(rule.check(node))
            first = next(problems, None)
            if first is not None:
                for problem in told(chain((first,), problems), self._most):
                    self._add(rule, problem, node.place)
        except Absent as error:
            if error.what != "benchmark":  # told by structure/benchmark-*
                self._absent[node.place, error.what, error.path].append((rule, error))
        except Exception as error:  # noqa: BLE001 - a fault of a rule must not end the check, nor pass
            problem = Problem(
                f"rule {rule.id} failed with {type(error).__name__}: {error}", node.path or ".", rule.id
            )
            self._add(CRASHED, problem, node.place)

    @staticmethod
    def _replaced(node: Node) -> bool:
        """Whether the one note power/unofficial stands for the rules on official power."""
        if not isinstance(node, Result):
            return False
        if not node.submission.unofficial_power or not node.server.usable:
            return False
        return unofficial_session(node.server.value)

    def _add(self, rule: Rule, problem: Problem, place: Place) -> None:
        place = problem.place or place
        effect = effect_of(rule.id, problem, self.round, place.division)
        if problem.raises and problem.effect is None and effect is Effect.LOG:
            effect = Effect.RESULT
        if rule.power_checker and not self.power_checker and effect.fails:
            effect = Effect.LOG
        if problem.severity is None and not effect.fails and rule.id in self.severities:
            problem = replace(problem, severity=self.severities[rule.id])
        message = _with_end(problem.message, effect)
        if message != problem.message:
            problem = replace(problem, message=message)
        self._findings.append(finding(rule, problem, effect, place))

    def _tell_absent(self) -> None:
        """One finding for a value that one rule or several did not find: by the rule with the worst outcome."""
        for (place, _, _), asked in self._absent.items():
            asked.sort(key=lambda pair: self._weight(pair[0]))
            rule, error = asked[0]
            others = sorted({r.id for r, _ in asked} - {rule.id})
            also = f"; also needed by {', '.join(others)}" if others else ""
            message = f"{error.what}: {error.found}, wanted {error.wanted}{also}"
            problem = Problem(message, error.path, error.found, error.wanted, error.line, raises=True)
            self._add(rule, problem, place)

    def _weight(self, rule: Rule) -> tuple[bool, bool, int, str]:
        return (not self.effects[rule.id].fails, rule.power_checker, ORDER[rule.severity], rule.id)

    def told(self, broken: Iterable[Broken]) -> Iterator[Finding]:
        """One finding for each file that cannot be used, whatever the number of nodes that need it."""
        by_path: dict[str, list[Broken]] = defaultdict(list)
        for row in broken:
            by_path[row.path].append(row)
        rule = all_rules()[READABLE]
        for rows in by_path.values():
            first = rows[0]
            effect = self.effects[f"{READABLE}:{first.kind}"]
            if first.kind in self.power_checker_files and not self.power_checker and effect.fails:
                effect = Effect.LOG
            skipped = sorted({name for row in rows for name in row.rules})
            message = f"the file {first.reason}; not judged because of it: {', '.join(skipped)}"
            message = _with_end(message, effect)
            problem = Problem(message, first.path, first.reason, "a readable file", first.line)
            yield finding(rule, problem, effect, first.place)


def nodes(submission: Submission, only: Place) -> Iterator[tuple[Node, Scope]]:
    """The nodes of a tree that were asked for, from the root down, each with the scope of the rules on it."""
    yield submission, Scope.SUBMISSION
    for submitter in submission.submitters:
        if not touches(only, submitter.place, 2):
            continue
        yield submitter, Scope.SUBMITTER
        for system in submitter.systems:
            if not touches(only, system.place, 3):
                continue
            yield system, Scope.SYSTEM
            for benchmark in system.benchmarks:
                if touches(only, benchmark.place, 4):
                    yield benchmark, Scope.BENCHMARK
                    yield from ((r, Scope.RESULT) for r in benchmark.results if wanted(only, r))


def _with_end(message: str, effect: Effect) -> str:
    """The message, with the word that the official checker does not survive it, unless it says so already."""
    ends = effect in (Effect.CRASH, Effect.LOADING, Effect.LISTING) and "traceback" not in message
    return f"{message}; the official checker ends with a traceback on it" if ends else message


def told(problems: Iterable[Problem], most: int = MOST_PROBLEMS) -> Iterator[Problem]:
    """The problems of one rule at one node, of a flood the first ``most`` and how many more there are.

    A problem that decides otherwise than those before is told in any case, so that no verdict hangs on the order.
    """
    kinds: set[tuple[Any, ...]] = set()
    left_out: Problem | None = None
    more = 0
    for number, problem in enumerate(problems):
        kind = (problem.severity, problem.effect, problem.place, problem.aspect, problem.raises)
        if number < most or kind not in kinds:
            kinds.add(kind)
            yield problem
        else:
            left_out, more = left_out or problem, more + 1
    if left_out is not None:
        message = f"{more} more places break this rule; they are not listed"
        yield replace(left_out, message=message, found=f"{more} more", line=None, pointer=None)


def touches(only: Place, place: Place, depth: int) -> bool:
    """Whether a node ``depth`` names deep lies on the way to what was asked for, or in it."""
    return only.cut(depth).covers(place)


def wanted(only: Place, result: Result) -> bool:
    """Whether a result is among those asked for."""
    scenario = only.scenario in ("", result.directory) or only.scenario == result.scenario
    return scenario and only.cut(4).covers(result.place)


def finding(rule: Rule, problem: Problem, effect: Effect, place: Place) -> Finding:
    """A problem with everything that its rule says."""
    parts = (rule.id, problem.cause or "", problem.path, problem.pointer or "", problem.found)
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return Finding(
        rule=rule.id,
        severity=problem.severity or rule.severity,
        effect=effect,
        place=place,
        location=Location(problem.path, problem.line, problem.pointer),
        message=problem.message,
        found=problem.found,
        wanted=problem.wanted,
        why=rule.why,
        fix=rule.fix,
        link=rule.link,
        fingerprint=digest[:16],
        spares_results=rule.spares_results if problem.spares_results is None else problem.spares_results,
        cause=problem.cause or "",
        excusable=problem.excusable and not problem.raises,
    )


def sort_key(found: Finding) -> tuple[Any, ...]:
    """By place, severity, rule and location."""
    where = found.location
    return (
        found.place.names,
        ORDER[found.severity],
        found.rule,
        where.path,
        where.line or 0,
        where.pointer or "",
        found.message,
    )


def unique(findings: Iterable[Finding]) -> list[Finding]:
    """Findings without repeats, in order; those that the order cannot tell apart stay as they came."""
    rows = list(findings)
    keys = [sort_key(found) for found in rows]
    ordered: list[Finding] = []
    for _, run in groupby(sorted(range(len(rows)), key=keys.__getitem__), key=keys.__getitem__):
        alike = [rows[at] for at in run]
        ordered += (
            dict.fromkeys(alike) if len(alike) > 1 else alike
        )  # hashing all of a finding costs most of it
    return ordered
