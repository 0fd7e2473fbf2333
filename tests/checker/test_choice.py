"""What counts: chosen rules, waivers, a baseline; and where the reports go."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker import baseline, outputs, waivers
from checker.aliases import matches
from checker.api import check, check_with
from checker.cli import main
from checker.model import Effect, Finding, Location, Place, Severity
from checker.options import Options
from checker.outputs import Output
from checker.waivers import Waiver, waive
from schemas.documents import violations
from schemas.errors import UserError
from tests.checker.trees import build

LATER = date(2999, 12, 31)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(w) for w in words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("name", ["power", "power/", "power/*", "power/uuid"])
def test_a_family_has_three_spellings(name: str) -> None:
    assert matches("power/uuid", name)
    assert not matches("performance/seeds", name)
    assert matches("power/debug", name) == (name != "power/uuid")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (
            ("--select", "performance/min-durations"),
            ("--select", "'performance/min-durations'", "min-duration"),
        ),
        (("--ignore", "powr/*"), ("--ignore", "'powr/*'", "power")),
        (("--select", "performance/*,nonsense"), ("'nonsense'", "did you mean")),
        (("--select", ","), ("--select names no rule",)),
        (("--waivers", "nowhere.toml"), ("--waivers nowhere.toml", "No such file")),
        (("--baseline", "nowhere.json"), ("--baseline nowhere.json", "No such file")),
        (("--format", "json", "--output", "x", "--output", "y"), ("--output y", "--format of its own")),
        (
            ("--format", "json", "--output", "x", "--format", "csv", "--output", "x"),
            ("two reports would go to x",),
        ),
        (("--format", "sarif", "--watch"), ("--watch", "--format sarif", "--output")),
        (("--watch", "--format", "json", "--output", "tree/report.json"), ("tree/report.json", "elsewhere")),
        (("--rerun", "no/where.toml", "--format", "text"), ("no/where.toml",)),
    ],
)
def test_mistakes_are_one_sentence(
    words: tuple[str, ...], parts: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    build(tmp_path / "tree")
    code, _, err = run(capsys, "tree", *words)
    assert code == 2
    assert err.count("\n") == 1
    assert all(part in err for part in parts), err


def test_a_fault_of_ours_shows_whatever_is_selected() -> None:
    options = Options(select=("power",))
    assert options.wants("internal/rule-crashed")
    assert not options.wants("system/status")
    assert not Options(select=("power",), ignore=("internal",)).wants("internal/rule-crashed")


PAIRS = [
    ([], [Output("text", "-")]),
    ([(False, "json")], [Output("json", "-")]),
    ([(True, "a")], [Output("text", "a")]),
    ([(True, "a"), (False, "json")], [Output("json", "a")]),
    ([(False, "text"), (False, "json"), (True, "b")], [Output("text", "-"), Output("json", "b")]),
    (
        [(False, "json"), (True, "a"), (False, "sarif"), (True, "b"), (False, "text")],
        [Output("json", "a"), Output("sarif", "b"), Output("text", "-")],
    ),
]


@pytest.mark.parametrize(("said", "wanted"), PAIRS)
def test_a_file_belongs_to_the_form_before_it(said: list[tuple[bool, str]], wanted: list[Output]) -> None:
    assert outputs.pairs(said) == wanted


def test_several_reports_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path / "tree")
    files = {form: tmp_path / f"report.{form}" for form in ("json", "sarif", "junit", "markdown")}
    words = [w for form, file in files.items() for w in ("--format", form, "--output", file)]
    code, out, _ = run(capsys, tree.root, *words, "--format", "github")
    assert code == 0
    assert out.startswith("::notice title=mlcheck::")
    assert json.loads(files["json"].read_text())["verdict"] == "valid"
    assert json.loads(files["sarif"].read_text())["version"] == "2.1.0"
    assert files["junit"].read_text().startswith("<?xml")
    assert files["markdown"].read_text().startswith("# mlcheck: valid")


def finding(
    rule: str = "structure/space-names", path: str = "closed/Bench/code/a b", at: Place | None = None
) -> Finding:
    return Finding(
        rule, Severity.ERROR, Effect.RESULT, at or Place("closed", "Bench"), Location(path), "m", "f", "w",
        "why", "fix", "link", "0" * 16,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("waiver", "covers"),
    [
        ({"rule": "structure/space-names"}, True),
        ({"rule": "structure/*"}, True),
        ({"rule": "power/*"}, False),
        ({"rule": "structure", "path": "closed/Bench/code/a b"}, True),
        ({"rule": "structure", "path": "closed/Bench"}, True),
        ({"rule": "structure", "path": "closed/*"}, True),
        ({"rule": "structure", "path": "closed/Be"}, False),
        ({"rule": "structure", "path": "closed/**/a b"}, True),
        ({"rule": "structure", "path": "**/a?b"}, True),
        ({"rule": "structure", "path": "*/a b"}, False),
        ({"rule": "structure", "path": "open/**"}, False),
        ({"rule": "structure", "scope": "closed"}, True),
        ({"rule": "structure", "scope": "*/Ben*"}, True),
        ({"rule": "structure", "scope": "closed/Bench/board"}, False),
        ({"rule": "structure", "scope": "closed/Bench/*"}, False),
        ({"rule": "structure", "scope": "open/Bench"}, False),
    ],
)
def test_what_a_waiver_covers(waiver: dict[str, str], covers: bool) -> None:
    assert Waiver(1, reason="r", expires=LATER, **waiver).covers(finding()) == covers


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_glob_can_be_asked(pattern: str, path: str) -> None:
    waiver = Waiver(1, "structure", "r", LATER, path=pattern)
    waiver.covers(finding(path=path))
    literal = path.strip("/")
    if literal and not set("*?") & set(path):
        assert Waiver(1, "structure", "r", LATER, path=path).covers(finding(path=literal))


def test_a_waiver_holds_through_its_last_day() -> None:
    rows = [Waiver(1, "structure", "agreed", date(2026, 5, 1)), Waiver(2, "power", "unused", LATER)]
    marked, said = waive([finding()], rows, today=date(2026, 5, 1))
    assert (marked[0].waived, marked[0].waiver) == (True, "agreed")
    assert said == ["waiver 2 (power) covers no finding: take it out"]
    marked, said = waive([finding()], rows, today=date(2026, 5, 2), whole=False)
    assert not marked[0].waived
    assert said == ["waiver 1 (structure) expired on 2026-05-01: what it covered counts again"]


TOML = """
[[waiver]]
rule = "structure/space-names"
path = "closed/Bench/code/**"
reason = "a third-party archive"
expires = 2999-12-31
"""


def test_waived_findings_stay_in_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path / "tree")
    (tree.base / "code" / "a b").write_text("x")
    file = tmp_path / "waivers.toml"
    file.write_text(TOML + TOML.replace("space-names", "hidden-names"))
    assert run(capsys, tree.root)[0] == 1
    code, out, _ = run(capsys, tree.root, "--waivers", file)
    assert code == 0
    assert "VALID apart from what was accepted" in out
    assert "1 finding is waived" in out
    assert "a third-party archive" in out
    assert "waiver 2 (structure/hidden-names at closed/Bench/code/**) covers no finding" in out
    assert run(capsys, tree.root, "--waivers", file, "--judge", "reference")[0] == 1
    report = tmp_path / "report.json"
    run(capsys, tree.root, "--waivers", file, "--format", "json", "--output", report)
    document = json.loads(report.read_text())
    assert list(violations("report", document)) == []
    assert [(f["waived"], f["waiver"]) for f in document["findings"]] == [(True, "a third-party archive")]
    assert (document["verdict"], document["reference_verdict"]) == ("valid", "invalid")
    assert document["counts"]["errors"] == 0
    assert len(document["remarks"]) == 1
    code, out, _ = run(capsys, tree.root, "--waivers", file, "--system", "board")
    assert "covers no finding" not in out


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[[waiver]", "is not TOML"),
        ("a." * 5_000 + "b = 1", "holds more than 100 dots"),
        ("a = " + "9" * 5_000, "a number has more digits"),
        ("[[waiver]]\nrule = 'power'\nreason = 'x'\n", "waiver 1 has no expires"),
        (TOML.replace("reason", "reson"), "waiver 1 has an unknown key 'reson', did you mean reason?"),
        (TOML.replace("2999-12-31", "'tomorrow'"), "expires is 'tomorrow', wanted a day"),
        (TOML.replace("2999-12-31", "2999-12-31T00:00:00"), "wanted a day"),
        (TOML.replace("2999-12-31", "7"), "expires is 7"),
        (TOML.replace("'", "").replace('"a third-party archive"', '""'), "reason is"),
        (TOML.replace("space-names", "space-name"), "did you mean structure/space-names"),
        ("waivers = []", "the file has an unknown key 'waivers', did you mean waiver?"),
        ("waiver = 3", "the file"),
    ],
)
def test_what_can_be_wrong_with_waivers(text: str, part: str, tmp_path: Path) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        waivers.read(file)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value) or "TOML" in part


@pytest.mark.timeout(20)
def test_a_waiver_of_many_double_stars_is_looked_up_at_once() -> None:
    waiver = Waiver(1, "structure", "r", LATER, path="**/" * 40 + "nowhere")
    deep = finding(path="a/" * 60 + "b")
    assert not waiver.covers(deep)
    assert Waiver(1, "structure", "r", LATER, path="**/**/a/**/**/b").covers(deep)


def test_only_what_is_new_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path / "tree")
    (tree.base / "code" / "a b").write_text("x")
    old = tmp_path / "old.json"
    assert run(capsys, tree.root, "--format", "json", "--output", old)[0] == 1
    code, out, _ = run(capsys, tree.root, "--baseline", old)
    assert code == 0
    assert "1 finding is known from the baseline" in out
    assert run(capsys, tree.root, "--baseline", old, "--judge", "reference")[0] == 0
    tree.set_log(tree.run("offline"), effective_min_duration_ms=60000)
    code, out, _ = run(capsys, tree.root, "--baseline", old)
    assert code == 1
    assert "1 error to put right, from 1 cause" in out
    assert run(capsys, tree.root, "--baseline", old, "--judge", "reference")[0] == 1
    (tree.base / "code" / "a b").unlink()
    assert "1 finding of the baseline is gone" in run(capsys, tree.root, "--baseline", old)[1]
    assert "is gone" not in run(capsys, tree.root, "--baseline", old, "--select", "performance")[1]


def test_a_second_finding_of_the_same_kind_is_new() -> None:
    known = baseline.Baseline("old.json", {"0" * 16: 1})
    marked, said = baseline.mark([finding(), finding()], known)
    assert [f.known for f in marked] == [True, False]
    assert said == []


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"a": ' + "9" * 5_000 + "}",
        '{"schema": "edgewatt/report/2"}',
        '{"schema": "edgewatt/report/1", "findings": [{}]}',
    ],
)
def test_a_baseline_is_a_report(text: str, tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text(text)
    with pytest.raises(UserError, match="--format json --output FILE"):
        baseline.read(file)


def test_a_baseline_of_more_values_than_any_report_has_is_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checker.baseline.MOST_VALUES", 1000)
    file = tmp_path / "old.json"
    file.write_text('{"schema": "edgewatt/report/1", "findings": [' + "[]," * 1000 + "[]]}")
    with pytest.raises(UserError, match="more than 1000 values"):
        baseline.read(file)


def test_warnings_fail_unless_they_are_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path / "tree")
    (tree.root / "Closed").mkdir()
    file = tmp_path / "waivers.toml"
    file.write_text('[[waiver]]\nrule = "structure/division-name"\nreason = "r"\nexpires = 2999-01-01\n')
    assert run(capsys, tree.root, "--fail-on", "warning")[0] == 1
    assert run(capsys, tree.root, "--fail-on", "warning", "--waivers", file)[0] == 0


def test_processes_carry_waivers_and_baseline(tmp_path: Path) -> None:
    tree = build(tmp_path)
    (tree.base / "code" / "a b").write_text("x")
    rows = (Waiver(1, "structure", "r", LATER),)
    assert check_with(tree.root, Options(waivers=rows, jobs=2)).valid
    assert not check(tree.root).valid
