"""Agreement with the official checker of v6.0 and v6.1: the sample tree, and trees derived from it with right seeds.

The sample was judged one system and one benchmark at a time, since the official checker ends with a traceback on it
as a whole; so it is here.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from checker.api import check
from checker.model import Effect, Place, Report, ResultReport
from checker.reports._summary_rows import cells
from tests.checker.corpus import folder, golden, needs_corpus

ENDING = (Effect.CRASH, Effect.LOADING, Effect.LISTING)
Row = dict[str, str]


def tree_of(row: Row) -> Path:
    derived = row["tree"].startswith("derived")
    return folder() / ("v6-derived" if derived else "v6-sample_1") / (row["round"] if derived else "")


def path_of(row: Row) -> str:
    return "/".join(
        (row["division"], row["submitter"], "results", row["system"], row["benchmark"], row["scenario_dir"])
    )


def rows_with_files() -> list[Row]:
    return [row for row in golden("golden-v6.csv") if (tree_of(row) / path_of(row)).is_dir()]


@cache
def judged(tree: Path, round_name: str, place: Place) -> Report:
    return check(tree, round_name=round_name, only=place)


def result_of(row: Row) -> tuple[Report, ResultReport]:
    place = Place(row["division"], row["submitter"], row["system"], row["benchmark"])
    report = judged(tree_of(row), row["round"], place)
    return report, next(r for r in report.results if r.path == path_of(row))


def ends_early(report: Report, result: ResultReport) -> bool:
    return any(report.findings[at].effect in ENDING for at in result.findings)


@needs_corpus
def test_every_row_of_the_table() -> None:
    rows = rows_with_files()
    verdicts = Counter(row["verdict"] for row in rows)
    assert verdicts == {"crash": 8, "invalid": 8, "valid": 5}
    for row in rows:
        report, result = result_of(row)
        assert result.reference_valid == (row["verdict"] == "valid"), row
        assert ends_early(report, result) == (row["verdict"] == "crash"), row


@needs_corpus
def test_every_number_of_the_table() -> None:
    rows = [row for row in rows_with_files() if row["verdict"] == "valid"]
    assert len(rows) == 5
    for row in rows:
        report, result = result_of(row)
        assert result.metric is not None
        assert cells(report, result)["inferred"] == row["inferred"]
        assert not result.inferred
        assert math.isclose(result.metric.value, float(row["metric_value"]), rel_tol=1e-9)
        assert result.metric.unit == row["metric_unit"]
        assert result.scenario == row["scenario"]
        assert "  ".join(f"{a.name}: {a.text}" for a in result.accuracy) == row["accuracy"]
        for value, text in zip(result.accuracy, row["accuracy"].split("  "), strict=True):
            assert math.isclose(value.value, float(text.partition(": ")[2]), rel_tol=1e-9)


@needs_corpus
def test_the_wrong_seeds_are_all_that_is_wrong_where_the_table_says_so() -> None:
    for row in rows_with_files():
        if "seed is wrong" in row["error_lines"] and "Execution occurred" not in row["error_lines"]:
            report, result = result_of(row)
            failing = {f.rule for f in (report.findings[at] for at in result.findings) if f.reference}
            assert failing == {"performance/seeds"}, row


@needs_corpus
@pytest.mark.parametrize("round_name", ["v6.0", "v6.1"])
def test_both_verdicts_on_derived_trees(round_name: str) -> None:
    """Honest data keep our own rules too, and the round is told from the seeds."""
    report = check(folder() / "v6-derived" / round_name)
    assert report.round == round_name
    assert report.results
    assert report.valid
    assert report.reference_valid
    assert all(r.valid and r.reference_valid for r in report.results)


@needs_corpus
def test_the_sample_as_a_whole_lists_nothing() -> None:
    report = check(folder() / "v6-sample_1", round_name="v6.1")
    assert not any(r.reference_valid for r in report.results)
    assert all(ends_early(report, r) for r in report.results)
