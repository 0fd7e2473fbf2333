"""``Rule`` and the decorators that make one from a function; the function's docstring is the rule's reason."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from checker.model import Effect, Problem, Scope, Severity

INFERENCE = "https://github.com/mlcommons/inference_policies/blob/master/inference_rules.adoc"
SUBMISSION = "https://github.com/mlcommons/policies/blob/master/submission_rules.adoc"
POWER = "https://github.com/mlcommons/inference_policies/blob/master/power_measurement.adoc"

LOADGEN, ENDPOINT = "loadgen", "endpoint"
"""Kinds of result: LoadGen ran in front of the system, or a client of a served endpoint measured it."""
EVERY_KIND = (LOADGEN, ENDPOINT)

OWN_FAMILIES = ("quality", "rehearsal", "internal")

Check = Callable[[Any], Iterable[Problem]]


class Absent(Exception):
    """A value that a rule needs is not in its file, or is not of the kind it must be."""

    def __init__(self, what: str, path: str, found: str, wanted: str, line: int | None = None) -> None:
        """Say what is not there, and where."""
        super().__init__(f"{what}: {found}")
        self.what, self.path, self.found, self.wanted, self.line = what, path, found, wanted, line


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``check`` takes the node of ``scope``; ``per_run``, where there is one, a LoadGen run.

    ``needs`` names the parsed files of the node without which the rule is skipped. ``power_checker``: in the
    official flow it belongs to the separate power checker; ``official_power_only``: replaced by one note when
    power comes from powerd. ``spares_results``: an error, but of no result in particular.
    ``forgiven_by``: what a declared rehearsal must say for it to be forgiven. ``kinds``: the kinds of result that
    it looks at.
    """

    id: str
    scope: Scope
    severity: Severity
    title: str
    why: str
    fix: str
    link: str
    check: Check
    good: str
    bad: str
    needs: tuple[str, ...] = ()
    since: str = "v0.5"
    until: str | None = None
    per_run: Check | None = None
    power_checker: bool = False
    official_power_only: bool = False
    spares_results: bool = False
    forgiven_by: tuple[str, ...] = ()
    kinds: tuple[str, ...] = (LOADGEN,)

    @property
    def family(self) -> str:
        """The part of the id before the slash."""
        return self.id.split("/", 1)[0]

    @property
    def ours(self) -> bool:
        """Whether it is a rule of mlcheck, without one of MLPerf behind it."""
        return self.family in OWN_FAMILIES

    def holds_in(self, round_name: str) -> bool:
        """Whether the rule exists in a round."""
        at = _order(round_name)
        return _order(self.since) <= at and (self.until is None or at <= _order(self.until))


def _order(round_name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in round_name.removeprefix("v").split("."))


def rule(
    id_: str,
    *,
    title: str,
    fix: str,
    good: str,
    bad: str,
    scope: Scope = Scope.RESULT,
    severity: Severity = Severity.ERROR,
    link: str = SUBMISSION,
    **more: Any,
) -> Callable[[Check], Rule]:
    """Make a rule from the function that checks it."""

    def make(check: Check) -> Rule:
        why = " ".join((inspect.getdoc(check) or "").split())
        return Rule(
            id=id_, scope=scope, severity=severity, title=title, why=why, fix=fix, link=link,
            check=check, good=good, bad=bad, **more,
        )  # fmt: skip

    return make


def run_rule(id_: str, **about: Any) -> Callable[[Check], Rule]:
    """Make a rule on one LoadGen run: judged on the performance run, and again on every compliance run.

    Where a result has several performance runs, ``performance/server-runs`` judges them all.
    """

    def make(per_run: Check) -> Rule:
        def check(result: Any) -> Iterable[Problem]:
            return () if result.several_runs else per_run(result.run)

        check.__doc__ = per_run.__doc__
        needs = ("performance_log", *about.pop("needs", ()))
        return rule(id_, needs=needs, per_run=per_run, **{"link": INFERENCE, **about})(check)

    return make


def effects(round_name: str, division: str = "") -> Mapping[str, Effect]:
    """What the official checker of a round does with a breach, by rule id (``checker/effects/*.json``).

    A key may name an aspect of a rule after a colon. With ``division``, what differs there counts.
    """
    return _effects(round_name, division)


def effect_of(rule_id: str, problem: Problem, round_name: str, division: str) -> Effect:
    """What the official checker does with one breach: as the problem says, by its aspect, or by its rule."""
    table = effects(round_name, division)
    aspect = problem.aspect or ("raises" if problem.raises else None)
    return problem.effect or table.get(f"{rule_id}:{aspect}") or table[rule_id]


@cache
def _effects(round_name: str, division: str) -> Mapping[str, Effect]:
    practice = _practice(round_name)
    merged = {**practice["effects"], **practice.get(division, {})}
    return {key: Effect(value) for key, value in merged.items()}


def severities(round_name: str) -> Mapping[str, Severity]:
    """Our severity of breaches that the official checker of a round does not fail on, where it is not the rule's."""
    return {key: Severity(value) for key, value in _practice(round_name).get("severities", {}).items()}


@cache
def _practice(round_name: str) -> Mapping[str, Mapping[str, str]]:
    """The sections of a round's file. It may name a round that it is ``like``, and then says only what differs;
    null takes a key out."""
    path = resources.files("checker.effects") / f"{round_name}.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    like = _practice(document["like"]) if "like" in document else {}
    own = {name: part for name, part in document.items() if isinstance(part, dict)}
    merged = {name: {**like.get(name, {}), **own.get(name, {})} for name in {*like, *own}}
    return {name: {k: v for k, v in part.items() if v is not None} for name, part in merged.items()}
