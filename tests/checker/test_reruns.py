"""Which runs a tree still needs, how long they take, what open would take; and the campaign made of them."""

from __future__ import annotations

import io
import re
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from checker import campaign, open_moves
from checker import reruns as reruns_module
from checker.aliases import matches
from checker.api import check, render_text
from checker.cli import main
from checker.model import Report
from checker.open_moves import movable, relaxed
from checker.reruns import Rerun, reruns, total_seconds
from checker.rules import all_rules
from checker.wording import duration
from schemas.documents import violations
from tests.checker.corpus import folder, needs_corpus
from tests.checker.hostile import reports
from tests.checker.test_rules_power import CUT, record
from tests.checker.trees import LOG_HASH, TreeUnderTest, build
from tests.checker.trees_old import build_old

ALL_TESTS = ("TEST01", "TEST04", "TEST05")


def drop(tree: TreeUnderTest, scenario: str) -> None:
    """Take a scenario away, with everything that belongs to it."""
    for part in ("results", "measurements", "compliance"):
        shutil.rmtree(tree.base / part / "board" / "resnet50" / scenario, ignore_errors=True)


def last_entry(folder_: Path, seconds: float) -> None:
    """Make a run last: its log ends at this time."""
    path = folder_ / "mlperf_log_detail.txt"
    path.write_text(re.sub(r'"time_ms": [\d.]+', f'"time_ms": {seconds * 1000}', path.read_text()))


def rows(report: Report) -> dict[tuple[str, str], Rerun]:
    return {(r.place.scenario, r.mode): r for r in reruns(report)}


def test_a_valid_tree_needs_no_runs(tmp_path: Path) -> None:
    report = check(build(tmp_path).root)
    assert reruns(report) == ()
    assert movable(report) == ()


def test_a_missing_scenario_needs_everything_with_power(tmp_path: Path) -> None:
    tree = build(tmp_path)
    drop(tree, "offline")
    (rerun,) = reruns(check(tree.root))
    assert (rerun.place.scenario, rerun.mode, rerun.tests, rerun.power) == ("Offline", "all", ALL_TESTS, True)
    assert rerun.reasons == ("structure/required-scenarios",)
    # Five performance runs (ranging, testing, three tests) of at least 10 minutes; nothing tells of accuracy but
    # the two accuracy runs beside it, which end after some milliseconds.
    assert rerun.seconds == pytest.approx(5 * 600, abs=1)
    assert not rerun.measured


def test_a_slow_system_takes_as_long_as_its_queries_need(tmp_path: Path) -> None:
    tree = build(tmp_path, power=False)
    drop(tree, "offline")
    for scenario in ("singlestream", "multistream"):
        tree.set_log(tree.run(scenario), early_stopping_latency_ss=500_000_000, early_stopping_latency_ms=4e9)
    (rerun,) = reruns(check(tree.root))
    assert rerun.seconds == pytest.approx(4 * 24576 * 0.5, rel=0.01)


def test_a_run_takes_as_long_as_before(tmp_path: Path) -> None:
    tree = build(tmp_path)
    tree.set_log(tree.run(), result_validity="INVALID")
    tree.set_log(tree.run("offline"), result_validity="INVALID")
    last_entry(tree.run("offline"), 4000)
    tree.sign()
    found = rows(check(tree.root))
    assert {k: (r.power, r.seconds, r.measured) for k, r in found.items()} == {
        ("SingleStream", "performance"): (True, 1200, True),
        ("Offline", "performance"): (False, 4000, True),
    }
    assert total_seconds(found.values()) == (5200, 0)


def test_each_part_is_made_again_for_itself(tmp_path: Path) -> None:
    tree = build(tmp_path, power=False)
    shutil.rmtree(tree.compliance("TEST04", "offline"))
    (tree.result("offline") / "accuracy" / "accuracy.txt").unlink()
    (tree.measurements("multistream") / "user.conf").unlink()
    found = rows(check(tree.root))
    assert set(found) == {("Offline", "accuracy"), ("Offline", "compliance")}
    assert found["Offline", "compliance"].tests == ("TEST04",)
    assert found["Offline", "compliance"].seconds == 600


def test_another_model_makes_every_run_another(tmp_path: Path) -> None:
    tree = build(tmp_path, power=False)
    text = "accuracy=70.0%\nhash=" + LOG_HASH + "\n"
    (tree.result("offline") / "accuracy" / "accuracy.txt").write_text(text)
    assert set(rows(check(tree.root))) == {("Offline", "all")}


def test_files_to_put_right_need_no_run(tmp_path: Path) -> None:
    tree = build(tmp_path, power=False)
    (tree.run("offline") / "notes.txt").write_text("x")
    (tree.result("offline") / "accuracy" / "accuracy.txt").write_text("accuracy=76.1%\n")
    report = check(tree.root)
    assert {f.rule for f in report.findings} == {"structure/perf-file-list", "accuracy/hash"}
    assert reruns(report) == ()
    (tree.run("offline") / "notes.txt").unlink()
    (tree.run("offline") / "mlperf_log_summary.txt").unlink()
    assert set(rows(check(tree.root))) == {("Offline", "performance")}


def test_a_rehearsal_needs_the_real_runs(tmp_path: Path) -> None:
    tree = build(tmp_path)
    record(tree, shortened=CUT)
    tree.set_log(tree.run(), effective_min_duration_ms=20000)
    tree.sign()
    assert set(rows(check(tree.root))) == {("SingleStream", "all")}
    assert reruns(check(tree.root, rehearsal=True)) == ()


def test_open_takes_what_only_misses_its_accuracy(tmp_path: Path) -> None:
    tree = build(tmp_path, power=False)
    text = "accuracy=70.0%\nhash=" + LOG_HASH + "\n"
    (tree.result("offline") / "accuracy" / "accuracy.txt").write_text(text)
    (tree.result("multistream") / "accuracy" / "accuracy.txt").write_text(text)
    tree.set_log(tree.run("multistream"), effective_qsl_rng_seed=1)
    (tree.root / "stray").write_text("x")
    (move,) = movable(check(tree.root))
    assert (move.place.benchmark, move.scenarios, move.rules) == (
        "resnet50",
        ("Offline",),
        ("accuracy/target",),
    )


def test_a_benchmark_without_a_scenario_can_move_as_a_whole(tmp_path: Path) -> None:
    tree = build(tmp_path, power=False)
    drop(tree, "offline")
    (move,) = movable(check(tree.root))
    assert move.scenarios == ("MultiStream", "SingleStream")
    tree.move_to("open")
    assert movable(check(tree.root)) == ()
    assert check(tree.root).valid


def test_what_open_relaxes_depends_on_the_round(tmp_path: Path) -> None:
    tree = build(tmp_path, power=False)
    tree.set_log(tree.run("offline"), effective_min_duration_ms=5)
    found = check(tree.root).findings[0]
    assert not relaxed(found, "v4.1")
    offline = replace(found, rule="performance/offline-samples")
    assert (relaxed(offline, "v5.1"), relaxed(offline, "v6.0")) == (False, True)
    cut = replace(found, rule="accuracy/log-truncated")
    assert (relaxed(cut, "v5.1"), relaxed(cut, "v6.0")) == (True, False)
    assert relaxed(replace(found, rule="compliance/test-dir"), "v6.1")


def test_the_tables_name_rules_that_are_there() -> None:
    known = set(all_rules())
    assert {*reruns_module.BY_RULE, *reruns_module.BY_PLACE, *reruns_module.MISSING_SCENARIO} <= known
    assert set(reruns_module.BY_FAMILY) <= {rule.partition("/")[0] for rule in known}
    for name in (*open_moves.RELAXED, *open_moves.RELAXED_UNTIL, *open_moves.RELAXED_SINCE):
        assert any(matches(rule, name) for rule in known), name
    for rule, until in open_moves.RELAXED_UNTIL.items():
        assert all_rules()[rule].holds_in(until)


def test_streams_are_no_time(tmp_path: Path) -> None:
    """What the first rounds count in MultiStream does not say how long a sample takes."""
    tree = build_old(tmp_path, "v1.0")
    shutil.rmtree(tree.run("offline").parents[1])
    found = {r.place.scenario: r for r in reruns(check(tree.root, round_name="v1.0"))}
    assert found["Offline"].tests == ("TEST01", "TEST04-A", "TEST04-B", "TEST05")
    assert found["Offline"].seconds is not None
    assert found["Offline"].seconds < 24 * 3600


def test_the_first_page_says_hours_and_order(tmp_path: Path) -> None:
    tree = build(tmp_path)
    drop(tree, "offline")
    for scenario in ("singlestream", "multistream"):
        (tree.measurements(scenario) / "user.conf").unlink()
    stream = io.StringIO()
    render_text(check(tree.root), stream)
    text = stream.getvalue()
    order = [
        "NOT VALID", "would refuse", "What to do, in this order", "1 scenario Offline is missing",
        "2 user.conf is missing (measurements/files, 2 places)", "Runs to make (1): about 50 min of measuring",
        "Offline: all runs with power, about 50 min", "Details", "\n1. structure/required-scenarios",
    ]  # fmt: skip
    at = [text.index(part) for part in order]
    assert at == sorted(at)


def test_the_campaign_is_toml_and_keeps_its_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = build(tmp_path / "tree")
    drop(tree, "offline")
    shutil.rmtree(tree.compliance("TEST04", "multistream"))
    file = tmp_path / "again.campaign.toml"
    assert main([str(tree.root), "--rerun", str(file)]) == 1
    capsys.readouterr()
    document = tomllib.loads(file.read_text())
    assert list(violations("campaign", document)) == []
    assert [(r["scenario"], r["mode"], r["power"]) for r in document["run"]] == [
        ("MultiStream", "compliance", False),
        ("Offline", "all", True),
    ]
    assert document["run"][0]["tests"] == ["TEST04"]
    assert document["run"][1]["reason"] == "structure/required-scenarios"


def test_a_campaign_of_nothing_is_one_too(tmp_path: Path) -> None:
    document = tomllib.loads(campaign.text(check(build(tmp_path).root)))
    assert list(violations("campaign", document)) == []
    assert document["run"] == []


@settings(max_examples=60, deadline=None)
@given(reports())
def test_any_name_can_stand_in_a_campaign(report: Report) -> None:
    text = campaign.text(report)
    text.encode("utf-8")
    document = tomllib.loads(text)
    places = {r.place.benchmark for r in reruns(report)}
    said = {p.encode("utf-8", "backslashreplace").decode() for p in places}
    assert {r["benchmark"] for r in document["run"]} == said


@needs_corpus
def test_runs_of_a_published_tree() -> None:
    found = reruns(check(folder() / "v4.1", round_name="v4.1"))
    assert {(r.place.benchmark, r.mode) for r in found} == {("stable-diffusion-xl", "accuracy")}
    assert all(r.measured and r.seconds is not None and 300 < r.seconds < 3600 for r in found)


def test_durations_in_words() -> None:
    said = [duration(s) for s in (0, 45.4, 59.9, 600, 3599, 3600, 7800)]
    assert said == ["0 s", "45 s", "60 s", "10 min", "1 h", "1 h", "2 h 10 min"]
