"""The reports: their schema, that two runs give the same bytes, and what an evil tree may not do to a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checker.api import check, render_text
from checker.model import Place
from checker.reports import writers
from checker.reports.json import document
from checker.rules import all_rules
from checker.wording import listing, shorten
from schemas.documents import violations
from tests.checker.one_edit import report
from tests.checker.test_rules_power import CASES as POWER
from tests.checker.test_rules_power import CUT, native, record, rehearsed
from tests.checker.test_rules_runs import CASES as RUNS
from tests.checker.test_rules_structure import CASES as STRUCTURE
from tests.checker.trees import build


def text_of(form: str, path: Path) -> str:
    stream = io.StringIO()
    writers()[form](check(path), stream)
    return stream.getvalue()


@pytest.mark.parametrize("case", [*POWER, *RUNS, *STRUCTURE][::4], ids=lambda c: c.id)
def test_every_report_keeps_its_schema(case: object, tmp_path: Path) -> None:
    found = document(report(tmp_path, case))  # type: ignore[arg-type]
    assert list(violations("report", found)) == []
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("form", ["json", "text", "csv"])
def test_two_runs_give_the_same_bytes(form: str, tmp_path: Path) -> None:
    tree = build(tmp_path)
    tree.system_json(cooling="", coolng="air")
    assert text_of(form, tree.root) == text_of(form, tree.root)


def test_the_number_of_processes_does_not_show(tmp_path: Path) -> None:
    tree = build(tmp_path)
    for part in ("results", "measurements", "compliance"):
        shutil.copytree(tree.base / part / "board", tree.base / part / "other")
    (tree.base / "systems" / "other.json").write_text((tree.base / "systems" / "board.json").read_text())
    alone, shared = check(tree.root), check(tree.root, jobs=2)
    assert document(alone) == document(shared)
    assert len(alone.results) == 6
    assert {f.rule for f in alone.findings} == {"measurements/json-name", "quality/duplicate-logs"}


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


def test_the_list_of_things_to_do_counts_what_lies_in_one_place(tmp_path: Path) -> None:
    """Two scenarios are missing from one directory: the line must not sound as if it were one."""
    tree = build(tmp_path)
    for scenario in ("multistream", "offline"):
        for part in (tree.result(scenario), tree.measurements(scenario)):
            shutil.rmtree(part)
    for form in ("text", "markdown"):
        to_do = text_of(form, tree.root).split("in this order")[1].split("Runs to make")[0]
        assert "2 findings)" in to_do, form


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


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def on_terminal(
    monkeypatch: pytest.MonkeyPatch, tree: Path, width: int, *, colour: bool, **options: Any
) -> str:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    render_text(check(tree, **options), stream)
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("colour", [True, False])
def test_text_fits_the_terminal(
    width: int, colour: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = build(tmp_path)
    rehearsed(tree)
    native(tree)
    tree.sign()
    for rehearsal in (True, False):
        text = on_terminal(monkeypatch, tree.root, width, colour=colour, rehearsal=rehearsal)
        assert ("\x1b" in text) == colour
        plain = re.sub(r"\x1b\[[\d;]*m", "", text)
        assert max(map(len, plain.splitlines())) <= width


def test_power_of_powerd_is_one_cause_with_what_follows(tmp_path: Path) -> None:
    tree = build(tmp_path)
    native(tree)
    tree.sign()
    stream = io.StringIO()
    report_ = check(tree.root)
    render_text(report_, stream)
    text = stream.getvalue()
    followers = {f.rule for f in report_.findings if all_rules()[f.rule].official_power_only}
    assert len(followers) >= 4
    assert "from 1 cause." in text
    assert "\n1. power/unofficial: power was measured by " in text
    assert "\n2. " not in text
    for rule in followers:
        assert f"hence     {rule}: " in text


def test_without_the_cause_its_followers_stand_for_themselves(tmp_path: Path) -> None:
    tree = build(tmp_path)
    tree.set_json(tree.power() / "server.json", ptd_messages=[])
    tree.sign()
    text = text_of("text", tree.root)
    assert "\n1. power/ptd-commands: " in text
    assert "power/unofficial" not in text


def test_what_is_forgiven_says_what_the_real_run_must_have(tmp_path: Path) -> None:
    tree = build(tmp_path)
    record(tree, shortened=CUT)
    tree.set_log(tree.run(), effective_min_duration_ms=20000)
    tree.sign()
    stream = io.StringIO()
    render_text(check(tree.root, rehearsal=True), stream)
    lines = stream.getvalue().splitlines()
    assert "VALID as a rehearsal" in lines[1]
    assert lines[3].startswith("Only the official checker refuses it: effective_min_duration_ms is 20000")
    at = next(n for n, line in enumerate(lines) if line.strip().startswith("performance/min-duration"))
    assert lines[at + 1].strip() == "real run: at least 600000"


def test_long_texts_are_cut_where_it_makes_sense() -> None:
    names = ", ".join(f"name{at}" for at in range(100))
    cut = shorten(names, 100)
    assert cut.startswith("name0, name1")
    assert re.fullmatch(r".*name\d+ … \(\d+ more characters\)", cut)
    assert shorten("x" * 110, 100) == "x" * 110
    assert listing(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    assert listing(["a", "b", "c"], 2) == "a, b, c"


def test_text_says_how_many_results_were_known_from_before(tmp_path: Path) -> None:
    found = check(build(tmp_path).root)
    first, second = io.StringIO(), io.StringIO()
    render_text(found, first)
    render_text(replace(found, cached_results=2), second)
    assert "Known from before" not in first.getvalue()
    assert "unchanged: 2 of 3 results;" in second.getvalue()
