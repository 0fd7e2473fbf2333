"""Twenty faults in one tree: the report alone names each, and what it says to do clears each."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker import cli
from checker.api import check
from checker.model import Finding, Report, Severity
from checker.reports.text import write
from tests.checker.trees import build
from tools.seed_faults import FAULTS, main, seed


class Reader:
    """Somebody who has the report and, for what must be run again, the bench."""

    def __init__(self, tree: Path, bench: Path) -> None:
        self.tree, self.bench = tree, bench

    def follow(self, found: Finding) -> None:
        """Do what the finding says, with nothing but its path, pointer, wanted and fix."""
        do, path = found.fix, self.tree / found.location.path
        for word, act in self.acts().items():
            if word in do:
                act(found, path)
                return
        raise AssertionError(f"nobody knows how to do: {do}")

    def acts(self) -> dict[str, Callable[[Finding, Path], None]]:
        """What a word of the advice means, the surest first."""
        return {
            "Remove the file": lambda f, p: p.unlink(),
            "Rename it; use an underscore": lambda f, p: p.rename(p.with_name(p.name.replace(" ", "_"))) and None,
            "Write into the file": lambda f, p: p.write_text("what it is for\n") and None,
            "mlcheck fix": lambda f, p: self.fix(),
            "without debug": self.run_again,
            "again": self.run_again,
            "until the target is met": self.run_again,
            "run both": self.run_again,
            "Run the missing": self.run_again,
            "Restore the files": self.run_again,
            "Add the file": self.run_again,
            "of one session": lambda f, p: self.set(f, p, f.wanted),
            "Add the field": lambda f, p: self.set(f, p, "64 GB", f.wanted),
            "Fill the field in": lambda f, p: self.set(f, p, "0"),
            'Set "status" to': lambda f, p: self.set(f, p, f.wanted.split(" or ")[0]),
        }  # fmt: skip

    def fix(self) -> None:
        """The command, which may leave other faults to its user."""
        assert cli.main(["fix", str(self.tree), "--apply"]) in (0, 1)

    def set(self, found: Finding, path: Path, value: Any, key: str = "") -> None:
        """A field of a JSON file."""
        document = json.loads(path.read_text())
        document[key or str(found.location.pointer).removeprefix("/")] = value
        path.write_text(json.dumps(document))

    def run_again(self, found: Finding, path: Path) -> None:
        """What the bench gives anew: the place that the finding names, with its folder where it is a run."""
        source = self.bench / found.location.path
        if source.is_dir():
            shutil.copytree(source, path)
        else:
            shutil.copy(source, path)


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    return build(tmp_path / "bench").root


def of_rule(report: Report, rule: str) -> list[Finding]:
    return [f for f in report.findings if f.rule == rule]


def errors(report: Report) -> list[str]:
    return [f.rule for f in report.findings if f.severity is Severity.ERROR]


def test_there_are_twenty_of_every_family(bench: Path, tmp_path: Path) -> None:
    assert len(FAULTS) == len({f.rule for f in FAULTS}) == 20
    families = {f.rule.split("/")[0] for f in FAULTS}
    assert families == {
        "structure",
        "system",
        "measurements",
        "performance",
        "accuracy",
        "compliance",
        "power",
    }


def test_the_report_alone_names_and_cures_each(bench: Path, tmp_path: Path) -> None:
    tree = tmp_path / "new"
    assert main([str(bench), str(tree)]) == 0
    report = check(tree)
    assert sorted(errors(report)) == sorted(f.rule for f in FAULTS)
    text = io.StringIO()
    write(report, text)
    for fault in FAULTS:
        (found,) = of_rule(report, fault.rule)
        assert found.found
        assert found.wanted
        for said in (fault.rule, found.location.path, found.fix):
            assert said in text.getvalue()
    reader = Reader(tree, bench)
    before = errors(report)
    for fault in FAULTS:
        for found in of_rule(check(tree), fault.rule):  # a run made again may have cured two
            reader.follow(found)
        left = errors(check(tree))
        assert fault.rule not in left
        assert set(left) < set(before) or left == before, f"the cure of {fault.what} broke something"
        before = left
    assert check(tree).valid
    assert check(tree).reference_valid


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.rule)
def test_a_fault_alone_is_one_finding(fault: Any, bench: Path) -> None:
    from tools.seed_faults import Tree

    fault.do(Tree(bench))
    assert errors(check(bench)) == [fault.rule]


def test_the_same_tree_gets_the_same_faults(bench: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(bench, tmp_path / name)
        seed(tmp_path / name)
    files = [
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()}
        for n in ("one", "two")
    ]
    assert files[0] == files[1]


def test_answers_are_told_only_when_asked_for(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(bench), str(tmp_path / "new")]) == 0
    assert not any(fault.rule in capsys.readouterr().out for fault in FAULTS)
    assert main([str(bench), "unused", "--answers"]) == 0
    assert all(fault.rule in capsys.readouterr().out for fault in FAULTS[:1])


def test_a_tree_that_does_not_fit_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / "empty"), str(tmp_path / "new")])
    assert stopped.value.code == 2
    assert "no closed ResNet50 result" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
