"""``mlcheck`` as a command: exit codes, sentences, options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checker.cli import main, with_command
from schemas.documents import violations
from tests.checker.test_rules_power import native, rehearsed
from tests.checker.trees import build


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert err.count("\n") == 1
    return err


def test_valid_and_invalid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path)
    assert main([str(tree.root)]) == 0
    assert "VALID: all 3 results" in capsys.readouterr().out
    tree.set_log(tree.run("offline"), effective_min_duration_ms=60000)
    assert main([str(tree.root)]) == 1
    out = capsys.readouterr().out
    assert "performance/min-duration" in out
    assert "600000" in out


def test_which_verdict_decides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path)
    tree.set_log(tree.run("multistream"), early_stopping_met=False)
    assert main([str(tree.root), "--judge", "rules"]) == 1
    assert main([str(tree.root), "--judge", "reference"]) == 0


def test_the_power_checker_on_request(tmp_path: Path) -> None:
    """In v3.0 the official power checker took part only when asked for."""
    tree = build(tmp_path, round_name="v3.0")
    (tree.power() / "server.log").write_text("edited\n")
    words = [str(tree.root), "--judge", "reference"]
    assert main(words) == 0
    assert main([*words, "--more-power-check"]) == 1
    assert main([str(tree.root)]) == 1


def test_warnings_can_fail(tmp_path: Path) -> None:
    tree = build(tmp_path)
    (tree.root / "Closed").mkdir()
    assert main([str(tree.root)]) == 0
    assert main([str(tree.root), "--fail-on", "warning"]) == 1
    assert main([str(tree.root), "--fail-on", "warning", "--ignore", "structure/division-name"]) == 0


def test_select_and_ignore(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path)
    (tree.base / "code" / "a b").write_text("x")
    assert main([str(tree.root), "--select", "performance,power"]) == 0
    assert "would refuse" in capsys.readouterr().out
    assert main([str(tree.root), "--ignore", "structure"]) == 0
    assert main([str(tree.root), "--select", "structure/space-names"]) == 1
    capsys.readouterr()
    assert main([str(tree.root), "--select", "strukture"]) == 2
    assert "strukture" in sentence(capsys)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["no-such-directory"], "does not exist"),
        (["file"], "is not a directory"),
        (["empty"], "holds none of closed/"),
        (["hollow"], "nothing to check"),
        (["tree", "--round", "v9.9"], "v9.9"),
        (["tree", "--submitter", "Nobody"], "--submitter Nobody"),
        (["tree", "--scenario", "Server"], "--scenario Server"),
        (["tree", "--scenario", "OFFLINE"], "did you mean --scenario offline?"),
        (["tree", "--submitter", "bensch"], "did you mean --submitter Bench?"),
        (["tree", "--jobs", "0"], "--jobs 0"),
        (["tree", "--round", "v4"], "v4.1"),
        (["tree", "--format", "json", "--format", "text"], "--output"),
        (["tree", "--output", "a", "--output", "b"], "--format"),
        (["tree", "--format", "json", "--output", "no/such/folder"], "no/such/folder"),
        (["explain", "no/such-rule"], "no/such-rule"),
        (["rounds", "--diff", "v4.1", "v9.9"], "v9.9"),
    ],
)
def test_what_a_user_can_get_wrong(
    words: list[str],
    wanted: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    build(tmp_path / "tree")
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "closed" / "Bench").mkdir(parents=True)
    assert main(words) == 2
    assert wanted in sentence(capsys)


def test_round_that_cannot_be_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path)
    for scenario in ("singlestream", "multistream", "offline"):
        tree.set_log(tree.run(scenario), effective_qsl_rng_seed=1, loadgen_version=None)
    assert main([str(tree.root)]) == 2
    assert "v4.1" in sentence(capsys)
    assert main([str(tree.root), "--round", "v4.1"]) == 1


def test_several_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path / "tree")
    target = tmp_path / "report.json"
    words = [str(tree.root), "--format", "json", "--output", str(target), "--format", "text"]
    assert main(words) == 0
    assert "VALID" in capsys.readouterr().out
    assert list(violations("report", json.loads(target.read_text()))) == []


def test_rehearsal_with_power_of_powerd(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path)
    rehearsed(tree)
    native(tree)
    tree.sign()
    assert main([str(tree.root), "--rehearsal", "--power", "unofficial"]) == 0
    out = capsys.readouterr().out
    assert "Forgiven because this is a declared rehearsal" in out
    assert main([str(tree.root), "--rehearsal"]) == 1
    assert main([str(tree.root), "--power", "unofficial"]) == 1
    assert main([str(tree.root)]) == 1
    assert "rehearsal/shortened" in capsys.readouterr().out


def test_the_other_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path)
    assert main(["summary", str(tree.root)]) == 0
    out = capsys.readouterr().out
    assert "157.438 mJ" in out
    assert "processor and count" in out
    assert main(["rules", "--round", "v4.1", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rules"]) > 60
    assert main(["rules"]) == 0
    assert "performance/min-duration" in capsys.readouterr().out
    assert main(["rounds"]) == 0
    assert "v4.1" in capsys.readouterr().out
    assert main(["rounds", "--diff", "v4.1", "v4.1"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["explain", "performance/min-duration"]) == 0
    assert "60 s" in capsys.readouterr().out


def test_the_word_check_may_be_left_out() -> None:
    assert with_command(["tree", "--round", "v4.1"]) == ["check", "tree", "--round", "v4.1"]
    assert with_command(["-v", "tree"]) == ["-v", "check", "tree"]
    assert with_command(["explain", "x"]) == ["explain", "x"]
    assert with_command(["--version"]) == ["--version"]


def test_what_changed_between_two_rounds_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rounds", "--diff", "v4.1", "v5.1"]) == 0
    out = capsys.readouterr().out
    for words in (
        "benchmarks\n    new: llama3.1-8b",
        "on edge systems: Offline, SingleStream (was: not run)",
        "compliance test TEST05 is no longer asked for",
        "PTDaemon accepted: 1.11.1",
        "other random seeds",
        "calibration/doc: The calibration of quantised models is described",
        "no longer asked for: mlperf.conf",
        "new: on edge systems",
    ):
        assert words in out, out
    assert "/benchmarks/" not in out
    assert "{" not in out


@pytest.mark.parametrize("pair", [("v3.0", "v3.1"), ("v3.1", "v4.0"), ("v4.0", "v4.1"), ("v5.1", "v3.0")])
def test_every_pair_of_rounds_can_be_compared(
    pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rounds", "--diff", *pair]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 20


def test_the_list_of_rounds_names_the_later_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rounds"]) == 0
    out = capsys.readouterr().out
    assert "facts of v5.1 with later ones of HEAD: results were published with tag v5.1.1" in out
