"""Every rule fires somewhere, is silent on the valid tree, and says what a reader needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checker.api import check
from checker.explain import explain
from checker.files import Tree
from checker.model import Effect, Severity
from checker.options import Options
from checker.rule import Rule, effects, severities
from checker.rule_pass import POWER_CHECKER_FILES, RulePass
from checker.rules import all_rules, structure, structure_results
from checker.rules.structure import READABLE
from checker.tree import Submission
from schemas.errors import UserError
from schemas.rounds import known_rounds, load_round
from schemas.seed_page import seed_page
from tests.checker import (
    test_rules_modern,
    test_rules_old,
    test_rules_old_power,
    test_rules_power,
    test_rules_quality,
    test_rules_runs,
    test_rules_structure,
    test_rules_system,
    test_rules_v6,
    test_rules_v6_endpoints,
    test_rules_v6_runs,
)
from tests.checker.example_edits import valid_tree
from tests.checker.examples import EXAMPLES, Example
from tests.checker.trees import build

RULES = list(all_rules().values())
FIRED_ELSEWHERE = {"internal/rule-crashed"}
"""Rules that no edit of a tree can make fire; each has a test of its own below."""


def fired() -> set[str]:
    cases = [
        *test_rules_structure.CASES,
        test_rules_structure.NOT_FOR_TYPE,
        *test_rules_system.CASES,
        *test_rules_runs.CASES,
        *test_rules_power.ALL_CASES,
        *test_rules_quality.CASES,
        *test_rules_modern.CASES,
        *test_rules_old.CASES,
        *test_rules_old_power.CASES,
        *test_rules_v6.CASES,
        *test_rules_v6_runs.CASES,
        *test_rules_v6_endpoints.CASES,
    ]
    return {case.rule for case in cases}


def test_every_rule_fires_in_a_test() -> None:
    assert set(all_rules()) - FIRED_ELSEWHERE == fired()


@pytest.mark.parametrize("division", ["closed", "open"])
@pytest.mark.parametrize("power", [True, False])
def test_every_rule_is_silent_on_the_valid_tree(division: str, power: bool, tmp_path: Path) -> None:
    tree = build(tmp_path, division=division, power=power)
    report = check(tree.root)
    assert report.findings == ()
    assert report.valid
    assert report.reference_valid
    assert len(report.results) == 3


@pytest.mark.parametrize("name", known_rounds())
@pytest.mark.parametrize("division", ["closed", "open"])
def test_every_rule_is_silent_on_the_valid_tree_of_every_round(
    name: str, division: str, tmp_path: Path
) -> None:
    power = bool(load_round(name).facts["power"])
    tree = valid_tree(tmp_path, name, division=division, power=power)
    report = check(tree.root, more_power_check=power)
    assert (report.round, report.findings) == (name, ())
    assert report.valid
    assert report.reference_valid
    assert any(r.power for r in report.results) == power


WHOLE_FILES = {
    "accuracy/hash", "accuracy/log-truncated", "measurements/files-non-empty", "performance/endpoint-metric",
    "performance/metric", "power/files", "power/ranging-delta", "power/ranging-duration", "power/ranging-log",
    "power/results-hash", "power/session-form", "quality/duplicate-logs", "quality/shared-power", "quality/sut-changed",
    "structure/division-files", "structure/file-size", "structure/hidden-names", "structure/perf-file-list",
    "structure/readable", "structure/root-files", "structure/space-names", "structure/systems-have-results",
    "system/nameplate-power", "system/network-fields",
}  # fmt: skip
"""Rules that speak of a file as a whole, or of what is not in it; all others say where in the file."""


def firing(tmp_path: Path, rule: Rule, name: str, text: str, example: Example) -> set[str]:
    """The rules that find something in the valid tree of a round after an example was done to it.

    They must say where in the file it is. Only the rule itself runs; a broken file is told by another rule than the one
    that needs it.
    """
    tree = valid_tree(tmp_path, name, **example.about(name))
    example.apply(tree, text)
    if example.sign and tree.power().is_dir():
        tree.sign()
    alone = None if rule.id == READABLE else [rule]
    findings = RulePass(Submission(Tree(tree.root), tree.round), Options(power_checker=True), alone).run()
    for place in [f.location for f in findings if f.rule not in WHOLE_FILES]:
        assert place.line or place.pointer is not None or not (tree.root / place.path).is_file(), (
            rule.id,
            place,
        )
    return {found.rule for found in findings}


@pytest.mark.parametrize("name", known_rounds())
def test_every_rule_of_a_round_fires_on_its_bad_example_and_on_no_valid_tree(
    name: str, tmp_path: Path
) -> None:
    """All rules of the round: silent on every kind of valid tree that an example starts from, and each fires on
    what ``mlcheck explain`` shows as bad."""
    abouts: dict[str, dict[str, Any]] = {}
    silent = []
    for rule in RULES:
        example = EXAMPLES.get(rule.id)
        if example is None or not rule.holds_in(name) or name < example.since:
            continue
        abouts[repr(example.about(name))] = example.about(name)
        text = example.instead(name) or rule.bad
        if rule.id not in firing(tmp_path / rule.id.replace("/", "-"), rule, name, text, example):
            silent.append(rule.id)
    assert silent == []
    for number, about in enumerate(abouts.values()):
        tree = valid_tree(tmp_path / f"valid-{number}", name, **about)
        report = check(tree.root, round_name=name, more_power_check=bool(tree.round.facts["power"]))
        no_metric = name == "v6.0" and about.get("endpoint")  # v6.0 knows endpoints but no metric
        wanted = {"performance/endpoint-metric"} if no_metric else set()
        assert {f.rule for f in report.findings} == wanted, [(f.rule, f.message) for f in report.findings]
        assert report.valid or no_metric


@pytest.mark.parametrize("rule", [r for r in RULES if r.id in EXAMPLES], ids=lambda r: r.id)
def test_the_good_example_of_a_rule_is_good(rule: Rule, tmp_path: Path) -> None:
    example = EXAMPLES[rule.id]
    name = example.shown_in or [n for n in known_rounds() if rule.holds_in(n)][-1]
    assert rule.id not in firing(tmp_path, rule, name, rule.good, example)


def test_words_stand_for_what_is_done() -> None:
    """Where an example can only be told, the words told are those of the rule."""
    for name, example in EXAMPLES.items():
        assert getattr(example.apply, "bad", all_rules()[name].bad) == all_rules()[name].bad


def test_every_rule_has_an_example() -> None:
    assert set(all_rules()) == set(EXAMPLES) | FIRED_ELSEWHERE


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_every_rule_says_what_a_reader_needs(rule: Rule) -> None:
    assert rule.title
    assert len(rule.why) > 40
    assert rule.fix.endswith(".")
    assert rule.link.startswith("https://")
    assert rule.good
    assert rule.bad
    assert rule.good != rule.bad
    assert any(rule.holds_in(name) for name in known_rounds())
    for name in known_rounds():
        text = explain(rule.id, name)
        assert rule.title in text
        assert rule.link in text


@pytest.mark.parametrize("name", known_rounds())
def test_every_round_says_what_its_checker_does(name: str) -> None:
    known = {r.id for r in RULES if r.holds_in(name)}
    for division in ("", "closed", "open", "network"):
        table = effects(name, division)
        assert {key for key in table if ":" not in key} == known
        assert {key.partition(":")[0] for key in table} == known
        kinds = {key.partition(":")[2] for key in table if ":" in key}
        assert set(POWER_CHECKER_FILES) <= kinds
    assert set(severities(name)) <= known


def test_rules_of_the_seed_page_exist_or_are_of_later_rounds() -> None:
    rows = [row for row in seed_page() if set(row.rules) & set(all_rules())]
    assert rows
    for row in rows:
        for rule in set(row.rules) & set(all_rules()):
            assert row.topic in explain(rule, "v4.1")


def test_seed_page_shows_every_row() -> None:
    text = explain("seed-page", "v4.1")
    assert all(row.topic in text for row in seed_page())
    assert "NOT THE SAME" in text


def test_unknown_rule_names_near_ones() -> None:
    with pytest.raises(UserError, match="performance/min-duration"):
        explain("performance/min-durations", "v4.1")


def test_a_rule_that_crashes_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(node: object) -> object:
        raise KeyError("nobody expected this")

    tree = build(tmp_path)
    rule = structure_results.perf_file_list
    copy = {name: getattr(rule, name) for name in Rule.__slots__}
    alone = [Rule(**(copy | {"check": broken}))]
    found = RulePass(Submission(Tree(tree.root), load_round("v4.1")), Options(), alone).run()
    assert {f.rule for f in found} == {"internal/rule-crashed"}
    assert {f.severity for f in found} == {Severity.ERROR}
    assert {f.effect for f in found} == {Effect.NONE}
    assert len(found) == 3
    assert "structure/perf-file-list" in found[0].message


def test_an_unreadable_file_is_one_finding_that_names_the_skipped_rules(tmp_path: Path) -> None:
    tree = build(tmp_path)
    (tree.power() / "server.json").write_text("{")
    found = [f for f in check(tree.root).findings if f.rule == "structure/readable"]
    assert len(found) == 1
    for rule in ("power/uuid", "power/phases", "power/messages", "power/debug"):
        assert rule in found[0].message


def test_a_value_that_several_rules_miss_is_one_finding(tmp_path: Path) -> None:
    tree = build(tmp_path)
    tree.set_log(tree.run(), power_begin=None)
    tree.sign()
    errors = [f for f in check(tree.root).findings if f.severity is Severity.ERROR]
    assert [f.rule for f in errors] == ["power/metric"]
    assert "quality/coverage" in errors[0].message


def test_a_directory_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    tree = build(tmp_path)
    submission = Submission(Tree(tree.root), load_round("v4.1"))
    submission.tree.unreadable["closed/Bench/code"] = "Permission denied"
    found = RulePass(submission, Options()).run()
    assert [f.location.path for f in found] == ["closed/Bench/code"]


def test_effects_are_written_as_json() -> None:
    path = Path(structure.__file__).parent.parent / "effects" / "v4.1.json"
    assert json.loads(path.read_text())["round"] == "v4.1"
