"""JSON Schema violations as problems of the rule that the constraint names in ``x-rule``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from checker.files import Source
from checker.model import Problem
from checker.run import Run
from checker.tree import System
from schemas.documents import Prepared, Violation, prepared, violations

ByRule = Mapping[str, list[Violation]]
LOG = "loadgen-result"
MOST_SCHEMAS = 512
MOST_FIT = 64
LONGEST_FIT = 1 << 10
"""Logs of one kind of run that are remembered for fitting, and bytes of their values; published ones have some 200."""
_schemas: dict[tuple[Any, ...], _Held] = {}
RAISING = ("required", "type")
"""Keywords whose breach means that the official checker has nothing to compare."""


def by_rule(name: str, instance: Any, facts: Mapping[str, Any]) -> ByRule:
    """The violations of a document, by rule id."""
    found: dict[str, list[Violation]] = defaultdict(list)
    for violation in violations(name, instance, facts):
        found[violation.rule].append(violation)
    return found


def facts_of_run(run: Run) -> dict[str, Any]:
    """The round's facts with those that depend on the run: benchmark, seeds, latency limit."""
    result = run.result
    scenario = run.log.value.first("effective_scenario")
    facts: dict[str, Any] = dict(result.round.facts)
    seeds = result.round.facts["seeds"]
    queries = {"Offline": None, **(result.rules.facts["min_queries"] or {})}
    facts["benchmark"] = {**result.rules.facts, "min_queries": queries}
    facts["run_seeds"] = seeds.get(run.test) or seeds["default"]
    by_directory = result.round.reading.get("latency_constraint_by_directory") and result.canonical
    facts["server_latency_ns"] = result.rules.latency_constraint_ns(by_directory or "Server")
    facts["result_key"] = result.rules.result_key(scenario) if isinstance(scenario, str) else None
    facts["min_queries"] = _min_queries(run, scenario)
    return facts


def _min_queries(run: Run, scenario: object) -> dict[str, Any] | None:
    """The least number of queries of a scenario; None where early stopping decides instead."""
    limits = run.result.rules.facts["min_queries"] or {}
    least = limits.get(scenario) if isinstance(scenario, str) else None
    if least is None or scenario in run.result.round.facts["early_stopping_scenarios"]:
        return None
    return {"keys": ["effective_min_query_count"], "least": least}


def of_run(run: Run, rule: str, *, raises: bool = False) -> Iterator[Problem]:
    """Problems of one rule in the parsed result of a run. ``raises``: a missing value is an exception there."""
    found: ByRule | None = run.__dict__.get("violations")
    if found is None:
        found = run.__dict__["violations"] = _of_log(run)
    for violation in found.get(rule, []):
        missing = violation.keyword == "required"
        key = violation.wanted if missing else violation.pointer.rpartition("/")[2]
        yield Problem(
            message=f"{key} is missing"
            if missing
            else f"{key} is {violation.found}, wanted {violation.wanted}",
            path=run.log.path,
            line=run.line(key),
            found=violation.found,
            wanted="a value" if missing else violation.wanted,
            raises=raises and violation.keyword in RAISING,
            excusable=violation.keyword not in RAISING,
        )


def _of_log(run: Run) -> ByRule:
    """The violations of a log. Mostly there are none, which the values that the schema names tell.

    They are settings and verdicts, and in most logs of one kind the same to the letter.
    """
    log, held = run.log.value, _held(run)
    if held.schema.quick is None:
        return by_rule(LOG, log.result(), facts_of_run(run))
    raws = [log.raw(name) for name in held.schema.names]
    said = len(log.errors), *raws
    if said in held.fit:
        return {}
    if not held.schema.quick(log.result(held.schema.names)):
        return by_rule(LOG, log.result(), facts_of_run(run))
    if len(held.fit) < MOST_FIT and sum(len(raw) for raw in raws if raw) <= LONGEST_FIT:
        held.fit.add(said)
    return {}


@dataclass(frozen=True, slots=True)
class _Held:
    """A schema with the facts of a round and a benchmark, and what was found to fit it: the number of errors and the
    values that the schema names, as written."""

    of_round: Mapping[str, Any]
    of_benchmark: Mapping[str, Any]
    schema: Prepared
    fit: set[tuple[int | bytes | None, ...]] = field(default_factory=set)


def _held(run: Run) -> _Held:
    """The schema with the facts of a run, made once for all runs of one benchmark, test and scenario."""
    result, scenario = run.result, run.log.value.first("effective_scenario")
    of_round, of_benchmark = result.round.facts, result.rules.facts
    asked = scenario if isinstance(scenario, str) else None
    key = (id(of_round), id(of_benchmark), run.test, result.canonical, asked)
    found = _schemas.get(key)
    if found is None or found.of_round is not of_round or found.of_benchmark is not of_benchmark:
        if len(_schemas) >= MOST_SCHEMAS:
            _schemas.clear()
        found = _schemas[key] = _Held(of_round, of_benchmark, prepared(LOG, facts_of_run(run)))
    return found


def of_system(system: System, rule: str) -> Iterator[Problem]:
    """Problems of one rule in a system description."""
    source = system.description
    facts = dict(system.round.facts)
    known = [*facts["availability"], *facts.get("availability_aliases", {})]
    facts["status_pattern"] = f"^({'|'.join(map(_any_case, known))})$"
    spelled = " or ".join(known)
    for problem in of_document("system", source, source.value, facts, rule):
        pattern = problem.wanted.startswith("pattern") and problem.pointer == "/status"
        message = f"status is {problem.found}, wanted {spelled}"
        yield replace(problem, message=message, wanted=spelled) if pattern else problem


def _any_case(text: str) -> str:
    """A pattern for a text in upper, lower or mixed case."""
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else re.escape(c) for c in text)


def of_document(
    name: str, source: Source[Any], document: Any, facts: Mapping[str, Any], rule: str
) -> Iterator[Problem]:
    """Problems of one rule in a document of a kind that has a schema."""
    for violation in by_rule(name, document, facts).get(rule, []):
        missing = violation.keyword == "required"
        pointer = f"{violation.pointer}/{violation.wanted}" if missing else violation.pointer
        yield Problem(
            message=f"{violation.wanted!r} is missing"
            if missing
            else f"{pointer.removeprefix('/') or 'the document'} is {violation.found}, wanted {violation.wanted}",
            path=source.path,
            pointer=violation.pointer if missing else pointer,
            found=violation.found,
            wanted=violation.wanted,
            raises=violation.keyword in RAISING,
        )
