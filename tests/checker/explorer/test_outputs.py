"""``mlcheck report``: files, pictures, tables, and what is said where they cannot be made."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from checker import api
from checker.api import check
from checker.cache import snapshot
from checker.cli import main
from checker.explorer import page, tables
from checker.explorer.book import Volume, volume
from checker.explorer.compact import records
from checker.explorer.data import page_document
from checker.explorer.rows import rows
from checker.history import compare, diff
from checker.model import Report
from checker.options import Options
from checker.reports import writer
from schemas.documents import violations
from tests.checker import hostile, trees
from tests.checker.trees import TreeUnderTest


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> TreeUnderTest:
    return trees.build(tmp_path_factory.mktemp("made") / "tree")


def test_page_pictures_and_tables_in_one_go(tree: TreeUnderTest, tmp_path: Path) -> None:
    files = {"html": "p.html", "svg": "s", "png": "s", "results": "r.csv", "samples": "s.parquet"}
    words = ["report", str(tree.root)]
    for name, file in files.items():
        words += [f"--{name}", str(tmp_path / file)]
    assert main(words) == 0
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "://" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    (svg,) = (tmp_path / "s").glob("*.svg")
    drawn = ET.parse(svg).getroot()
    texts = [t.text for t in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "power_begin" in texts
    assert "ranging" in texts
    (png,) = (tmp_path / "s").glob("*.png")
    assert png.read_bytes().startswith(b"\x89PNG")


def test_the_check_writes_the_same_page_as_a_form_of_its_report(
    tree: TreeUnderTest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = tmp_path / "one.html", tmp_path / "other.html"
    assert main(["report", str(tree.root), "--html", str(one)]) == 0
    assert main([str(tree.root), "--format", "html", "--output", str(other)]) == 0
    assert one.read_text(encoding="utf-8") == other.read_text(encoding="utf-8")
    capsys.readouterr()
    assert main([str(tree.root), "--format", "html"]) == 0
    said = capsys.readouterr().out
    assert said.endswith("</html>\n")
    assert re.search(r'"href":"[^"]*tree/"', other.read_text(encoding="utf-8"))
    assert '"href":null' in said


def test_the_page_of_a_check_marks_what_it_accepted(tmp_path: Path) -> None:
    made = trees.build(tmp_path / "tree")
    (made.base / "code" / "a b").touch()
    (tmp_path / "w.toml").write_text(
        '[[waiver]]\nrule = "structure/space-names"\nreason = "agreed with the committee"\nexpires = 2999-01-01\n'
    )
    page_ = tmp_path / "p.html"
    words = [
        "--waivers",
        str(tmp_path / "w.toml"),
        "--scenario",
        "Offline",
        "--format",
        "html",
        "--output",
        str(page_),
    ]
    assert main([str(made.root), *words]) == 0
    text = page_.read_text(encoding="utf-8")
    found = re.search(r"<script[^>]*application/json[^>]*>(.*?)</script>", text, flags=re.DOTALL)
    assert found is not None
    document = json.loads(found[1])
    (finding,) = records(document["findings"], document["texts"])
    assert finding["waived"]
    assert finding["waiver"] == "agreed with the committee"
    assert [r["scenario"] for r in records(document["results"], document["texts"])] == ["Offline"]
    assert document["traces"] == {}


def test_a_page_of_a_tree_that_is_gone_since_holds_the_report(tree: TreeUnderTest, tmp_path: Path) -> None:
    report = check(tree.root)
    made = io.StringIO()
    writer("html")(replace(report, tree=str(tmp_path / "gone")), made)
    assert f'"verdict":"{"valid" if report.valid else "invalid"}"' in made.getvalue()
    assert '"traces":{}' in made.getvalue()


@pytest.mark.parametrize("words", [["summary"], ["report", "--html", "p.html"], ["diff", "TREE"]])
def test_views_take_what_is_known_of_unchanged_files(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = trees.build(tmp_path / "tree")
    monkeypatch.chdir(tmp_path)
    judged: list[str] = []
    gather = api.gather

    def counted(*given: Any) -> Any:
        found = gather(*given)
        judged.append(f"{found.cached_results} of {len(found.numbers)}")
        return found

    monkeypatch.setattr(api, "gather", counted)
    monkeypatch.setattr(snapshot, "GRAIN_NS", 20_000_000)
    time.sleep(0.03)
    command, *rest = words
    line = [command, str(made.root), *(str(made.root) if w == "TREE" else w for w in rest)]
    assert main(line) == 0
    assert main(line) == 0
    assert judged[0].startswith("0")
    assert judged[-1] == "3 of 3"
    assert main([*line, "--no-cache"]) == 0
    assert judged[-1].startswith("0")


def test_the_data_of_the_page_keep_their_schema(tree: TreeUnderTest) -> None:
    found = (volume(tree.root, Options()),)
    log = diff.for_page(diff.between(*found, *found))
    beside = compare.for_page(compare.beside(found, "board", "board"))
    made = page_document(found, changes=[log], compare=beside)
    assert list(violations("explorer", json.loads(json.dumps(made)))) == []
    assert made["traces"]
    assert made["details"]


def test_tables_hold_the_rows_in_both_forms(tree: TreeUnderTest, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    found = (volume(tree.root, Options()),)
    for kind in (tables.RESULTS, tables.SAMPLES):
        number = tables.write(tmp_path / "t.csv", kind, found)
        assert tables.write(tmp_path / "t.parquet", kind, found) == number
        read = pq.read_table(tmp_path / "t.parquet")
        names = [c["name"] for c in tables.columns(kind)]
        rows = list(csv.DictReader((tmp_path / "t.csv").open(encoding="utf-8")))
        assert read.column_names == names == list(rows[0])
        assert read.num_rows == len(rows) == number > 0
        about = json.loads(read.schema.metadata[b"edgewatt"])
        assert about["schema"] == f"edgewatt/table-{kind}/1"
    good = [
        float(r["power_w"])
        for r in rows
        if (r["phase"], r["in_window"], r["good"]) == ("testing", "true", "true")
    ]
    power = next(r for r in found[0].rows if r.average_watts)
    assert sum(good) / len(good) == pytest.approx(power.average_watts)


def test_text_that_a_spreadsheet_would_run_is_not_run(tmp_path: Path) -> None:
    made = trees.build(tmp_path / "tree")
    made.system_json(system_name='=HYPERLINK("http://evil.example")')
    tables.write(tmp_path / "t.csv", tables.RESULTS, (volume(made.root, Options()),))
    row = next(csv.DictReader((tmp_path / "t.csv").open(encoding="utf-8")))
    assert row["system_name"].startswith("'=")


def test_every_column_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs/explorer.md").read_text(encoding="utf-8")
    for kind in (tables.RESULTS, tables.SAMPLES):
        for column in tables.columns(kind):
            assert f"| `{column['name']}` | {column['type']} | {column['unit']} | {column['about']} |" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to make"),
        (["--results", "r.xlsx"], "wanted .csv or .parquet"),
        (["--html", "nowhere/p.html"], "its folder is not there"),
        (["--html", "p.html", "--compare", "board", "boad"], "did you mean board"),
        (["--html", "p.html", "--ledger", "none.toml"], "cannot be read"),
    ],
)
def test_a_mistake_is_one_sentence(
    tree: TreeUnderTest, words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(tree.root), *words]) == 2
    assert said in capsys.readouterr().err


def test_no_tag_can_be_made_of_the_data() -> None:
    text = page.escaped({"a": "</script><!--<script>&\u2028"})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"a": "</script><!--<script>&\u2028"}


def test_the_policy_names_every_script_and_no_address() -> None:
    policy = page.policy(["a", "b"], "n")
    assert policy.count("sha256-") == 2
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_bundled_files_are_those_that_were_built() -> None:
    vendor = resources.files("checker.explorer") / "vendor"
    about = json.loads((vendor / "versions.json").read_text(encoding="utf-8"))
    for file in about["files"]:
        data = (vendor / file["name"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
    for package in about["packages"]:
        name = package["name"].strip("@").replace("/", "-")
        assert package["licence"] == "MIT"
        assert (vendor / f"LICENSE.{name}.txt").is_file()


def test_the_same_tree_gives_the_same_page(tree: TreeUnderTest, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert main(["report", str(tree.root), "--html", str(tmp_path / f"{name}.html"), "-q"]) == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_the_example_for_notebooks_runs(
    tree: TreeUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[3] / "docs/explorer.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(tree.root), "--results", "results.csv", "--samples", "samples.csv"]) == 0
    exec(compile(code, "docs/explorer.md", "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("A board SingleStream ")
    path, mean, told = second.split()
    assert path.endswith("/singlestream")
    assert float(mean) == pytest.approx(float(told))


class Tags(HTMLParser):
    """Elements and attributes as a browser's parser finds them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def tags(text: str) -> list[tuple[str, tuple[str, ...]]]:
    parser = Tags()
    parser.feed(text)
    return parser.found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hostile.reports())
def test_no_report_adds_an_element_to_the_page(report: Report) -> None:
    made = Volume("tree", report, rows(report, {}))
    text = page.filled("{{policy}}<p>{{data}}</p>", page_document((made,)), [], [])
    assert tags(text) == [("p", ())]
    assert [r["submitter"] for r in _shown(text)] == [_joined(r.place.submitter) for r in report.results]


def _joined(text: str) -> str:
    """Two halves of a surrogate pair side by side are one sign in JSON."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _shown(text: str) -> list[dict[str, object]]:
    found = json.loads(text.split("<p>")[1].split("</p>", maxsplit=1)[0])
    return records(found["results"], found["texts"])
