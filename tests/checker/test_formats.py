"""The forms of the report for other programs and pages: their grammar, and that no text can break out of it."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, example, given, settings
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from markdown_it import MarkdownIt

from checker.api import check, check_with
from checker.model import Effect, Finding, Location, Place, Report, Severity
from checker.options import Options
from checker.reports import writers
from checker.reports.base import printable, repository_path, spelled
from checker.reports.github import MOST
from checker.reports.junit import xml_text
from checker.reports.markdown import code, plain
from schemas.documents import violations
from tests.checker.corpus import folder, needs_corpus
from tests.checker.hostile import NASTY, reports, texts
from tests.checker.test_rules_power import CUT, record
from tests.checker.trees import TreeUnderTest, build

SARIF = Draft202012Validator(json.loads((Path(__file__).parent / "sarif.schema.json").read_text("utf-8")))
FORMS = sorted(writers())
SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def written(form: str, report: Report) -> str:
    stream = io.StringIO()
    writers()[form](report, stream)
    return stream.getvalue()


def broken(root: Path) -> TreeUnderTest:
    """A tree with an error at every height, a pointer, a line, a warning and a note."""
    tree = build(root)
    (tree.base / "code" / "a b").write_text("x")
    tree.system_json(cooling="", coolng="air")
    tree.set_log(tree.run("offline"), effective_min_duration_ms=60000)
    (tree.root / "Closed").mkdir()
    return tree


OFFICIAL_SARIF = "EDGEWATT_SARIF_SCHEMA"
"""Names the schema that OASIS publishes (sarif-schema-2.1.0.json; the npm package @microsoft/jest-sarif holds it)."""


@pytest.mark.skipif(OFFICIAL_SARIF not in os.environ, reason=f"{OFFICIAL_SARIF} names no schema of OASIS")
def test_sarif_keeps_the_schema_of_the_standard(tmp_path: Path) -> None:
    schema = json.loads(Path(os.environ[OFFICIAL_SARIF]).read_text("utf-8"))
    judge = validator_for(schema)(schema)
    trees = [broken(tmp_path / "broken").root, build(tmp_path / "valid").root]
    found = [check(tree) for tree in trees]
    found.append(
        replace(found[0], findings=tuple(replace(f, waived=True, waiver="w") for f in found[0].findings))
    )
    for report in found:
        errors = judge.iter_errors(json.loads(written("sarif", report)))
        assert [(e.json_path, e.message[:200]) for e in errors] == []


def sarif(report: Report) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(written("sarif", report))
    assert [e.message for e in SARIF.iter_errors(document)] == []
    run: dict[str, Any] = document["runs"][0]
    return run


def test_sarif_names_rule_place_and_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    broken(tmp_path / "sub")
    report = check(Path("sub"))
    run = sarif(report)
    rows = {row["ruleId"]: row for row in run["results"]}
    rules = run["tool"]["driver"]["rules"]
    assert [rules[row["ruleIndex"]]["id"] for row in run["results"]] == [f.rule for f in report.findings]
    assert all(r["help"]["markdown"] and r["helpUri"].startswith("https://") for r in rules)
    duration = rows["performance/min-duration"]
    where = duration["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"].startswith("sub/closed/Bench/results/board/resnet50/offline/")
    assert where["region"]["startLine"] > 1
    assert duration["level"] == "error"
    assert duration["partialFingerprints"]["mlcheck/v1"] in {f.fingerprint for f in report.findings}
    empty = rows["system/non-empty"]["locations"][0]
    assert empty["logicalLocations"] == [
        {"name": "cooling", "fullyQualifiedName": "/cooling", "kind": "value"}
    ]
    assert rows["structure/space-names"]["locations"][0]["physicalLocation"]["artifactLocation"][
        "uri"
    ].endswith("code/a%20b")
    assert rows["system/unknown-fields"]["level"] == "note"
    assert run["properties"]["verdict"] == "invalid"


def test_sarif_suppresses_what_does_not_count(tmp_path: Path) -> None:
    tree = build(tmp_path)
    record(tree, shortened=CUT)
    tree.set_log(tree.run(), effective_min_duration_ms=20000)
    tree.sign()
    report = check(tree.root, rehearsal=True)
    first = replace(report.findings[0], forgiven=False, waived=True, waiver="because")
    report = replace(report, findings=(first, *report.findings[1:]))
    rows = sarif(report)["results"]
    assert [bool(r["suppressions"]) for r in rows] == [not f.stands for f in report.findings]
    assert rows[0]["suppressions"][0]["justification"] == "because"


def test_sarif_tells_equal_findings_apart(tmp_path: Path) -> None:
    tree = build(tmp_path)
    for scenario in ("singlestream", "multistream"):
        (tree.base / "results" / "board" / "resnet50" / scenario).rename(tmp_path / scenario)
    rows = sarif(check(tree.root))["results"]
    prints = [r["partialFingerprints"]["primaryLocationLineHash"] for r in rows]
    assert len(rows) >= 2
    assert len(set(prints)) == len(prints)


def test_junit_has_a_suite_for_each_system_and_a_case_for_each_result(tmp_path: Path) -> None:
    tree = broken(tmp_path)
    root = ET.fromstring(written("junit", check(tree.root)))
    suites = {s.get("name"): s for s in root}
    assert set(suites) == {"submission", "closed/Bench/board"}
    cases = {c.get("name"): c for c in suites["closed/Bench/board"]}
    assert {"resnet50/offline", "resnet50/singlestream", "resnet50/multistream"} <= set(cases)
    failure = cases["resnet50/offline"].find("failure")
    assert failure is not None
    assert failure.get("type") == "performance/min-duration"
    assert "wanted at least 600000" in (failure.text or "")
    above = cases["resnet50/singlestream"].find("failure")
    assert above is not None
    assert "system/non-empty" in (above.get("message") or "")
    for suite in (root, *root):
        failed = [c for c in suite.iter("testcase") if c.find("failure") is not None]
        assert suite.get("failures") == str(len(failed))
        assert suite.get("tests") == str(len(list(suite.iter("testcase"))))


def test_junit_of_a_valid_tree_has_no_failure(tmp_path: Path) -> None:
    root = ET.fromstring(written("junit", check(build(tmp_path).root)))
    assert root.get("failures") == "0"
    assert root.get("tests") == "4"


COMMAND = re.compile(r"::(error|warning|notice) ((?:\w+=[^,:\r\n]*,?)*)::([^\r\n]*)\Z")


def annotations(report: Report) -> Iterator[tuple[str, dict[str, str], str]]:
    """Kind, properties and text of every line, as the runner of GitHub reads them."""
    text = written("github", report)
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        match = COMMAND.match(line)
        assert match is not None, line
        pairs = dict(pair.split("=", 1) for pair in match[2].split(",") if pair)
        yield match[1], {k: _unescaped(v) for k, v in pairs.items()}, _unescaped(match[3])


def _unescaped(text: str) -> str:
    for code_, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code_, char)
    return text


def test_github_says_the_place_in_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    broken(tmp_path / "sub")
    rows = list(annotations(check(tmp_path / "sub")))
    duration = next(r for r in rows if r[1].get("title") == "performance/min-duration")
    assert duration[0] == "error"
    assert duration[1]["file"].startswith(
        "sub/closed/Bench/results/board/resnet50/offline/performance/run_1/"
    )
    assert int(duration[1]["line"]) > 1
    assert "and run again" in duration[2]
    assert [r[0] for r in rows] == sorted((r[0] for r in rows), key=["error", "warning", "notice"].index)
    first = next(r for r in rows if r[0] == "notice")
    assert "is not valid for round v4.1" in first[2]


def many(errors: int, notes: int) -> Report:
    def one(rule: str, severity: Severity, at: int) -> Finding:
        place = Place("closed", "Bench", "board")
        return Finding(
            rule, severity, Effect.RESULT, place,
            Location(f"f{at}"), f"m{at}", "", "", "w", "fix", "l", f"{at:016x}",
        )  # fmt: skip

    rows = [one("system/non-empty", Severity.ERROR, at) for at in range(errors)]
    rows += [one("accuracy/hash", Severity.ERROR, errors)]
    rows += [one("system/unknown-fields", Severity.NOTE, at) for at in range(notes)]
    return Report("tree", "v4.1", "", False, False, (), tuple(rows))


def test_github_shows_ten_of_a_kind_each_cause_once_and_counts_the_rest() -> None:
    rows = list(annotations(many(40, 40)))
    errors = [r for r in rows if r[0] == "error"]
    assert len(errors) == MOST
    assert [r[1]["title"] for r in errors[:2]] == ["system/non-empty", "accuracy/hash"]
    assert "(and 39 more)" in errors[0][2]
    assert errors[-1][2].startswith("32 more errors")
    notices = [r for r in rows if r[0] == "notice"]
    assert len(notices) == MOST
    assert notices[-1][2].startswith("32 more notes")
    assert len([r for r in annotations(many(9, 9)) if r[0] == "error"]) == MOST
    assert len(list(annotations(many(0, 0)))) == 2


MARKDOWN = MarkdownIt("commonmark").enable("table").enable("strikethrough")


def test_markdown_says_what_to_do_and_shows_the_results(tmp_path: Path) -> None:
    text = written("markdown", check(broken(tmp_path).root))
    tokens = MARKDOWN.parse(text)
    headings = [tokens[at + 1].content for at, t in enumerate(tokens) if t.type == "heading_open"]
    assert headings[:3] == ["mlcheck: not valid", "What to do, in this order", headings[2]]
    assert headings[2].startswith("Runs to make (1)")
    assert sum(t.type == "table_open" for t in tokens) == 2
    assert "performance/min-duration" in text
    assert sum(h.startswith("`performance/min-duration`") for h in headings) == 1
    rows = [t for t in tokens if t.type == "tr_open"]
    assert len(rows) == 1 + 2 + 1 + 3


@SOME
@given(texts)
@example("".join(NASTY))
def test_markdown_shows_text_as_it_is(text: str) -> None:
    (inline,) = [t for t in MARKDOWN.parse(f"x{plain(text)}x") if t.type == "inline"]
    children = inline.children or []
    assert {c.type for c in children} <= {"text", "html_inline", "text_special"}
    assert all(c.content == "<!-- -->" for c in children if c.type == "html_inline")
    assert "".join(c.content for c in children if c.type != "html_inline") == f"x{printable(text)}x"
    assert not re.search(
        r"[@#]\S|://|www\.\S", "".join("\n" if c.type == "html_inline" else c.content for c in children)
    )


@SOME
@given(texts)
@example("`a`` b ` ")
def test_markdown_code_is_code_in_a_table_too(text: str) -> None:
    shown = printable(text)
    for line in (f"x {code(text)} x", f"|a|b|\n|-|-|\n|x {code(text, cell=True)} x|y|"):
        spans = [
            c
            for t in MARKDOWN.parse(line)
            if t.type == "inline"
            for c in t.children or []
            if c.type == "code_inline"
        ]
        assert [s.content for s in spans] == [shown] * bool(shown)


@SOME
@given(reports())
def test_hostile_text_stays_in_its_place(report: Report) -> None:
    run = sarif(report)
    assert len(run["results"]) == len(report.findings)
    written("sarif", report).encode("utf-8")
    for row in run["results"]:
        row["message"]["text"].encode("utf-8")  # no half of a character
    root = ET.fromstring(written("junit", report).encode("utf-8"))
    failing = [f for f in report.findings if f.counts]
    assert len(root.findall(".//failure")) >= bool(failing)
    rows = list(annotations(report))
    assert (
        max((sum(r[0] == kind for r in rows) for kind in ("error", "warning", "notice")), default=0) <= MOST
    )
    for form in ("text", "github", "markdown"):
        text = written(form, report)
        assert all(c.isprintable() for line in text.split("\n") for c in line), form
    html = {t.type for t in MARKDOWN.parse(written("markdown", report))}
    assert "html_block" not in html
    json.loads(written("json", report))
    written("csv", report)


@SOME
@given(texts)
@example("".join(map(chr, range(0x20))) + "\x7f\x85\ufffe\uffff\ud800")
def test_xml_holds_any_text(text: str) -> None:
    element = ET.Element("x", {"a": xml_text(text)})
    element.text = xml_text(text)
    back = ET.fromstring(ET.tostring(element, encoding="unicode").encode("utf-8"))
    assert back.get("a") == xml_text(text)
    assert (back.text or "").replace("\r\n", "\n") == xml_text(text).replace("\r\n", "\n").replace("\r", "\n")


def test_paths_are_those_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    (tmp_path / "repo" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repo")
    assert repository_path("sub", "closed/x") == "sub/closed/x"
    assert repository_path(".", "closed/x") == "closed/x"
    assert repository_path(str(tmp_path / "repo" / "sub"), ".") == "sub"
    assert repository_path("../other", "x") == "../other/x"
    assert spelled("a\udc80b") == "a\\udc80b"


def test_a_name_that_is_no_text_is_a_uri(tmp_path: Path) -> None:
    tree = build(tmp_path)
    name = b"a \xff%".decode("utf-8", "surrogateescape")
    try:
        (tree.base / "code" / name).write_text("x")
    except OSError:
        pytest.skip("the file system holds no such name")
    uris = [
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for r in sarif(check(tree.root))["results"]
    ]
    assert any(uri.endswith("a%20%FF%25") for uri in uris)
    assert any(unquote(uri, errors="surrogateescape").endswith(name) for uri in uris)


@needs_corpus
@pytest.mark.parametrize("form", FORMS)
def test_a_published_tree_in_every_form(form: str) -> None:
    report = check_with(folder() / "v4.1", Options(round="v4.1"))
    text = written(form, report)
    assert text == written(form, report)
    assert text.strip()
    if form == "sarif":
        assert len(sarif(report)["results"]) == len(report.findings)
    elif form == "junit":
        root = ET.fromstring(text)
        assert sum("/" in str(c.get("name")) for c in root.iter("testcase")) == len(report.results)
    elif form == "github":
        assert sum(kind == "error" for kind, _, _ in annotations(report)) <= MOST
    elif form == "json":
        assert list(violations("report", json.loads(text))) == []
    elif form == "markdown":
        assert sum(t.type == "table_open" for t in MARKDOWN.parse(text)) == 2
