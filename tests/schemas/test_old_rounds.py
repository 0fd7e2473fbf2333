"""The facts of v0.5 to v2.1: made by the tool, and how their checkers guess at names."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from schemas.layout import ResultPath
from schemas.rounds import load_round

ROOT = Path(__file__).resolve().parents[2]
MAKE = runpy.run_path(str(ROOT / "tools/rounds/make_round.py"))["make_round"]
OLD = ("v0.5", "v0.7", "v1.0", "v1.1", "v2.0", "v2.1")


@pytest.mark.parametrize("name", OLD)
def test_the_shipped_file_is_what_the_tool_makes(name: str) -> None:
    shipped = (ROOT / f"schemas/rounds/{name}.json").read_text("utf-8")
    supplement = json.loads((ROOT / f"tools/rounds/supplement/{name}.json").read_text("utf-8"))
    facts = {k: v for k, v in json.loads(shipped).items() if k not in supplement or k in ("round", "power")}
    made = MAKE(facts | {"schema": "mlcheck-round/1"}, supplement)
    assert json.dumps(made, indent=1, ensure_ascii=False) + "\n" == shipped


@pytest.mark.parametrize(
    ("round_name", "directory", "official"),
    [
        ("v0.7", "ssd-mobilenet-non-quantized", "ssd-small"),
        ("v0.7", "mobilenet-v2", "resnet"),
        ("v1.1", "my-resnet50-x", "my-resnet50-x"),
        ("v2.0", "my-resnet50-x", "resnet"),
        ("v2.0", "bert-99-x", "bert-99-x"),
        ("v2.1", "bert-99-x", "bert-99"),
        ("v2.1", "ssd-resnet34", "retinanet"),
    ],
)
def test_names_of_benchmarks(round_name: str, directory: str, official: str) -> None:
    assert load_round(round_name).official_name(directory) == official


def test_the_early_rounds_have_no_mapping_of_names() -> None:
    assert load_round("v2.1").official_name("tiny", {"tiny": "resnet"}) == "tiny"


def test_multistream_has_fewer_tests_in_the_first_rounds() -> None:
    resnet = load_round("v0.7").benchmark("resnet")
    assert resnet.compliance_tests_of("MultiStream") == ("TEST01", "TEST05")
    assert resnet.compliance_tests_of("Offline") == ("TEST01", "TEST04-A", "TEST04-B", "TEST05")
    assert load_round("v2.0").benchmark("resnet").compliance_tests_of("MultiStream")[1] == "TEST04-A"


def test_a_round_without_compliance_has_no_place_for_it() -> None:
    round_ = load_round("v0.5")
    path = ResultPath("closed", "me", "board", "resnet", "Offline").results(round_)
    parsed = ResultPath.parse(path / "accuracy/accuracy.txt", round_)
    assert parsed is not None
    assert parsed.kind == "scenario_dir"


@pytest.mark.parametrize("name", OLD)
def test_seeds_of_the_round_are_its_own(name: str) -> None:
    assert sum(load_round(other).seeds() == load_round(name).seeds() for other in OLD) == 1
