"""ResNet50 at its full width, 25.6 million parameters, through all edge scenarios with power and accuracy.

In the open division, which needs no compliance runs: those are the same at any width, and the demo makes them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.api import check
from harness import cli
from tests.powerd.rig import Meter

SCENARIOS = {"SingleStream": "mJ", "MultiStream": "mJ", "Offline": "W"}
SECONDS = 20


@pytest.mark.proof
def test_full_width_resnet50_through_all_scenarios(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixture, tree = tmp_path / "fixture", tmp_path / "tree"
    assert cli.main(["-q", "make-fixture", "resnet50", str(fixture), "--width", "full"]) == 0
    meter = Meter(tmp_path, "host")
    try:
        for scenario in SCENARIOS:
            code = cli.main(
                [
                    *("run", "resnet50", "--scenario", scenario, "--fixture", str(fixture), "--mode", "all"),
                    *(
                        "--output",
                        str(tree),
                        "--division",
                        "open",
                        "--submitter",
                        "wide",
                        "--system",
                        "bench",
                    ),
                    *("--power", f"spawn:yokogawa-wt300:{meter.port}", "--rehearsal", str(SECONDS)),
                ]
            )
            said = capsys.readouterr()
            print(said.out)
            assert code == 0, said.err
    finally:
        meter.stop()
    report = check(tree, power="unofficial", rehearsal=True)
    assert report.valid, [f.message for f in report.findings if f.counts]
    found = {r.scenario: r.power.metric.unit for r in report.results if r.power is not None}
    assert found == SCENARIOS
    assert all(r.power is not None and r.power.coverage >= 0.99 for r in report.results)
    plain = check(tree, power="unofficial")
    declared = {f.rule for f in report.findings if f.forgiven}
    assert not plain.valid
    assert {f.rule for f in plain.findings if f.counts} <= declared
