"""``summary.csv`` of every round: its own columns, and the cells of the official file."""

from __future__ import annotations

import csv
import io
import math

import pytest

from checker.api import check
from checker.model import Report
from checker.reports.csv import COLUMNS, write
from schemas.rounds import known_rounds, load_round
from tests.checker.corpus import folder, golden, needs_corpus
from tests.checker.test_agreement_old import ROWS as OLD

PUBLISHED = [n for n in (*OLD, "v3.0", "v4.1", "v5.1") if n != "v0.5"]
"""Rounds of which there are published results; the checker of v0.5 wrote no summary."""
FIRST = ("v0.7", "v1.0", "v1.1", "v2.0")
"""Rounds whose summary tells in a column whether compliance is kept."""
Row = dict[str, str]


def table(report: Report) -> tuple[list[str], list[Row]]:
    stream = io.StringIO()
    write(report, stream)
    reader = csv.DictReader(io.StringIO(stream.getvalue()))
    rows = list(reader)
    return list(reader.fieldnames or ()), rows


def spelled(row: Row) -> Row:
    return row | {"inferred": row.get("inferred", row.get("infered", ""))}


@pytest.mark.parametrize("name", known_rounds())
def test_no_round_has_a_column_that_nothing_fills(name: str) -> None:
    columns = load_round(name).facts.get("csv_columns") or COLUMNS
    assert set(COLUMNS[:22]) - {"compliance"} <= set(columns)
    assert len(set(columns)) == len(columns)


@needs_corpus
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_rows_are_those_of_the_official_file(name: str) -> None:
    columns, rows = table(check(folder() / name, round_name=name))
    assert columns == list(load_round(name).facts.get("csv_columns") or COLUMNS)
    wanted = {
        "/".join(
            (r["division"], r["submitter"], "results", r["system"], r["benchmark"], r["scenario_dir"])
        ): r
        for r in golden(f"golden-{name}.csv")
        if r["verdict"] == "valid"
    }
    assert rows
    for row in map(spelled, rows):
        golden_row = wanted[row["Location"]]
        about = (row["Scenario"], row["MlperfModel"], row["SystemType"], row["inferred"])
        assert about == tuple(golden_row[k] for k in ("scenario", "mlperf_model", "system_type", "inferred"))
        assert row["Accuracy"] == golden_row["accuracy"], row["Location"]
        units = golden_row["power_unit"], golden_row["power_value"]
        of_power = row.get("Units") == units[0] and bool(units[1])
        number = units[1] if of_power else golden_row["metric_value"]
        assert math.isclose(float(row["Result"]), float(number), rel_tol=1e-9), row["Location"]
        if "Units" in row:
            assert of_power or row["Units"] == golden_row["metric_unit"]
        if "power" in row:
            assert math.isclose(float(row["power"]), float(golden_row["power_value"] or 0), rel_tol=1e-9)
        if name in FIRST:
            assert row["compilance"] == golden_row["compliance"], row["Location"]
