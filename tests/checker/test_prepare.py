"""``mlcheck prepare``: the copy is valid for both judges, says what it left out, and the tree stays as it is."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from checker.api import check, judged_with
from checker.cache import snapshot as snapshot_of_cache
from checker.changes import Copy, Refusal, Removal
from checker.cli import main
from checker.model import Report
from checker.options import Options
from checker.prepare import Prepared, prepare
from checker.rule_pass import MOST_PROBLEMS
from checker.tree import Submission
from schemas.documents import violations
from schemas.errors import Failed
from tests.checker.corpus import folder, needs_corpus
from tests.checker.test_fix import snapshot, whole_log
from tests.checker.test_reruns import drop
from tests.checker.trees import LOG_HASH, TreeUnderTest, build


def prepared(tree: TreeUnderTest, output: Path) -> Prepared:
    """Prepare, and hold the outcome to what every outcome must be."""
    before = snapshot(tree.root)
    done = prepare(tree.root, output)
    assert snapshot(tree.root) == before
    report = check(output)
    assert (report.valid, report.reference_valid) == (True, True)
    assert report.results
    assert sorted(os.listdir(output.parent)) == sorted({"tree", output.name})
    return done


def left_out(done: Prepared) -> set[str]:
    return {s.path for s in done.steps if isinstance(s, Removal)}


def test_a_valid_tree_is_copied_as_it_is(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    done = prepared(tree, tmp_path / "out")
    assert done.steps == ()
    assert snapshot(tmp_path / "out") == snapshot(tree.root)


def test_logs_are_cut_in_the_copy_only(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    whole_log(tree)
    prepared(tree, tmp_path / "out")
    log = tmp_path / "out/closed/Bench/results/board/resnet50/offline/accuracy/mlperf_log_accuracy.json"
    assert log.stat().st_size == 8199


@pytest.mark.parametrize("missing", [("offline",), ("multistream",), ("offline", "multistream")])
def test_missing_scenarios_are_inferred(missing: tuple[str, ...], tmp_path: Path) -> None:
    tree = build(tmp_path / "tree", power=False)
    for scenario in missing:
        drop(tree, scenario)
    done = prepared(tree, tmp_path / "out")
    assert {s.target.rpartition("/")[2] for s in done.steps if isinstance(s, Copy)} == set(missing)
    inferred = {r.scenario.lower() for r in done.report.results if r.inferred}
    assert inferred == set(missing)
    values = {r.scenario: r.metric.value for r in done.report.results if r.metric}
    if "offline" in missing:
        assert values["Offline"] == 81.25
    if "multistream" in missing:
        assert values["MultiStream"] == 99 * 8


def test_offline_is_inferred_from_multistream_of_another_style(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree", power=False)
    drop(tree, "offline")
    for part in ("results", "measurements", "compliance"):
        at = tree.base / part / "board" / "resnet50"
        for scenario in ("SingleStream", "MultiStream"):
            (at / scenario.lower()).rename(at / scenario)
    done = prepared(tree, tmp_path / "out")
    assert (tmp_path / "out/closed/Bench/results/board/resnet50/Offline").is_dir()
    assert (tmp_path / "out/closed/Bench/measurements/board/resnet50/Offline").is_dir()
    assert len(done.report.results) == 3


def test_an_invalid_run_is_replaced_by_what_can_be_inferred(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree", power=False)
    tree.set_log(tree.run("offline"), result_validity="INVALID")
    done = prepared(tree, tmp_path / "out")
    assert "closed/Bench/results/board/resnet50/offline" in left_out(done)
    assert [r.inferred for r in done.report.results] == [False, True, False]


def test_a_datacenter_system_infers_nothing(tmp_path: Path) -> None:
    tree = build(
        tmp_path / "tree",
        benchmark="bert-99",
        scenarios=("server", "offline"),
        system_type="datacenter",
        power=False,
    )
    text = '{"exact_match": 84.1, "f1": 90.9}\nhash=' + LOG_HASH + "\n"
    for scenario in ("server", "offline"):
        (tree.result(scenario) / "accuracy" / "accuracy.txt").write_text(text)
        (tree.compliance("TEST01", scenario) / "accuracy" / "accuracy.txt").write_text(text)
    assert check(tree.root).valid
    drop_bert(tree)
    with pytest.raises(Failed, match="no result of the tree is valid"):
        prepare(tree.root, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def drop_bert(tree: TreeUnderTest) -> None:
    for part in ("results", "measurements", "compliance"):
        shutil.rmtree(tree.base / part / "board" / "bert-99" / "server")


def second_system(tree: TreeUnderTest, name: str = "other") -> None:
    for part in ("results", "measurements", "compliance"):
        shutil.copytree(tree.base / part / "board", tree.base / part / name)
        for file in (tree.base / part / name).rglob("board_*.json"):
            file.rename(file.with_name(file.name.replace("board_", f"{name}_")))
    shutil.copy(tree.base / "systems" / "board.json", tree.base / "systems" / f"{name}.json")


def test_a_system_that_cannot_stand_goes_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree", power=False)
    second_system(tree)
    assert check(tree.root).valid
    tree.system_json(cooling="")
    done = prepared(tree, tmp_path / "out")
    assert {r.place.system for r in done.report.results} == {"other"}
    base = tmp_path / "out/closed/Bench"
    assert [p.name for p in (base / "systems").iterdir()] == ["other.json"]
    assert all([p.name for p in (base / part).iterdir()] == ["other"] for part in ("results", "compliance"))


def test_a_benchmark_that_lacks_a_scenario_goes_alone(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree", power=False)
    second_system(tree)
    for scenario in ("singlestream", "multistream", "offline"):
        path = tree.result(scenario) / "accuracy" / "accuracy.txt"
        path.write_text("accuracy=12.0%\nhash=" + LOG_HASH + "\n")
    done = prepared(tree, tmp_path / "out")
    assert {r.place.system for r in done.report.results} == {"other"}
    assert "closed/Bench/systems/board.json" in left_out(done)


STRAYS: list[Callable[[TreeUnderTest], Path]] = [
    lambda t: t.root / "summary.csv",
    lambda t: t.root / "closed" / "notes.txt",
    lambda t: t.base / "code" / ".DS_Store",
    lambda t: t.base / "code" / "a b.py",
    lambda t: t.base / "code" / "__pycache__" / "x.pyc",
    lambda t: t.run() / "notes.txt",
    lambda t: t.result("offline") / "accuracy" / "old.txt",
    lambda t: t.root / "Closed" / "x",
]


@pytest.mark.parametrize("where", STRAYS, ids=range(len(STRAYS)))
def test_strays_go_and_nothing_else(where: Callable[[TreeUnderTest], Path], tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    wanted = snapshot(tree.root)
    path = where(tree)
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    done = prepared(tree, tmp_path / "out")
    assert snapshot(tmp_path / "out") == wanted
    assert any(path.relative_to(tree.root).as_posix().startswith(p) for p in left_out(done))


def test_git_and_empty_directories_stay_behind(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    wanted = snapshot(tree.root)
    (tree.root / ".git" / "objects").mkdir(parents=True)
    (tree.root / ".git" / "objects" / "x").write_text("x")
    (tree.base / "code" / "deep" / "empty").mkdir(parents=True)
    done = prepared(tree, tmp_path / "out")
    assert snapshot(tmp_path / "out") == wanted
    assert {".git", "closed/Bench/code/deep", "closed/Bench/code/deep/empty"} >= left_out(done) >= {".git"}


def test_links_become_files_and_secrets_stay_where_they_are(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    secret = tmp_path.parent / f"{tmp_path.name}-secret"
    secret.write_text("secret")
    (tree.base / "code" / "inside").symlink_to(tree.base / "code" / "resnet50" / "ort" / "README.md")
    (tree.base / "code" / "outside").symlink_to(secret)
    os.mkfifo(tree.base / "code" / "pipe")
    done = prepare(tree.root, tmp_path / "out")
    assert (tmp_path / "out/closed/Bench/code/inside").read_text() == "how to run\n"
    assert not (tmp_path / "out/closed/Bench/code/inside").is_symlink()
    assert not (tmp_path / "out/closed/Bench/code/outside").exists()
    refused = {s.path for s in done.steps if isinstance(s, Refusal)}
    assert {"closed/Bench/code/outside"} <= refused <= {"closed/Bench/code/outside", "closed/Bench/code/pipe"}
    assert check(tmp_path / "out").valid


def test_what_only_people_can_put_right(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree", power=False, division="open")
    (tree.base / "model_mapping.json").write_text("[1]")
    with pytest.raises(
        Failed, match=r"put this right first: structure/model-mapping at open/Bench/model_mapping"
    ):
        prepare(tree.root, tmp_path / "out")
    assert os.listdir(tmp_path) == ["tree"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("nowhere", "--output", "out"), "nothing to prepare"),
        (("tree", "--output", "tree/out"), "lie in each other"),
        (("tree", "--output", "."), "lie in each other"),
        (("tree", "--output", "full"), "not empty"),
        (("tree", "--output", "file/x"), "cannot be made"),
    ],
)
def test_mistakes_are_one_sentence(
    words: tuple[str, ...],
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    build(tmp_path / "tree")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    (tmp_path / "file").write_text("x")
    assert main(["prepare", *words]) == 2
    err = capsys.readouterr().err
    assert part in err
    assert err.count("\n") == 1


def test_the_command_says_every_step_and_keeps_a_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = build(tmp_path / "tree", power=False)
    drop(tree, "offline")
    (tree.root / "summary.csv").write_text("x")
    (tmp_path / "out").mkdir()
    assert main(["prepare", str(tree.root), "--output", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert "leave-out summary.csv: file 'summary.csv' stands in the root (structure/root-files)" in out
    assert "Offline is inferred from SingleStream" in out
    assert "3 results, all valid for round v4.1; 1 left out, 3 directories filled in" in err
    document = json.loads((tmp_path / "out.changes.json").read_text())
    assert list(violations("changes", document)) == []
    assert len(document["changes"]) == len(out.splitlines())


@needs_corpus
def test_a_published_tree_is_ready_without_what_is_invalid(tmp_path: Path) -> None:
    done = prepare(folder() / "v4.1", tmp_path / "out", "v4.1")
    assert {s.path.split("/")[1] for s in done.steps if isinstance(s, Removal)} == {"Fujitsu"}
    assert len(done.report.results) == 26
    assert not (tmp_path / "out" / "closed" / "Fujitsu").exists()


def test_floods_of_strays_and_what_they_leave_empty_are_left_out_without_judging_the_results_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[Path] = []

    def counted(path: Path, options: Options) -> tuple[Report, Submission]:
        checks.append(path)
        return judged_with(path, options)

    monkeypatch.setattr("checker.prepare.judged_with", counted)
    tree = build(tmp_path / "tree")
    wanted = snapshot(tree.root)
    deepest = tree.result("offline").joinpath("kept", *"abcdefghijklmnopqrstuvwxyz")
    deepest.mkdir(parents=True)
    (tree.base / "code" / "many").mkdir()
    for at in range(MOST_PROBLEMS + 5):
        (tree.base / "code" / "many" / f".{at}").touch()
    done = prepared(tree, tmp_path / "out")
    assert snapshot(tmp_path / "out") == wanted
    chain = [deepest, *deepest.parents][:27]
    removed = [s.path for s in done.steps if isinstance(s, Removal)]
    assert [p for p in removed if "/kept" in p] == [p.relative_to(tree.root).as_posix() for p in chain]
    assert len(removed) == 27 + MOST_PROBLEMS + 5 + 1
    assert len(checks) == 1


def test_a_turn_judges_again_only_what_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[int] = []

    def counted(path: Path, options: Options) -> tuple[Report, Submission]:
        report, submission = judged_with(path, options)
        known.append(report.cached_results)
        return report, submission

    monkeypatch.setattr("checker.prepare.judged_with", counted)
    monkeypatch.setattr(snapshot_of_cache, "GRAIN_NS", 0)
    tree = build(tmp_path / "tree", power=False)
    for at in range(5):
        empty = tree.base / "results" / f"s{at}" / "resnet50" / "offline"
        empty.mkdir(parents=True)
        (empty / "README.md").write_text("nothing yet\n")
    prepared(tree, tmp_path / "out")
    assert known == [0, 3]
