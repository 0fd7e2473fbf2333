"""Agreement with the official checkers: published results, and published results with one thing broken."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from pathlib import Path

import pytest

from checker.api import check_with
from checker.model import Effect, Place, Report, ResultReport
from checker.options import Options
from schemas.rounds import load_round
from tests.checker.corpus import SHARES, contents, control_tree, edited, folder, golden, needs_corpus, rounds

EVERY_ROUND = pytest.mark.parametrize("name", rounds())


def same(found: float | None, text: str) -> bool:
    if not text or found is None:
        return not text and found is None
    return math.isclose(found, float(text), rel_tol=1e-9)


def same_accuracies(result: ResultReport, text: str) -> bool:
    """Either the first number alone, or from v5.0 on all of them with their names."""
    if ":" not in text:
        return same(result.accuracy[0].value if result.accuracy else None, text)
    found = {a.name: a.value for a in result.accuracy}
    wanted = dict(re.findall(r"(\S+): (\S+)", text))
    return found.keys() == wanted.keys() and all(same(found[n], wanted[n]) for n in found)


@cache
def published(name: str, power_checker: bool | None = None) -> Report:
    return check_with(folder() / name, Options(round=name, power_checker=power_checker))


@needs_corpus
@EVERY_ROUND
def test_every_published_result(name: str) -> None:
    rows = {
        Place(r["division"], r["submitter"], r["system"], r["benchmark"], r["scenario_dir"]): r
        for r in golden(f"golden-{name}.csv")
    }
    report = published(name)
    assert report.results
    for result in report.results:
        row = rows[result.place]
        assert result.reference_valid == (row["verdict"] == "valid"), result.path
        if row["verdict"] != "valid":
            continue
        assert result.metric is not None
        assert same(result.metric.value, row["metric_value"]), result.path
        assert same_accuracies(result, row["accuracy"]), result.path
        assert same(result.power.metric.value if result.power else None, row["power_value"]), result.path
        assert (result.metric.unit, result.model, result.scenario, result.system_type) == (
            row["metric_unit"],
            row["mlperf_model"],
            row["scenario"],
            row["system_type"],
        )
        assert str(int(result.inferred)) == row["inferred"]


@needs_corpus
@EVERY_ROUND
def test_every_published_power_run(name: str) -> None:
    rows = {
        Place(r["division"], r["submitter"], r["system"], r["benchmark"], r["scenario_dir"]): r
        for r in golden("golden-power.csv")
        if r["round"] == name
    }
    report = published(name, True)
    compared = 0
    for result in report.results:
        row = rows.get(result.place)
        assert (result.power is None) == (row is None), result.path
        if row is None or result.power is None:
            continue
        compared += 1
        power = result.power
        assert result.reference_valid == (row["verdict"] in ("pass", "warn")), result.path
        kept = "avg_watts_all" if name == "v3.0" else "avg_watts_positive"
        assert same(power.average_watts, row[kept]), result.path
        assert power.samples == int(row["samples_in_window"])
        assert power.bad_samples == int(row["samples_nonpositive"]) + int(row["samples_nan"])
        if not power.bad_samples:  # ours is the longest time without a good sample
            assert power.max_gap_seconds == pytest.approx(float(row["max_gap_s"]), abs=1e-3)
    assert compared


QUALITY_THAT_COUNTS = {"v5.1": {"quality/coverage"}}
"""Rules of our own that call a published result invalid, each justified in docs/agreement.md."""


@needs_corpus
@EVERY_ROUND
def test_published_results_keep_our_own_rules_too(name: str) -> None:
    report = published(name)
    for result in report.results:
        if result.valid != result.reference_valid:
            counting = {report.findings[at].rule for at in result.findings if report.findings[at].counts}
            assert counting <= QUALITY_THAT_COUNTS.get(name, set()), result.path
    assert all(explained(report, r) for r in report.results)


@needs_corpus
def test_the_bad_samples_that_the_official_mean_leaves_out() -> None:
    """A seventh of a published power log reads negative, because the meter was over its range."""
    bad = {
        r.place.benchmark: (r.power.bad_samples, r.power.samples, r.valid)
        for r in published("v5.1").results
        if r.power
    }
    assert bad == {
        "mobilenet-v1-precision_float-1.0-192": (69, 600, False),
        "mobilenet-v1-precision_float-1.0-224": (0, 600, True),
    }


def mutants(name: str) -> list[dict[str, str]]:
    return [r for r in golden("golden-mutants.csv") if r["round"] == name]


def disagreements(row: dict[str, str], tree: Path, *, power_checker: bool) -> list[str]:
    column = "verdict" if power_checker else "verdict_without_power_checker"
    report = check_with(tree, Options(round=row["round"], power_checker=power_checker))
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
        if power_checker and not same(target.metric.value if target.metric else None, row["metric_value"]):
            wrong.append(f"metric {target.metric}")
        if power_checker and not same_accuracies(target, row["accuracy"]):
            wrong.append(f"accuracy {target.accuracy}")
        if power and not same(target.power.metric.value if target.power else None, power):
            wrong.append(f"power {target.power}, wanted {power}")
    if not all(explained(report, r) for r in report.results):
        wrong.append("a difference between the two verdicts without a finding")
    return [f"{row['id']} ({row['mutation']}): {w}" for w in wrong]


def explained(report: Report, result: ResultReport) -> bool:
    if result.valid == result.reference_valid:
        return True
    own = [report.findings[at] for at in result.findings]
    spared = (Effect.MARK, *(e for e in Effect if not e.fails))
    return any(
        (f.counts and not f.spares_results and f.place.covers(result.place)) != (f.effect not in spared)
        for f in own
    )


def groups() -> list[tuple[str, str]]:
    """Round and target of the mutants, a test each: they take a while."""
    return sorted({(r["round"], r["target"]) for r in golden("golden-mutants.csv") if r["round"] in rounds()})


@needs_corpus
@SHARES
@pytest.mark.parametrize(("name", "target"), groups(), ids=lambda t: t.rpartition("/")[2])
def test_every_broken_result(name: str, target: str, every: int, tmp_path: Path) -> None:
    rows = [r for r in mutants(name) if r["target"] == target]
    wrong: list[str] = []
    tree = tmp_path / "tree"
    path, system, _ = re.split(r" system | only", rows[0]["tree"])
    control_tree(tree, name, *path.split("/"), system)
    assert {row["tree"] for row in rows} == {rows[0]["tree"]}
    before = contents(tree)
    for row in rows[::every]:
        with edited(tree, json.loads(row["edits"]), tmp_path / "spare"):
            wrong += disagreements(row, tree, power_checker=True)
            if row["verdict_without_power_checker"]:
                wrong += disagreements(row, tree, power_checker=False)
    assert contents(tree) == before
    assert len(rows) > 60
    assert not wrong, "\n".join(wrong)


@needs_corpus
@EVERY_ROUND
def test_the_power_checker_takes_part_as_in_the_round(name: str) -> None:
    by_default = bool(load_round(name).facts["power"]["run_by_default"])
    tree = next(r for r in golden("golden-mutants.csv") if r["round"] == name)
    assert (tree["checker"].endswith("--more-power-check")) == (not by_default)
