"""What every finding says: rule, place, found, wanted and by whom, why, what to do; over all bad examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.api import check_with
from checker.model import Finding
from checker.options import Options
from checker.rules import all_rules
from checker.sources import source, source_of, tables
from schemas.rounds import known_rounds, load_round
from tests.checker.example_edits import valid_tree
from tests.checker.examples import EXAMPLES

RULES = all_rules()


def findings_of(root: Path, rule: str, name: str) -> tuple[Finding, ...]:
    example = EXAMPLES[rule]
    tree = valid_tree(root, name, **example.about(name))
    example.apply(tree, example.instead(name) or RULES[rule].bad)
    if example.sign and tree.power().is_dir():
        tree.sign()
    return check_with(tree.root, Options(round=name, power_checker=True)).findings


@pytest.mark.parametrize("rule", list(EXAMPLES))
def test_every_finding_says_everything(rule: str, tmp_path: Path) -> None:
    name = [n for n in known_rounds() if RULES[rule].holds_in(n)][-1]
    found = findings_of(tmp_path, rule, name)
    assert found
    for one in found:
        assert one.rule in RULES
        assert one.location.path
        assert one.location.line is None or one.location.line > 0
        assert (
            one.location.pointer is None or one.location.pointer.startswith("/") or not one.location.pointer
        )
        for text in (one.message, one.found, one.wanted, one.why, one.link, source_of(one, name)):
            assert text.strip(), one
        assert one.fix.endswith(".")
        assert len(one.found) < 300, one.found
        assert one.severity.value in ("error", "warning", "note")
        assert len(one.fingerprint) == 16


def reached(facts: Any, table: str) -> bool:
    """Whether a table is in the facts of a round, for one benchmark at least."""
    head, _, rest = table.partition(".")
    if head == "*":
        return any(reached(row, rest) for row in facts.values())
    return head in facts and (not rest or reached(facts[head], rest))


@pytest.mark.parametrize("rule", list(tables()))
def test_every_table_is_in_a_round_that_has_the_rule(rule: str) -> None:
    rounds = [n for n in known_rounds() if RULES[rule].holds_in(n)]
    assert any(reached(load_round(n).facts, tables()[rule]) for n in rounds)


def test_the_source_of_a_number_is_its_table() -> None:
    assert source(RULES["performance/min-duration"], "v4.1") == "round v4.1, limits.min_duration_ms"
    wanted = "round v5.0, benchmarks.resnet.performance_sample_count"
    assert source(RULES["performance/sample-count"], "v5.0", "resnet50") == wanted
    assert source(RULES["power/uuid"], "v5.0") == "the MLPerf power measurement rules"
    assert source(RULES["quality/coverage"], "v5.0").startswith("mlcheck")
