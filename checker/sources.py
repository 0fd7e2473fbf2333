"""Where it is written what a rule wants: the table of the round's file, or the rules of MLPerf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from checker.model import Finding
from checker.rule import INFERENCE, POWER, SUBMISSION, Rule
from checker.rules import all_rules
from schemas.rounds import load_round

DOCUMENTS = {
    INFERENCE: "the MLPerf inference rules",
    SUBMISSION: "the MLPerf submission rules",
    POWER: "the MLPerf power measurement rules",
}


@cache
def tables() -> Mapping[str, str]:
    """The table of a round's file (``schemas/rounds``) that holds what a rule wants, by rule id; ``*`` stands for
    the official name of the benchmark."""
    path = resources.files("checker") / "sources.json"
    found: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def source_of(found: Finding, round_name: str) -> str:
    """Who says what is wanted: ``round v4.1, limits.min_duration_ms``."""
    rule = all_rules().get(found.rule)
    return source(rule, round_name, found.place.benchmark) if rule else ""


def source(rule: Rule, round_name: str, benchmark: str = "") -> str:
    """The same for a rule, with the directory name of a benchmark where there is one."""
    table = tables().get(rule.id)
    if table is None:
        return "mlcheck, beyond the rules of MLPerf" if rule.ours else DOCUMENTS.get(rule.link, rule.link)
    if "*" in table:
        name = load_round(round_name).official_name(benchmark) if benchmark else "<benchmark>"
        table = table.replace("*", name)
    return f"round {round_name}, {table}"
