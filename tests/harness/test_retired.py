"""Benchmarks of past rounds: what is said when they cannot run, and how an open entry tells what it stands for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from harness import retired
from harness.registry import benchmark, benchmarks
from schemas.errors import UserError
from schemas.layout import ResultPath
from schemas.rounds import load_round

V4_1 = load_round("v4.1")
ALL = {name: found for name, bench in benchmarks().items() if (found := retired.of(bench)) is not None}


@pytest.mark.parametrize("name", sorted(ALL))
@pytest.mark.parametrize(
    ("round_name", "division"),
    [("v0.5", "closed"), ("v0.5", "open"), ("v4.1", "closed"), ("v4.1", "network")],
)
def test_a_round_or_division_in_which_it_does_not_run(
    name: str, round_name: str, division: str, tmp_path: Path, program: Callable[..., Any]
) -> None:
    arguments = [
        "--round",
        round_name,
        "--division",
        division,
        "--output",
        tmp_path / "t",
        "--fixture",
        tmp_path,
    ]
    code, out, said = program("run", name, "--scenario", "Offline", *arguments)
    assert (code, out) == (2, "")
    assert f"{name} was the benchmark {ALL[name].official} of" in said
    assert "give --division open and --round v4.1" in said
    assert not (tmp_path / "t").exists()


def test_plan_says_it_too(tmp_path: Path, program: Callable[..., Any]) -> None:
    fixture = tmp_path / "fixture"
    benchmark("mobilenet").make_fixture(fixture, width="small", seed=1, samples=8)
    (tmp_path / "c.toml").write_text(
        f'''output = "{tmp_path / "tree"}"
[defaults]
round = "v0.5"
division = "closed"
submitter = "me"
fixture = "{fixture}"
[[run]]
benchmark = "mobilenet"
scenario = "Offline"
'''
    )
    code, _, said = program("plan", tmp_path / "c.toml")
    assert code == 2
    assert "mobilenet was the benchmark mobilenet of round v0.5, whose LoadGen cannot be installed" in said


def test_preflight_says_it_too(program: Callable[..., Any]) -> None:
    code, _, said = program("preflight", "ssd-mobilenet", "--round", "v2.0")
    assert code == 2
    assert "ssd-mobilenet was the benchmark ssd-small of rounds v0.5 to v2.0" in said


def test_list_requires_nothing_of_it(program: Callable[..., Any]) -> None:
    """In the open division any scenario may be run, and no compliance test is asked."""
    code, out, _ = program("list", "--json")
    assert code == 0
    (row,) = (b for b in json.loads(out)["benchmarks"] if b["name"] == "ssd-resnet34")
    assert row["official"] == "retinanet"
    assert row["compliance_tests"] == []
    assert not any(s["required"] for s in row["scenarios"])


@dataclass
class Place:
    tree: Path
    result: ResultPath

    def mapping(self, official: str) -> Any:
        return retired.mapping(self.tree, self.result, V4_1, official)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, ResultPath("open", "me", "board", "ssd-mobilenet", "Offline"))


def test_mapping_is_written_where_the_round_would_guess_otherwise(place: Place) -> None:
    """v4.1 reads ``ssd-mobilenet`` as ``resnet`` by the word in it; ``mobilenet`` it knows itself."""
    where = PurePosixPath("open/me/model_mapping.json")
    assert V4_1.official_name("ssd-mobilenet") == "resnet"
    (made,) = place.mapping("retinanet").items()
    assert made[0] == where
    assert json.loads(made[1]) == {"ssd-mobilenet": "retinanet"}
    assert V4_1.official_name("ssd-mobilenet", json.loads(made[1])) == "retinanet"
    assert place.mapping("resnet") == {}


def test_a_mapping_that_is_there_is_kept(place: Place) -> None:
    path = place.tree / "open/me/model_mapping.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"mine": "bert-99"}')
    assert json.loads(place.mapping("retinanet").popitem()[1]) == {
        "mine": "bert-99",
        "ssd-mobilenet": "retinanet",
    }
    path.write_text('{"ssd-mobilenet": "resnet"}')
    with pytest.raises(
        UserError, match="says that ssd-mobilenet stands for resnet, and this run enters it for retinanet"
    ):
        place.mapping("retinanet")
    for bad, why in (("[1]", "is not a JSON object"), ("{", "cannot be read")):
        path.write_text(bad)
        with pytest.raises(UserError, match=why):
            place.mapping("retinanet")


def test_what_a_result_in_a_tree_is_read_as(place: Place) -> None:
    """As the checker reads it: by the mapping, and that in the open division only."""
    assert retired.read_as(place.tree, place.result, V4_1) == "resnet"
    path = place.tree / "open/me/model_mapping.json"
    path.parent.mkdir(parents=True)
    path.write_text(place.mapping("retinanet").popitem()[1])
    assert retired.read_as(place.tree, place.result, V4_1) == "retinanet"
    assert retired.read_as(place.tree, replace(place.result, division="closed"), V4_1) == "resnet"
