"""The reports: their schema, that two runs give the same bytes, and what an evil tree may not do to a terminal."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from checker.api import check, render_text
from checker.model import Place
from checker.reports import writers
from schemas.documents import violations
from tests.checker.one_edit import report
from tests.checker.test_rules_power import CASES as POWER
from tests.checker.test_rules_runs import CASES as RUNS
from tests.checker.test_rules_structure import CASES as STRUCTURE
from tests.checker.trees import build


def text_of(form: str, path: Path) -> str:
    stream = io.StringIO()
    writers()[form](check(path), stream)
    return stream.getvalue()


@pytest.mark.parametrize("case", [*POWER, *RUNS, *STRUCTURE][::4], ids=lambda c: c.id)
def test_every_report_keeps_its_schema(case: object, tmp_path: Path) -> None:
    document = report(tmp_path, case).to_json()  # type: ignore[arg-type]
    assert list(violations("report", document)) == []
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize("form", ["json", "text", "csv"])
def test_two_runs_give_the_same_bytes(form: str, tmp_path: Path) -> None:
    tree = build(tmp_path)
    tree.system_json(cooling="", coolng="air")
    assert text_of(form, tree.root) == text_of(form, tree.root)


def test_the_number_of_processes_does_not_show(tmp_path: Path) -> None:
    import shutil

    tree = build(tmp_path)
    for part in ("results", "measurements", "compliance"):
        shutil.copytree(tree.base / part / "board", tree.base / part / "other")
    (tree.base / "systems" / "other.json").write_text((tree.base / "systems" / "board.json").read_text())
    alone, shared = check(tree.root), check(tree.root, jobs=2)
    assert alone.to_json() == shared.to_json()
    assert len(alone.results) == 6
    assert {f.rule for f in alone.findings} == {"measurements/json-name"}


def test_a_number_that_json_cannot_write_is_null(tmp_path: Path) -> None:
    tree = build(tmp_path)
    tree.set_log(tree.run("offline"), result_samples_per_second=float("inf"))
    document = json.loads(text_of("json", tree.root), parse_constant=pytest.fail)
    offline = next(r for r in document["results"] if r["scenario"] == "Offline")
    assert offline["metric"]["value"] is None
    assert offline["verdict"] == "invalid"


def test_text_from_a_tree_cannot_drive_the_terminal(tmp_path: Path) -> None:
    tree = build(tmp_path)
    (tree.base / "code" / "\x1b[31m[bold]evil\nname").write_text("x")
    (tree.base / "code" / "a b").write_text("x")
    tree.system_json(status="\x1b]0;owned\x07")
    text = text_of("text", tree.root)
    assert "\x1b" not in text
    assert "\x07" not in text


def test_text_says_the_answer_first_and_groups_one_cause(tmp_path: Path) -> None:
    tree = build(tmp_path)
    for scenario in ("singlestream", "multistream", "offline"):
        (tree.measurements(scenario) / "user.conf").unlink()
    stream = io.StringIO()
    render_text(check(tree.root), stream)
    lines = stream.getvalue().splitlines()
    assert "NOT VALID: 0 of 3 results" in lines[1]
    assert "would refuse" in lines[2]
    assert sum("measurements/files:" in line for line in lines) == 1
    assert sum(line.strip().startswith("at ") for line in lines) == 3


def test_csv_has_the_columns_of_the_official_summary(tmp_path: Path) -> None:
    tree = build(tmp_path)
    tree.system_json(hw_notes='says "fast", they say', sw_notes="")
    rows = list(csv.DictReader(io.StringIO(text_of("csv", tree.root))))
    assert len(rows) == 4
    assert [r["Units"] for r in rows] == ["Latency (ms)", "Samples/s", "Latency (ms)", "millijoules"]
    assert {r["notes"] for r in rows} == {'says "fast", they say'}
    assert rows[1]["Result"] == "80.5"
    assert rows[1]["Accuracy"] == "76.001"
    assert rows[1]["Location"] == "closed/Bench/results/board/resnet50/offline"
    assert len(rows[0]) == 27


def test_fingerprints_do_not_depend_on_lines(tmp_path: Path) -> None:
    tree = build(tmp_path)
    tree.set_log(tree.run("offline"), effective_min_duration_ms=5)
    before = check(tree.root).findings[0]
    path = tree.run("offline") / "mlperf_log_detail.txt"
    path.write_text("a line more\n" + path.read_text())
    after = check(tree.root).findings[0]
    assert before.fingerprint == after.fingerprint
    assert (before.location.line or 0) + 1 == after.location.line


def test_only_limits_the_check(tmp_path: Path) -> None:
    tree = build(tmp_path)
    tree.set_log(tree.run("offline"), effective_min_duration_ms=5)
    assert check(tree.root, only=Place(scenario="MultiStream")).valid
    limited = check(tree.root, only=Place(scenario="Offline"))
    assert [r.scenario for r in limited.results] == ["Offline"]
    assert not limited.valid
