"""A run as long as the rule wants, with power: the judge finds nothing wrong with its performance and its power."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checker.api import check
from harness import cli
from tests.powerd.rig import Meter

LOAD = "sine:30,3,7"
FAMILIES = ("performance", "power")


@pytest.mark.proof
def test_single_stream_of_ten_minutes_with_power(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ranging and testing take ten minutes each; as many images as the round wants to be held in memory."""
    fixture, tree = tmp_path / "fixture", tmp_path / "tree"
    assert cli.main(["-q", "make-fixture", "resnet50", str(fixture), "--samples", "1024"]) == 0
    meter = Meter(tmp_path, LOAD)
    words = [
        "run",
        "resnet50",
        "--scenario",
        "SingleStream",
        "--fixture",
        str(fixture),
        "--output",
        str(tree),
    ]
    words += ["--division", "closed", "--submitter", "tester", "--system", "bench", "--threads", "1"]
    try:
        power = ["--power", f"spawn:yokogawa-wt300:{meter.port}"]
        assert cli.main([*words, "--mode", "performance", *power]) == 0, capsys.readouterr().err
    finally:
        meter.stop()
    assert cli.main([*words, "--mode", "accuracy"]) == 0, capsys.readouterr().err
    report = check(tree, power="unofficial")
    (result,) = report.results
    errors = [f for f in report.findings if f.severity == "error"]
    wrong = [f.message for f in errors if f.rule.partition("/")[0] in FAMILIES]
    print(capsys.readouterr().out, sorted({f.rule for f in errors}), result.power, sep="\n")
    assert wrong == []
    assert result.power is not None
    assert result.power.coverage >= 0.99
    record = json.loads(next(tree.rglob("edgewatt.json")).read_text())
    assert "min_duration_ms" not in record["shortened"]
    assert abs(record["windows"]["testing"]["average_w"] - 30.0) < 1.0
