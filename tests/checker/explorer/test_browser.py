"""The page in a real Chromium: what people do with it."""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from checker.explorer.book import Book, book
from checker.explorer.data import page_document
from checker.explorer.page import html
from checker.history import compare, diff
from checker.options import Options
from tests.checker import trees
from tests.checker.corpus import folder, needs_corpus
from tests.checker.explorer.browser import Shown, needs_browser

pytestmark = needs_browser
OFFLINE = "v4.1:closed/UntetherAI/results/h13_u3_slim/resnet50/offline"


def written(folder: Path, name: str, found: Book, **parts: Any) -> Path:
    file = folder / f"{name}.html"
    file.write_text(html(page_document(found, **parts)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def v41(published: Book, page_folder: Path) -> Path:
    return written(page_folder, "v41", published)


@pytest.fixture(scope="module")
def everything(every_round: Book, page_folder: Path) -> Path:
    logs = [diff.for_page(diff.between(a, b)) for a, b in itertools.pairwise(every_round)]
    beside = compare.for_page(compare.beside(every_round, "v3.0", "v4.1"))
    return written(page_folder, "all", every_round, changes=logs, compare=beside)


@pytest.fixture(scope="module")
def two_rounds(page_folder: Path) -> Path:
    found = book([folder() / "v1.1", folder() / "v4.1"], Options())
    parts = {
        "changes": [diff.for_page(diff.between(*found))],
        "compare": compare.for_page(compare.beside(found, "v1.1", "v4.1")),
    }
    return written(page_folder, "two", found, **parts)


@needs_corpus
def test_filter_expand_sort_and_permalink(v41: Path, opened: Any) -> None:
    shown = opened(v41)
    page = shown.page
    assert page.locator("[role=tab][aria-selected=true]").inner_text().startswith("Closed · edge")
    assert shown.rows() == 5
    page.fill("#search", "3x slim")
    shown.wait_rows(1)
    page.click("#expand")
    shown.wait("location.hash.includes('open=')")
    heads = page.evaluate("EW.grid.api.getAllDisplayedColumns().map((c) => c.getColDef().headerName)")
    for wanted in ("Submitter", "System", "Software", "Processor and count", "Accelerator and count", "Details", "Code",
                   "Availability", "Samples/s", "System Power (W)", "Energy per Stream (mJ)", "Accuracy", "Samples/J",
                   "Coverage", "u95 (W)", "Verdict"):  # fmt: skip
        assert wanted in heads
    again = opened(v41, page.evaluate("location.hash"))
    assert again.rows() == 1
    assert again.page.input_value("#search") == "3x slim"
    assert again.page.evaluate("EW.grid.anyOpen()")


@needs_corpus
def test_sort_and_column_filter_by_hand(v41: Path, opened: Any) -> None:
    shown = opened(v41, "#tab=all")
    page = shown.page
    assert shown.rows() == 28
    page.locator('.ag-header-cell[col-id="value"] .ag-header-cell-label').click()
    values = page.evaluate("EW.grid.rows().map((row) => row.first.value).filter((v) => v !== null)")
    assert values == sorted(values)
    page.get_by_label("Scenario Filter Input").fill("Server")
    shown.wait_rows(4)
    shown.wait("location.hash.includes('filter=') && location.hash.includes('sort=')")
    assert opened(v41, page.evaluate("location.hash")).rows() == 4


@needs_corpus
def test_columns_can_be_chosen_and_the_table_downloaded(v41: Path, opened: Any, tmp_path: Path) -> None:
    shown = opened(v41, "#tab=all")
    page = shown.page
    page.click("#columns")
    page.get_by_label("Path", exact=True).check()
    page.get_by_role("button", name="Close").click()
    with page.expect_download() as got:
        page.click("#csv")
    got.value.save_as(tmp_path / "t.csv")
    rows = list(csv.DictReader((tmp_path / "t.csv").open(encoding="utf-8-sig")))
    assert len(rows) == 28
    row = next(r for r in rows if r["Path"] == OFFLINE.removeprefix("v4.1:"))
    assert float(row["Result"]) == 168720.0
    with page.expect_download() as got:
        page.click("#json")
    got.value.save_as(tmp_path / "t.json")
    found = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert {r["path"]: r["value"] for r in found}[row["Path"]] == 168720.0


@needs_corpus
def test_a_result_shows_its_power_its_sources_and_its_findings(v41: Path, opened: Any) -> None:
    shown = opened(v41)
    page = shown.page
    page.locator(".ag-cell[col-id='resnet|Offline|value'] a").first.scroll_into_view_if_needed()
    page.evaluate(f"location.hash = EW.state.text({{result: {OFFLINE!r}}})")
    page.get_by_role("heading", name="resnet Offline on Supermicro SuperServer H13").wait_for()
    picture = page.get_by_role(
        "img", name=re.compile(r"Power over time: \d+ samples, window of 657\.\d+ s, 0 gaps")
    )
    drawn = picture.evaluate(
        "(c) => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
        " for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n / (d.length / 4); }"
    )
    assert drawn > 0.3
    page.get_by_text("Recompute").nth(1).click()
    assert page.locator("#numbers code").nth(1).is_visible()
    assert "spl.txt lines" in page.locator("#numbers").inner_text()
    assert page.get_by_role("heading", name="Findings").is_visible()
    page.go_back()
    page.locator("#grid").wait_for()
    assert page.locator("#result-view").is_hidden()


@needs_corpus
def test_all_rounds_with_charts_change_log_and_comparison(everything: Path, opened: Any) -> None:
    shown = opened(everything)
    page = shown.page
    before = shown.rows()
    page.select_option("#round", "v3.0")
    shown.wait(f"EW.grid.api.getDisplayedRowCount() < {before}")
    shown.tab("charts")
    assert page.locator("#charts-view canvas").count() >= 2
    shown.tab("changes")
    assert page.locator("#changes-view .change").count() > 50
    shown.tab("compare")
    assert "not comparable" in page.locator("#compare-view").inner_text()
    shown.tab("notes")
    assert page.locator("#notes-view tbody tr").count() == 7


@needs_corpus
def test_keys_alone_lead_to_a_result(v41: Path, opened: Any) -> None:
    page = opened(v41, "#tab=all").page
    page.focus("[role=tab][aria-selected=true]")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent").startswith("Charts")
    page.evaluate("EW.grid.api.setFocusedCell(0, 'value')")
    page.keyboard.press("Enter")
    page.locator("#result-view h2").wait_for()


@needs_corpus
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(two_rounds: Path, opened: Any, scheme: str) -> None:
    shown = opened(two_rounds, color_scheme=scheme)
    assert shown.axe() == []
    for name in ("charts", "changes", "compare", "notes"):
        shown.tab(name)
        assert shown.axe() == [], name
    shown.go(f"#result={OFFLINE}")
    assert shown.axe() == []


@needs_corpus
def test_a_phone_shows_everything_without_scrolling_sideways(everything: Path, opened: Any) -> None:
    shown = opened(everything, viewport={"width": 390, "height": 844})
    for fragment in ("#", "#tab=charts", "#tab=changes", "#tab=notes", f"#result={OFFLINE}"):
        shown.go(fragment)
        wide = shown.page.evaluate(
            "document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth"
        )
        assert wide <= 0, fragment


@needs_corpus
def test_print_shows_all_rows(v41: Path, opened: Any) -> None:
    shown = opened(v41, "#tab=all")
    page = shown.page
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    shown.wait("document.querySelectorAll('#grid .ag-center-cols-container [role=row]').length === 28")
    assert page.locator("#tabs").is_hidden()


EVIL = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>{{data}}\x1b[31m\u202e"


def test_hostile_text_stays_text(opened: Any, tmp_path: Path) -> None:
    """Names, descriptions, notes and messages that are HTML, quotes, escapes, or very long."""
    tree = trees.build(tmp_path / "tree", division="open")
    keys = (
        "system_name",
        "framework",
        "accelerator_model_name",
        "sw_notes",
        "host_processor_model_name",
        "status",
    )
    tree.system_json(**dict.fromkeys(keys, EVIL + "x" * 5000), accelerators_per_node="1", system_type=EVIL)
    (tree.base / "model_mapping.json").write_text(json.dumps({"<b>bold": "resnet"}))
    for part in ("results", "measurements"):
        os.rename(tree.base / part / "board" / "resnet50", tree.base / part / "board" / "<b>bold")
    os.rename(tree.base, tree.base.parent / "<i onclick=alert(1)>'&quot;")
    found = book([tree.root], Options(round="v4.1"))
    logs = [diff.for_page(diff.between(found[0], found[0]))]
    file = tmp_path / "hostile.html"
    file.write_text(html(page_document(found, links=["../</script>/"], changes=logs)), encoding="utf-8")
    shown = opened(file)
    page = shown.page
    page.click("#expand")
    page.locator("#grid .badge").first.click()
    page.locator("#dialog .finding").first.wait_for()
    page.keyboard.press("Escape")
    for name in ("all", "charts", "changes", "notes"):
        shown.tab(name)
    shown.go(page.evaluate("EW.state.resultLink(EW.data.results[0])"))
    assert "<img src=x" in page.locator("#result-view").inner_text()
    assert "\u202e" not in page.locator("body").inner_text()
    assert (
        page.evaluate("document.querySelectorAll('main img, main b, main i[onclick], main script').length")
        == 0
    )


def test_the_policy_forbids_what_the_page_did_not_bring(opened: Any, tmp_path: Path, browser: Any) -> None:
    tree = trees.build(tmp_path / "tree")
    file = tmp_path / "page.html"
    file.write_text(html(page_document(book([tree.root], Options()))), encoding="utf-8")
    shown = Shown(browser, file)
    shown.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    )
    shown.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 2\">')"
    )
    shown.page.evaluate("fetch('https://example.org').catch(() => 0)")
    assert shown.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in c for c in shown.complaints)
    shown.close()
