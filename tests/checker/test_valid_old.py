"""The rounds v0.5 to v2.1: every rule is silent on their valid trees, and the numbers are those of the round."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checker.old_edit import judged
from tests.checker.trees_old import OLD_ROUNDS, WITH_POWER, OldTree, build_old, run_values, write_run

SUMMARY = ("v0.5", "v0.7")


def count(tree: OldTree) -> int:
    return len(list(tree.base.glob("results/*/*/*")))


@pytest.mark.parametrize("name", OLD_ROUNDS)
@pytest.mark.parametrize("division", ["closed", "open"])
def test_every_rule_is_silent_on_the_valid_tree(name: str, division: str, tmp_path: Path) -> None:
    tree = build_old(tmp_path, name, division=division)
    report = judged(tree)
    assert report.findings == ()
    assert report.valid
    assert report.reference_valid
    assert len(report.results) == count(tree)


@pytest.mark.parametrize("name", WITH_POWER)
def test_every_rule_is_silent_on_the_valid_tree_with_power(name: str, tmp_path: Path) -> None:
    report = judged(build_old(tmp_path, name, power=True))
    assert report.findings == ()
    assert report.valid
    assert report.reference_valid
    found = next(r.power for r in report.results if r.power is not None)
    assert found.samples == 20
    assert found.average_watts == pytest.approx(12.5 + 0.01 * 9.5)
    rate = found.average_watts / 80.0 if name in ("v1.0", "v1.1") else found.average_watts * 20 / 1600
    assert found.metric.value == pytest.approx(rate, rel=1e-12)
    assert found.metric.unit == "J"
    assert found.begin.startswith("2024-07-23T15:50:00")


@pytest.mark.parametrize("name", SUMMARY)
def test_five_server_runs(name: str, tmp_path: Path) -> None:
    tree = build_old(tmp_path, name, scenarios=("Server", "Offline"), system_type="datacenter")
    report = judged(tree)
    assert report.findings == ()
    assert report.reference_valid
    assert {r.scenario: r.metric.value for r in report.results if r.metric} == {
        "Server": 75.25,
        "Offline": 80.5,
    }


def test_the_network_division_of_v2_1(tmp_path: Path) -> None:
    report = judged(build_old(tmp_path, "v2.1", division="network"))
    assert report.findings == ()
    assert report.reference_valid


@pytest.mark.parametrize("name", ["v0.5", "v0.7", "v1.0"])
def test_the_old_multistream_counts_streams(name: str, tmp_path: Path) -> None:
    report = judged(build_old(tmp_path, name))
    found = next(r.metric for r in report.results if r.scenario == "MultiStream")
    assert found is not None
    assert (found.value, found.unit) == (4.0, "Streams")


def test_an_offline_result_from_a_single_stream_run(tmp_path: Path) -> None:
    for name in OLD_ROUNDS:
        tree = build_old(tmp_path / name, name)
        write_run(tree, tree.run("offline"), run_values(tree, "SingleStream"))
        report = judged(tree)
        found = next(r for r in report.results if r.scenario == "Offline")
        assert report.findings == ()
        assert found.metric is not None
        assert (found.inferred, found.metric.value) == (True, 81.25)
