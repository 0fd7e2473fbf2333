"""A tree of two thousand results: the work grows with the results, not with results times findings."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from checker import reruns
from checker.api import check, open_submission
from checker.files import Tree
from checker.fixes import scenario_names
from checker.model import Effect, Finding, Location, Place, Severity
from checker.options import Options
from checker.verdicts import Verdicts
from tests.checker.trees import build


def finding(place: Place, effect: Effect = Effect.RESULT) -> Finding:
    return Finding("performance/seeds", Severity.ERROR, effect, place, Location("x"), *[""] * 7)


def test_findings_are_looked_up_and_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Place] = []
    monkeypatch.setattr(Place, "covers", lambda self, other: compared.append(other))
    places = [Place("closed", "Bench", f"s{at}", "resnet50", "offline") for at in range(300)]
    verdicts = Verdicts([finding(p) for p in places])
    assert [verdicts.about(p) for p in places] == [(at,) for at in range(300)]
    assert not any(verdicts.valid(p) or verdicts.reference_valid(p) for p in places)
    assert compared == []


def test_what_the_listing_ends_at_is_looked_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Place] = []
    monkeypatch.setattr(Place, "covers", lambda self, other: compared.append(other))
    places = [Place("closed", "Bench", f"s{at}", "resnet50", "offline") for at in range(300)]
    lost = [finding(p.cut(3), Effect.SYSTEM) for p in places]
    assert not Verdicts([*lost, *(finding(p.cut(3), Effect.LISTING) for p in places)], places)._crash
    ended = Verdicts([*lost[:-1], finding(places[-1].cut(3), Effect.LISTING)], places)
    assert (ended._crash, ended.reference_valid(places[-1])) == (299, False)
    assert compared == []


def test_a_finding_above_concerns_all_below() -> None:
    place = Place("closed", "Bench", "s1", "resnet50", "offline")
    verdicts = Verdicts(
        [finding(Place("closed", "Bench"), Effect.SUBMITTER), finding(Place("open", "Bench"))]
    )
    assert verdicts.about(place) == (0,)
    assert not verdicts.reference_valid(place)
    assert not verdicts.valid(place)


def test_walking_a_part_of_a_tree_visits_that_part_in_order(tmp_path: Path) -> None:
    tree = Tree(build(tmp_path).root)
    whole = [f.path for f in tree.below("")]
    assert whole == list(tree.folders)
    assert [f.path for f in tree.below("closed/Bench/code")] == [
        p for p in whole if p == "closed/Bench/code" or p.startswith("closed/Bench/code/")
    ]


def test_what_a_benchmark_tells_of_the_time_of_runs_is_asked_once_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    tree = build(tmp_path, power=False)
    for at in range(50):
        (tree.base / "results" / "board" / "resnet50" / f"x{at}" / "performance").mkdir(parents=True)
    report = check(tree.root, round_name="v4.1")
    tell = reruns._per_sample
    monkeypatch.setattr(reruns, "_per_sample", lambda result: asked.append(result.path) or tell(result))
    assert len({r.place for r in reruns.reruns(report)}) == 50
    assert len(asked) == len(report.results) == 53


def repeated(root: Path, systems: int) -> Path:
    """An open tree with three results a system, each with a finding; files are linked."""
    tree = build(root, division="open", power=False)
    for scenario in ("singlestream", "multistream", "offline"):
        tree.set_log(tree.run(scenario), effective_min_duration_ms=1)
    for at in range(systems - 1):
        for part in ("results", "measurements"):
            source, target = tree.base / part / "board", tree.base / part / f"board{at}"
            shutil.copytree(source, target, copy_function=os.link)
        os.link(tree.base / "systems" / "board.json", tree.base / "systems" / f"board{at}.json")
    return tree.root


def seconds(root: Path, results: int) -> float:
    begin = time.process_time()
    report = check(root)
    used = time.process_time() - begin
    assert len(report.results) == results
    assert sum(f.rule == "performance/min-duration" for f in report.findings) == results
    assert all(len(r.findings) >= 1 for r in report.results)
    return used


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_two_thousand_results_take_four_times_as_long_as_five_hundred(tmp_path: Path) -> None:
    small = seconds(repeated(tmp_path / "small", 167), 501)
    large = seconds(repeated(tmp_path / "large", 668), 2004)
    print(f"501 results: {small:.2f} s, 2004 results: {large:.2f} s of processor time")
    assert large < 6 * small


def test_scenarios_in_odd_spellings_are_looked_up_and_not_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name is brought into its bare form a few times, not once for every other one."""
    asked: list[str] = []
    bare = scenario_names._bare
    monkeypatch.setattr(scenario_names, "_bare", lambda name: asked.append(name) or bare(name))
    tree, number = build(tmp_path, power=False), 60
    for at in range(number):
        name = "off" + "_" * (at + 1) + "line"
        for part, spelled in (("results", name), ("measurements", name.replace("ff", "f-f"))):
            (tree.base / part / "board" / "retinanet" / spelled).mkdir(parents=True)
    steps = list(scenario_names.steps(open_submission(Tree(tree.root), tree.root, Options(round="v4.1"))[0]))
    assert steps
    assert len(asked) < 20 * number
