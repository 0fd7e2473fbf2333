"""Agreement with the official checker of v4.1: published results, and published results with one thing broken."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from checker.api import check, check_with
from checker.model import Place, Report, ResultReport
from checker.options import Options
from tests.checker.corpus import apply, control_tree, folder, golden, needs_corpus

SYSTEM = ("closed", "UntetherAI", "h13_u3_slim")


def same(found: float | None, text: str) -> bool:
    if not text or found is None:
        return not text and found is None
    return math.isclose(found, float(text), rel_tol=1e-9)


def numbers(result: ResultReport) -> tuple[float | None, float | None, float | None]:
    metric = result.metric.value if result.metric else None
    accuracy = result.accuracy[0].value if result.accuracy else None
    return metric, accuracy, result.power.metric.value if result.power else None


@pytest.fixture(scope="module")
def published() -> Report:
    return check(folder() / "v4.1", round_name="v4.1")


@needs_corpus
def test_every_published_result_of_v4_1(published: Report) -> None:
    rows = {
        Place(r["division"], r["submitter"], r["system"], r["benchmark"], r["scenario_dir"]): r
        for r in golden("golden-v4.1.csv")
    }
    assert len(published.results) >= 28
    for result in published.results:
        row = rows[result.place]
        assert result.reference_valid == (row["verdict"] == "valid"), result.path
        if row["verdict"] != "valid":
            continue
        metric, accuracy, power = numbers(result)
        assert same(metric, row["metric_value"]), result.path
        assert same(accuracy, row["accuracy"]), result.path
        assert same(power, row["power_value"]), result.path
        assert result.metric is not None
        assert (result.metric.unit, result.model, result.scenario, result.system_type) == (
            row["metric_unit"],
            row["mlperf_model"],
            row["scenario"],
            row["system_type"],
        )
        assert str(int(result.inferred)) == row["inferred"]


@needs_corpus
def test_published_results_keep_our_own_rules_too(published: Report) -> None:
    assert all(r.valid == r.reference_valid for r in published.results)


def mutants(target: str) -> list[dict[str, str]]:
    rows = [r for r in golden("golden-mutants.csv") if r["round"] == "v4.1"]
    return [r for r in rows if r["target"].endswith("/" + target)]


def disagreements(row: dict[str, str], tree: Path, *, power_checker: bool) -> list[str]:
    column = "verdict" if power_checker else "verdict_without_power_checker"
    options = Options(round="v4.1", power_checker=None if power_checker else False)
    report = check_with(tree, options)
    results = {r.path: r for r in report.results}
    target = results.get(row["target"])
    listed = target is not None and target.reference_valid
    wrong = []
    if listed != (row[column] == "valid"):
        wrong.append(f"{column} is {row[column]}, found {'valid' if listed else 'invalid'}")
    if power_checker and report.reference_valid != (row["exit_code"] == "0"):
        wrong.append(f"exit code is {row['exit_code']}")
    for lost in row["other_results_lost"].split() if power_checker else ():
        if lost in results and results[lost].reference_valid:
            wrong.append(f"{lost} should be lost")
    power = row["power_value" if power_checker else "power_value_without_power_checker"]
    if target is not None and listed and row[column] == "valid":
        if power_checker and not same(numbers(target)[0], row["metric_value"]):
            wrong.append(f"metric {numbers(target)[0]}")
        if power and not same(numbers(target)[2], power):
            wrong.append(f"power {numbers(target)[2]}, wanted {power}")
    if not all(_explained(report, r) for r in report.results):
        wrong.append("a difference between the two verdicts without a finding")
    return [f"{row['id']} ({row['mutation']}): {w}" for w in wrong]


def _explained(report: Report, result: ResultReport) -> bool:
    if result.valid == result.reference_valid:
        return True
    own = [report.findings[at] for at in result.findings]
    return any((f.counts and f.place.covers(result.place)) != f.reference for f in own)


@needs_corpus
@pytest.mark.parametrize("target", ["offline", "singlestream"])
def test_every_broken_result(target: str, tmp_path: Path) -> None:
    rows = mutants(target)
    wrong: list[str] = []
    for row in rows:
        tree = tmp_path / row["id"]
        control_tree(tree, "v4.1", *SYSTEM)
        apply(tree, json.loads(row["edits"]))
        wrong += disagreements(row, tree, power_checker=True)
        if row["verdict_without_power_checker"]:
            wrong += disagreements(row, tree, power_checker=False)
    assert len(rows) == 81
    assert not wrong, "\n".join(wrong)
