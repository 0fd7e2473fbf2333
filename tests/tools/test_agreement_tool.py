"""The tool that measures agreement: it counts what agrees and does not hide what differs."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path

import pytest

from tests.checker.corpus import NAME, folder, needs_corpus
from tests.checker.trees import build

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools/agreement.py"))
PLACE = {
    "round": "v4.1",
    "division": "closed",
    "submitter": "Bench",
    "system": "board",
    "benchmark": "resnet50",
}
GOLDEN = {"verdict": "valid", "metric_value": "12.5", "accuracy": "76.001", "power_value": ""}


def corpus(root: Path, **other: str) -> Path:
    """A corpus of one tree without power and one golden row."""
    build(root / "v4.1", power=False, scenarios=("singlestream",))
    row = {**PLACE, "scenario_dir": "singlestream", **GOLDEN, **other}
    for name in ("golden-v4.1.csv", "golden-power.csv"):
        with (root / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
            if name == "golden-v4.1.csv":
                writer.writerow(row)
    return root


def test_agreement_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert TOOL["main"]([str(corpus(tmp_path))]) == 0
    out = capsys.readouterr().out
    assert "metric" in out
    assert "1 of 1 agree" in out
    assert "DIFFERS" not in out


@pytest.mark.parametrize("other", [{"metric_value": "12.51"}, {"verdict": "invalid"}, {"power_value": "1.0"}])
def test_a_difference_is_told(
    other: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert TOOL["main"]([str(corpus(tmp_path, **other))]) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_nothing_to_compare_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert TOOL["main"]([str(tmp_path)]) == 2
    assert TOOL["main"]([str(corpus(tmp_path, system="other"))]) == 2
    assert capsys.readouterr().err.count("\n") == 2


@needs_corpus
def test_published_results_agree(capsys: pytest.CaptureFixture[str]) -> None:
    assert TOOL["main"]([str(folder())]) == 0, f"{NAME}: {capsys.readouterr().out}"
