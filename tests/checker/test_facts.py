"""The facts of a result: picklable, a document and back, robust, and different for different runs."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

from checker import facts
from checker.files import Tree
from checker.result import Result
from checker.tree import Submission
from schemas.rounds import load_round
from schemas.units import NS_PER_S
from tests.checker.trees import TreeUnderTest, build, run_begin


def opened(tree: TreeUnderTest) -> Submission:
    return Submission(Tree(tree.root), tree.round)


def single(tree: TreeUnderTest) -> Result:
    return next(r for r in opened(tree).results if r.directory == "singlestream")


def test_a_power_result(tmp_path: Path) -> None:
    found = facts.of(single(build(tmp_path)))
    assert (found.model, found.scenario, found.logged, found.inferred) == (
        "resnet", "SingleStream", "SingleStream", False,
    )  # fmt: skip
    assert [r.name for r in found.runs] == [
        "performance",
        "accuracy",
        "ranging",
        "TEST01",
        "TEST04",
        "TEST05",
    ]
    assert found.power is not None
    begin = run_begin("testing")
    assert found.power.windows[1] == ("testing", begin, begin + 20 * NS_PER_S)
    assert (found.power.daemon, found.power.meter, found.power.serial) == ("1.10.0", "WT310E", "")
    assert found.power.samples != found.power.ranging_samples


def test_pickled_and_as_a_document(tmp_path: Path) -> None:
    for found in facts.gathered(opened(build(tmp_path))):
        assert pickle.loads(pickle.dumps(found)) == found
        assert facts.from_document(json.loads(json.dumps(facts.to_document(found)))) == found


def test_every_run_of_a_valid_tree_is_told_apart(tmp_path: Path) -> None:
    runs = [r for f in facts.gathered(opened(build(tmp_path))) for r in f.runs]
    assert len({r.digest for r in runs}) == len(runs)


def test_line_ends_do_not_count(tmp_path: Path) -> None:
    tree = build(tmp_path)
    before = facts.of(single(tree))
    for path in (tree.run() / "mlperf_log_detail.txt", tree.run() / "spl.txt"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert facts.of(single(tree)) == before


def test_what_was_handed_over_is_not_computed(tmp_path: Path) -> None:
    submission = opened(build(tmp_path))
    facts.hand_over(submission, [])
    assert facts.gathered(submission) == ()


def test_only_the_chosen_results_are_read(tmp_path: Path) -> None:
    submission = opened(build(tmp_path))
    facts.choose(submission, submission.results[:1])
    assert [f.path for f in facts.gathered(submission)] == [submission.results[0].path]


def test_files_of_any_form_give_facts(tmp_path: Path) -> None:
    tree = build(tmp_path)
    for text in ('{"uuid": 3, "session_name": [], "ptd_messages": [{"cmd": 1}], "edgewatt": "x"}', "[]", "{"):
        (tree.power() / "server.json").write_text(text)
        (tree.run() / "mlperf_log_detail.txt").write_text(
            ':::MLLOG {"key": "effective_scenario", "value": [1], "metadata": {}}\n'
        )
        found = facts.of(single(tree))
        assert found.logged == ""
        assert found.power is not None
        assert found.power.session == ""


def test_the_summary_of_the_first_rounds(tmp_path: Path) -> None:
    from schemas.loadgen_summary import read_run

    (tmp_path / "mlperf_log_detail.txt").write_text("")
    summary = tmp_path / "mlperf_log_summary.txt"
    summary.write_text("Scenario : Offline\n")
    assert facts.digest(read_run(summary)) == ""
    summary.write_text("Scenario : Offline\nMean latency (ns) : 162013057681\n")
    assert facts.digest(read_run(summary)) != ""
    assert load_round("v0.7").facts["log_format"] == "summary"
