"""Every rule is silent on the valid trees of v6.0 and v6.1, whatever the benchmark, the system and the division."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checker.api import check
from schemas.rounds import load_round
from tests.checker.trees_v6 import build

ROUNDS = ("v6.0", "v6.1")


def everything() -> Iterator[tuple[str, str, str]]:
    """Round, benchmark and type of system."""
    for round_name in ROUNDS:
        round_ = load_round(round_name)
        for name in round_.benchmark_names:
            for type_ in ("edge", "datacenter", "datacenter,edge"):
                if round_.benchmark(name).scenarios(type_) is not None:
                    yield round_name, name, type_


@pytest.mark.parametrize(("round_name", "benchmark", "system_type"), list(everything()))
def test_every_benchmark(round_name: str, benchmark: str, system_type: str, tmp_path: Path) -> None:
    tree = build(tmp_path, round_name=round_name, benchmark=benchmark, system_type=system_type)
    report = check(tree.root, round_name=round_name)
    assert [(f.rule, f.message) for f in report.findings] == []
    assert report.valid
    assert report.reference_valid
    assert len(report.results) == len(tree.scenarios)
    assert all(r.metric is not None and r.metric.unit and r.accuracy for r in report.results)


@pytest.mark.parametrize("round_name", ROUNDS)
@pytest.mark.parametrize("division", ["closed", "open", "network"])
@pytest.mark.parametrize("power", [True, False])
def test_every_division(round_name: str, division: str, power: bool, tmp_path: Path) -> None:
    tree = build(tmp_path, round_name=round_name, division=division, power=power)
    report = check(tree.root)
    assert [(f.rule, f.message) for f in report.findings] == []
    assert report.round == round_name
    assert report.valid
    assert report.reference_valid
    assert [r.power is not None for r in report.results] == [False, False, power]


@pytest.mark.parametrize("division", ["closed", "open"])
@pytest.mark.parametrize("benchmark", load_round("v6.1").facts["endpoints"]["allowed_models"])
def test_every_benchmark_at_an_endpoint(division: str, benchmark: str, tmp_path: Path) -> None:
    kind = "edge" if benchmark in ("llama3.1-8b-edge", "qwen3.6-27b") else "datacenter"
    tree = build(tmp_path, division=division, benchmark=benchmark, system_type=kind, endpoint=True)
    report = check(tree.root, round_name="v6.1")
    assert [(f.rule, f.message) for f in report.findings] == []
    assert report.valid
    assert report.reference_valid
    assert all(r.metric is not None and r.metric.value > 0 and r.accuracy for r in report.results)


@pytest.mark.parametrize(
    ("benchmark", "scenario", "name", "value"),
    [
        ("gpt-oss-120b", "offline", "result_tokens_per_second", 15000.5),
        ("gpt-oss-120b", "interactive", "result_completed_samples_per_sec", 12.5),
        ("qwen3-vl-235b-a22b", "online", "result_completed_samples_per_sec", 12.5),
        ("llama3.1-8b-edge", "singlestream", "result_90.00_percentile_latency_ns", 90.0),
        ("qwen3.6-27b", "singlestream", "result_mean_latency_ns", 81.0),
    ],
)
def test_the_number_of_an_endpoint(
    benchmark: str, scenario: str, name: str, value: float, tmp_path: Path
) -> None:
    kind = "edge" if "edge" in benchmark or "27b" in benchmark else "datacenter"
    tree = build(
        tmp_path, division="open", benchmark=benchmark, system_type=kind, scenarios=(scenario,), endpoint=True
    )
    found = check(tree.root, round_name="v6.1").results[0].metric
    assert found is not None
    assert (found.name, found.value) == (name, value)
