"""Every rule is silent on the valid trees of the rounds v3.0 to v5.1, whatever benchmark, system and division."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checker.api import check
from schemas.rounds import load_round
from tests.checker.trees import build

ROUNDS = ("v3.0", "v3.1", "v4.0", "v4.1", "v5.0", "v5.1")


def everything() -> Iterator[tuple[str, str, str]]:
    """Round, benchmark and type of system."""
    for name in ROUNDS:
        round_ = load_round(name)
        for benchmark in round_.benchmark_names:
            for type_ in ("edge", "datacenter"):
                if round_.benchmark(benchmark).scenarios(type_) is not None:
                    yield name, benchmark, type_


@pytest.mark.parametrize(("name", "benchmark", "system_type"), list(everything()))
def test_every_benchmark(name: str, benchmark: str, system_type: str, tmp_path: Path) -> None:
    wanted = load_round(name).benchmark(benchmark).scenarios(system_type)
    assert wanted is not None
    scenarios = tuple(s.lower() for s in (*wanted.required, *wanted.optional))
    about = {"round_name": name, "benchmark": benchmark, "system_type": system_type, "power": False}
    tree = build(tmp_path, scenarios=scenarios, **about)  # type: ignore[arg-type]
    report = check(tree.root, round_name=name)
    assert [(f.rule, f.message) for f in report.findings] == []
    assert report.valid
    assert report.reference_valid
    assert len(report.results) == len(scenarios)
    assert all(r.metric is not None and r.metric.unit and r.accuracy for r in report.results)


@pytest.mark.parametrize("name", ROUNDS)
@pytest.mark.parametrize("division", ["closed", "open", "network"])
def test_every_division_with_power(name: str, division: str, tmp_path: Path) -> None:
    tree = build(tmp_path, round_name=name, division=division)
    report = check(tree.root, round_name=name, more_power_check=True)
    assert [(f.rule, f.message) for f in report.findings] == []
    assert report.valid
    assert report.reference_valid
    assert {r.power.metric.unit for r in report.results if r.power} == {"mJ"}
