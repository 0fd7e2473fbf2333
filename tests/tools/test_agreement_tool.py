"""The tool that measures agreement: it counts what agrees and does not hide what differs."""

from __future__ import annotations

import csv
import re
import runpy
from pathlib import Path

import pytest

from tests.checker.corpus import NAME, folder, needs_corpus
from tests.checker.trees import build

ROOT = Path(__file__).resolve().parents[2]
TOOL = runpy.run_path(str(ROOT / "tools/agreement.py"))
PLACE = {
    "division": "closed",
    "submitter": "Bench",
    "system": "board",
    "benchmark": "resnet50",
}
GOLDEN = {"verdict": "valid", "metric_value": "12.5", "accuracy": "76.001", "power_value": ""}
MARKS = "# Page\n" + "".join(
    f"<!-- {n} -->\nstale {n}\n<!-- end of {n} -->\n" for n in ("figures", "published", "broken", "ours")
)


def corpus(root: Path, name: str = "v4.1", **other: str) -> Path:
    """A corpus of one tree without power and one golden row."""
    build(root / name, round_name=name, power=False, scenarios=("singlestream",))
    row = {"round": name, **PLACE, "scenario_dir": "singlestream", **GOLDEN, **other}
    with (root / f"golden-{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    return root


def test_agreement_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert TOOL["main"]([str(corpus(tmp_path))]) == 0
    out = capsys.readouterr().out
    assert "metric" in out
    assert "1 of 1 agree" in out
    assert "DIFFERS" not in out


def test_several_rounds_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus(tmp_path)
    corpus(tmp_path, "v5.1", accuracy="acc: 76.001")
    assert TOOL["main"]([str(tmp_path)]) == 0
    assert {"v4.1", "v5.1"} <= set(re.findall(r"^v\S+", capsys.readouterr().out, re.MULTILINE))
    assert TOOL["main"]([str(tmp_path), "--round", "v5.1"]) == 0
    assert "v4.1" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "other",
    [
        {"metric_value": "12.51"},
        {"verdict": "invalid"},
        {"power_value": "1.0"},
        {"accuracy": "76.002"},
        {"accuracy": "acc: 76.001  mAP: 1.0"},
    ],
)
def test_a_difference_is_told(
    other: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert TOOL["main"]([str(corpus(tmp_path, **other))]) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_nothing_to_compare_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert TOOL["main"]([str(tmp_path)]) == 2
    assert TOOL["main"]([str(corpus(tmp_path, system="other"))]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_the_page_tells_where_the_verdicts_differ_and_why(tmp_path: Path) -> None:
    root = corpus(tmp_path)
    log = next((root / "v4.1").rglob("results/**/run_1/mlperf_log_detail.txt"))
    log.write_text(
        log.read_text().replace('"early_stopping_met", "value": true', '"early_stopping_met", "value": false')
    )
    page = tmp_path / "page.md"
    page.write_text(MARKS)
    assert TOOL["main"]([str(root), "--page", str(page)]) == 0
    text = page.read_text()
    assert "stale" not in text
    assert "| v4.1 | `golden-v4.1.csv` | 1 verdict, 1 accuracy, 1 metric | all |" in text
    assert "resnet50/singlestream | invalid | valid | `performance/early-stopping`: " in text
    assert "| rule | severity | v4.1 |" in text
    assert "Never: `internal/rule-crashed`, `quality/accuracy-hash`, `quality/analyzer-changed`" in text


@needs_corpus
def test_published_results_agree_and_the_page_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(MARKS)
    assert TOOL["main"]([str(folder()), "--page", str(page)]) == 0, f"{NAME}: {capsys.readouterr().out}"
    shipped = (ROOT / "docs/agreement.md").read_text(encoding="utf-8")
    made = re.search(r"<!-- published -->.*<!-- end of published -->", page.read_text(), re.DOTALL)
    assert made is not None
    assert made.group() in shipped
    for line in page.read_text().splitlines():
        if line.startswith("| v"):
            assert line in shipped
