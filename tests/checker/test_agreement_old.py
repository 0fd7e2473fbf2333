"""Agreement with the official checkers of v0.5 to v2.1: published results, power runs, and broken results."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from checker.api import check_with
from checker.model import Effect, Finding, Place, Report, ResultReport
from checker.options import Options
from tests.checker.corpus import (
    SHARES,
    contents,
    control_tree,
    edited,
    folder,
    golden,
    in_corpus,
    needs_corpus,
)

ROWS = {"v0.5": 2, "v0.7": 11, "v1.0": 7, "v1.1": 8, "v2.0": 7, "v2.1": 8}
"""Rows of the golden tables whose files are in the corpus."""
POWER_ROWS = {"v1.0": 2, "v1.1": 4, "v2.0": 4, "v2.1": 3}
MUTANTS = {"v0.7": 70, "v1.0": 73, "v1.1": 103, "v2.0": 105, "v2.1": 102}
WITHOUT_POWER_CHECKER = ("v2.0",)
"""Rounds whose broken results were judged without the power checker: it fails every published one."""
LOSES = {
    Effect.RESULT: 5, Effect.BENCHMARK: 4, Effect.SYSTEM: 3, Effect.SUBMITTER: 2, Effect.DIVISION: 1,
    Effect.STOP: 0, Effect.CRASH: 0,
}  # fmt: skip
"""How deep the place is of which an effect takes all results."""


def same(found: float | None, text: str) -> bool:
    if not text or found is None:
        return not text and found is None
    return math.isclose(found, float(text), rel_tol=1e-9)


def numbers(result: ResultReport) -> tuple[float | None, float | None, float | None]:
    metric = result.metric.value if result.metric else None
    accuracy = result.accuracy[0].value if result.accuracy else None
    return metric, accuracy, result.power.metric.value if result.power else None


def judged(tree: Path, round_name: str, *, power_checker: bool) -> Report:
    return check_with(tree, Options(round=round_name, power_checker=power_checker))


def by_place(rows: list[dict[str, str]]) -> dict[Place, dict[str, str]]:
    return {
        Place(r["division"], r["submitter"], r["system"], r["benchmark"], r["scenario_dir"]): r
        for r in rows
        if in_corpus(r)
    }


def loses(found: Finding, place: Place) -> bool:
    """Whether a finding takes a result out of the official checker's list."""
    depth = LOSES.get(found.effect)
    return depth is not None and found.place.cut(depth).covers(place)


def explained(report: Report, result: ResultReport) -> bool:
    """Whether a finding says why the two verdicts differ, where they do."""
    if result.valid == result.reference_valid:
        return True
    own = [report.findings[at] for at in result.findings]
    return any(
        (f.counts and not f.spares_results and f.place.covers(result.place)) != loses(f, result.place)
        for f in own
    )


@needs_corpus
@pytest.mark.parametrize("name", ROWS)
def test_every_published_result(name: str) -> None:
    report = judged(folder() / name, name, power_checker=False)
    rows = by_place([r for r in golden(f"golden-{name}.csv") if r["round"] == name])
    results = {r.place: r for r in report.results}
    assert len(rows) == ROWS[name]
    for place, row in rows.items():
        result = results[place]
        assert result.reference_valid == (row["verdict"] == "valid"), result.path
        assert explained(report, result), result.path
        metric, accuracy, power = numbers(result)
        if not row["metric_value"]:
            continue
        assert same(metric, row["metric_value"]), result.path
        assert same(accuracy, row["accuracy"]), result.path
        assert same(power, row["power_value"]), result.path
        assert result.metric is not None
        about = (result.metric.unit, result.model, result.scenario)
        assert about == (row["metric_unit"], row["mlperf_model"], row["scenario"])
        assert str(int(result.inferred)) == row["inferred"]


@needs_corpus
@pytest.mark.parametrize("name", POWER_ROWS)
def test_every_power_result(name: str) -> None:
    report = judged(folder() / name, name, power_checker=True)
    rows = by_place([r for r in golden("golden-power-old.csv") if r["round"] == name])
    results = {r.place: r for r in report.results}
    assert len(rows) == POWER_ROWS[name]
    for place, row in rows.items():
        result = results[place]
        assert result.reference_valid == (row["verdict"] in ("pass", "warn")), result.path
        assert explained(report, result), result.path
        found = result.power
        assert found is not None
        assert same(found.metric.value, row["reference_power_value"]), result.path
        assert same(found.average_watts, row["avg_watts_all"]), result.path
        assert found.samples == int(row["samples_in_window"])
        assert found.max_gap_seconds == pytest.approx(float(row["max_gap_s"]), abs=1e-3)
        own = [report.findings[at] for at in result.findings]
        changed = [f for f in own if f.rule == "power/results-hash"]
        assert bool(changed) == (row["recorded_hashes"] != "match"), result.path
        assert all(f.message.startswith("line ends changed") and not f.counts for f in changed)


@needs_corpus
@pytest.mark.parametrize("name", ["v1.0", "v1.1", "v2.0", "v2.1"])
def test_published_results_with_the_power_checker(name: str) -> None:
    report = judged(folder() / name, name, power_checker=True)
    rows = by_place(golden(f"golden-{name}.csv"))
    for result in report.results:
        row = rows[result.place]
        assert result.reference_valid == (row["verdict_more_power_check"] == "valid"), result.path


def disagreements(row: dict[str, str], tree: Path, *, power_checker: bool, column: str) -> list[str]:
    report = judged(tree, row["round"], power_checker=power_checker)
    results = {r.path: r for r in report.results}
    target, main = results.get(row["target"]), column == "verdict"
    listed = target is not None and target.reference_valid
    wrong = []
    if listed != (row[column] == "valid"):
        wrong.append(f"{column} is {row[column]}, found {'valid' if listed else 'invalid'}")
    if (row[column] == "crash") != any(f.effect is Effect.CRASH for f in report.findings):
        wrong.append(
            f"{column} is {row[column]}, a crash was {'not ' if row[column] == 'crash' else ''}found"
        )
    if main and report.reference_valid != (row["exit_code"] == "0"):
        wrong.append(f"exit code is {row['exit_code']}")
    for lost in row["other_results_lost"].split() if main else ():
        if lost in results and results[lost].reference_valid:
            wrong.append(f"{lost} should be lost")
    if target is not None and listed and row[column] == "valid":
        wrong += different_numbers(row, target, main=main)
    if not all(explained(report, r) for r in report.results):
        wrong.append("a difference between the two verdicts without a finding")
    return [f"{row['id']} ({row['mutation']}): {w}" for w in wrong]


def different_numbers(row: dict[str, str], target: ResultReport, *, main: bool) -> list[str]:
    metric, accuracy, power = numbers(target)
    wanted = row["power_value" if main else "power_value_without_power_checker"]
    pairs = [("power", power if wanted else None, wanted)]
    if main:
        pairs += [("metric", metric, row["metric_value"])]
        pairs += [("accuracy", accuracy, row["accuracy"])] if row["accuracy"] else []
    return [f"{name} {found}, wanted {text}" for name, found, text in pairs if not same(found, text)]


def mutants(name: str) -> list[dict[str, str]]:
    found = []
    for row in golden("golden-mutants-old.csv"):
        division, submitter, system = re.fullmatch(r"(\w+)/(\S+) system (\S+) only", row["tree"]).groups()  # type: ignore[union-attr]
        place = folder() / name / division / submitter / "results" / system
        if row["round"] == name and place.is_dir():
            found.append(row | {"division": division, "submitter": submitter, "system": system})
    return found


@needs_corpus
@SHARES
@pytest.mark.parametrize("name", MUTANTS)
def test_every_broken_result(name: str, every: int, tmp_path: Path) -> None:
    rows = mutants(name)
    wrong: list[str] = []
    power_checker, trees = name not in WITHOUT_POWER_CHECKER, {}
    for row in rows[::every]:
        place = row["division"], row["submitter"], row["system"]
        tree = tmp_path / "-".join(place)
        if place not in trees:
            control_tree(tree, name, *place)
            trees[place] = tree, contents(tree)
        with edited(tree, json.loads(row["edits"]), tmp_path / "spare"):
            wrong += disagreements(row, tree, power_checker=power_checker, column="verdict")
            if row["verdict_without_power_checker"]:
                wrong += disagreements(row, tree, power_checker=False, column="verdict_without_power_checker")
    assert all(contents(tree) == before for tree, before in trees.values())
    assert len(rows) == MUTANTS[name]
    assert not wrong, "\n".join(wrong)
