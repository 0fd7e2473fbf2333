"""What changed between two trees: thirteen changes planted, thirteen found, and nothing else."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from checker.cli import main
from checker.explorer.book import Volume, volume
from checker.history import diff, forms, ledger
from checker.history.diff import Step
from checker.options import Options
from schemas.documents import violations
from schemas.errors import UserError
from tests.checker import trees
from tests.checker.trees import TreeUnderTest


def system(folder: Path, name: str, **description: str) -> TreeUnderTest:
    """A tree with one system of this name, as submitter of the same name; power in SingleStream."""
    tree = trees.build(folder / name)
    tree.system_json(submitter=name, **description)
    return tree


def put(tree: TreeUnderTest, root: Path, name: str) -> None:
    """Move the only submitter of a tree under ``root`` with a name of its own."""
    target = root / tree.division / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(tree.base, target)


def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Submitters before and after: each changes in one way but ``quiet``, some go, ``fresh`` comes."""
    old, new = tmp_path / "old", tmp_path / "new"
    edits: dict[
        str, tuple[Callable[[TreeUnderTest], None] | None, Callable[[TreeUnderTest], None] | None]
    ] = {
        "gain": (None, lambda t: t.set_log(t.run("offline"), result_samples_per_second=4321.5)),
        "accuracy": (
            None,
            lambda t: t.sub(t.result("offline") / "accuracy/accuracy.txt", "accuracy=", "accuracy=9"),
        ),
        "power": (None, _warmer),
        "broken": (None, lambda t: t.set_log(t.run("offline"), result_validity="INVALID")),
        "cured": (lambda t: t.set_log(t.run("offline"), result_validity="INVALID"), None),
        "described": (None, lambda t: t.system_json(framework="ORT 9")),
        "soon": (lambda t: t.system_json(status="preview"), None),
        "late": (lambda t: t.system_json(status="preview"), lambda t: t.system_json(status="rdi")),
        "stale": (lambda t: t.system_json(status="preview"), None),
        "scenario": (None, lambda t: shutil.rmtree(t.result("multistream"))),
        "gone": (None, None),
        "fresh": (None, None),
        "bad": (None, _one_bad_sample),
        "quiet": (None, None),
    }
    for side, root in ((0, old), (1, new)):
        for name, both in edits.items():
            if name in (("fresh",), ("gone", "stale"))[side]:
                continue
            tree = system(tmp_path / f"made{side}", name)
            if (edit := both[side]) is not None:
                edit(tree)
            put(tree, root, name)
    return old, new


def _warmer(tree: TreeUnderTest) -> None:
    for part in ("ranging", "run_1"):
        path = tree.run(part=part) / "spl.txt"
        path.write_text(path.read_text().replace("Watts,12.5", "Watts,13.5"))
    tree.sign()


def _one_bad_sample(tree: TreeUnderTest) -> None:
    path = tree.run() / "spl.txt"
    lines = path.read_text().splitlines()
    lines[10] = lines[10].replace("Watts,12.5", "Watts,-12.5")
    path.write_text("\n".join(lines) + "\n")
    tree.sign()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> diff.ChangeLog:
    old, new = pair(tmp_path_factory.mktemp("pair"))
    return diff.between(volume(old, Options(round="v4.1")), volume(new, Options(round="v4.1")))


def test_all_changes_and_nothing_else(log: diff.ChangeLog) -> None:
    found = {
        (c.kind, c.place[1], "/".join(c.place[4:]), tuple(s.name for s in c.steps), c.outcome)
        for c in log.changes
    }
    numbers = ("performance", "accuracy acc")
    with_power = ("performance", "energy_per_stream", "accuracy acc")
    all_of = {"MultiStream": numbers, "Offline": numbers, "SingleStream": with_power}
    assert found == {
        ("modified", "gain", "Offline", ("performance",), ""),
        ("modified", "accuracy", "Offline", ("accuracy acc",), ""),
        ("modified", "power", "SingleStream", ("energy_per_stream",), ""),
        ("invalidated", "broken", "Offline", (), ""),
        ("restored", "cured", "Offline", (), ""),
        ("modified", "described", "", ("software",), ""),
        ("preview", "soon", "", (), "submitted as available"),
        ("preview", "late", "", (), "submitted again as rdi, not as available"),
        ("preview", "stale", "", (), "not submitted again"),
        ("removed", "scenario", "MultiStream", numbers, ""),
        ("invalidated", "bad", "SingleStream", ("energy_per_stream", "coverage", "bad samples"), ""),
        *(("removed", who, s, all_of[s], "") for who in ("gone", "stale") for s in all_of),
        *(("added", "fresh", s, all_of[s], "") for s in all_of),
    }  # fmt: skip


def test_a_change_says_from_what_to_what(log: diff.ChangeLog) -> None:
    gain = next(c for c in log.changes if c.place[1] == "gain")
    (step,) = gain.steps
    assert (step.after, step.unit) == (4321.5, "Samples/s")
    assert list(diff.lines(gain)) == [f"performance: {step.before:.10g} → 4321.5 Samples/s"]
    broken = next(c for c in log.changes if c.place[1] == "broken")
    assert broken.rules == ("performance/validity",)


def test_units_are_said_as_in_the_table() -> None:
    change = diff.Change(
        "modified", ("closed",), "note", steps=(Step("performance", 2.0, 1.5, "Latency (ms)"),)
    )
    assert list(diff.lines(change)) == ["performance: 2 → 1.5 ms"]


def test_what_a_reviewer_asks_about_is_a_warning(log: diff.ChangeLog) -> None:
    severities = {(c.kind, c.outcome): c.severity for c in log.changes}
    assert severities["preview", "not submitted again"] == "warning"
    assert severities["preview", "submitted as available"] == "note"
    assert severities["invalidated", ""] == "warning"


def test_the_document_keeps_its_schema(log: diff.ChangeLog) -> None:
    text = io.StringIO()
    forms.as_json(log, text)
    found = json.loads(text.getvalue())
    assert list(violations("diff", found)) == []
    assert sum(found["counts"].values()) == len(found["changes"]) == len(log.changes)


def test_every_form_names_every_change(log: diff.ChangeLog) -> None:
    for write in (forms.text, forms.markdown):
        text = io.StringIO()
        write(log, text)
        shown = text.getvalue() if write is forms.text else _words(text.getvalue())
        assert all(c.where in shown for c in log.changes)


def _words(markdown: str) -> str:
    tokens = MarkdownIt().parse(markdown)
    return "\n".join("".join(c.content for c in t.children or ()) for t in tokens if t.type == "inline")


def test_a_ledger_gives_reasons_and_a_draft_asks_for_the_others(log: diff.ChangeLog, tmp_path: Path) -> None:
    path = tmp_path / "ledger.toml"
    path.write_text(
        '[[change]]\nplace = "closed/gone"\nreason = "withdrawn"\ndate = 2026-09-01\n'
        '[[change]]\nkind = "modified"\nplace = "closed/g*/board/resnet50/Offline"\nreason = "wrong log"\n'
    )
    told = ledger.explained(log, ledger.read(path))
    reasons = {c.place[1]: c.reason for c in told.changes if c.reason}
    assert reasons == {"gone": "2026-09-01: withdrawn", "gain": "wrong log"}
    left = [c for c in told.changes if not c.reason]
    draft = ledger.draft(told)
    assert draft.count("[[change]]") == len(left)
    path.write_text(draft.replace('reason = ""', 'reason = "found"'))
    assert all(c.reason for c in ledger.explained(told, ledger.read(path)).changes)


def test_a_draft_that_is_too_long_to_be_read_says_so(
    log: diff.ChangeLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, draft = tmp_path / "ledger.toml", ledger.draft(log).replace('reason = ""', 'reason = "found"')
    path.write_text(draft)
    assert ledger.too_long(draft) == ""
    assert len(ledger.read(path)) == len(log.changes)
    for module in ("schemas.toml_file", "checker.history.ledger"):
        monkeypatch.setattr(f"{module}.LARGEST", len(draft) - 1)
    assert f"{len(draft)} bytes" in ledger.too_long(draft)
    with pytest.raises(UserError, match="longer than"):
        ledger.read(path)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[[change", "is not TOML"),
        ('[[change]]\nplace = "a"', "reason"),
        ('[[change]]\nplace="a"\nreason=""', "/change/0"),
    ],
)
def test_a_ledger_with_mistakes_is_refused(text: str, wanted: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=wanted):
        ledger.read(path)


def test_the_same_tree_has_no_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = trees.build(tmp_path / "tree")
    assert main(["diff", str(tree.root), str(tree.root)]) == 0
    assert "nothing changed" in capsys.readouterr().out


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = trees.build(tmp_path / "old"), trees.build(tmp_path / "new")
    new.set_log(new.run("offline"), result_samples_per_second=4321.5)
    code = main(
        ["diff", str(old.root), str(new.root), "--format", "json", "--draft", str(tmp_path / "d.toml")]
    )
    assert code == 1
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert change["values"][0]["to"] == 4321.5
    assert 'kind = "modified"' in (tmp_path / "d.toml").read_text()


def one(root: Path, **facts: str) -> Volume:
    tree = trees.build(root)
    tree.system_json(**facts)
    return volume(tree.root, Options(round="v4.1"))


def test_a_value_that_is_new_or_gone_is_told(tmp_path: Path) -> None:
    with_power, without = (
        one(tmp_path / "a"),
        volume(trees.build(tmp_path / "b", power=False).root, Options()),
    )
    (change,) = diff.between(with_power, without).changes
    energy = next(s for s in change.steps if s.name == "energy_per_stream")
    assert energy.after is None
    assert Step("official power", "yes", None) in change.steps
