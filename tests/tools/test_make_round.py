"""The tool that makes a round's file: nothing lost, nothing bent."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = runpy.run_path(str(ROOT / "tools/rounds/make_round.py"))


@pytest.fixture
def supplement() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "tools/rounds/supplement/v4.1.json").read_text("utf-8"))
    return document


@pytest.fixture
def facts() -> dict[str, Any]:
    """Reference facts, recovered from what the tool once made of them."""
    document: dict[str, Any] = json.loads((ROOT / "schemas/rounds/v4.1.json").read_text("utf-8"))
    del document["loadgen"]
    return document | {"schema": "mlcheck-round/1"}


def test_the_shipped_file_is_what_the_tool_makes(
    facts: dict[str, Any], supplement: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    made = tmp_path / "v4.1.json"
    code = TOOL["main"](
        [str(tmp_path / "facts.json"), str(ROOT / "tools/rounds/supplement/v4.1.json"), str(made)]
    )
    assert code == 0
    assert made.read_bytes() == (ROOT / "schemas/rounds/v4.1.json").read_bytes()


def test_seeds_that_loadgen_does_not_bring_are_refused(
    facts: dict[str, Any], supplement: dict[str, Any]
) -> None:
    facts["seeds"]["default"]["qsl_rng_seed"] += 1
    with pytest.raises(ValueError, match="qsl_rng_seed"):
        TOOL["make_round"](facts, supplement)


def test_a_supplement_of_another_round_is_refused(facts: dict[str, Any], supplement: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"v5\.0"):
        TOOL["make_round"](facts, supplement | {"round": "v5.0"})


def test_a_benchmark_without_a_loadgen_model_is_refused(
    facts: dict[str, Any], supplement: dict[str, Any]
) -> None:
    del supplement["loadgen"]["models"]["resnet"]
    with pytest.raises(ValueError, match="resnet"):
        TOOL["make_round"](facts, supplement)


def test_an_absent_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert TOOL["main"]([str(tmp_path / "no"), str(tmp_path / "no"), str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def later(facts: dict[str, Any], **about: Any) -> dict[str, Any]:
    """Facts of which a later revision changed a unit and took a name out."""
    changes = [
        {"op": "replace", "path": "/benchmarks/resnet/unit/Server", "value": "Images/s", "was": "Queries/s"},
        {"op": "remove", "path": "/model_aliases/resnet50"},
        {"op": "replace", "path": "/limits/min_duration_ms", "value": 1, "was": 600000},
    ]
    found: dict[str, Any] = TOOL["as_published"](
        {**facts, "later_revisions": [{"revision": "next", "changes": changes}]},
        {"revision": "next", **about},
    )
    return found


def test_the_later_changes_that_are_named_count(facts: dict[str, Any]) -> None:
    own = {"op": "add", "path": "/model_aliases/tiny", "value": "resnet"}
    found = later(facts, paths=["/benchmarks/*/unit/*", "/model_aliases/*"], changes=[own])
    assert found["benchmarks"]["resnet"]["unit"]["Server"] == "Images/s"
    assert "resnet50" not in found["model_aliases"]
    assert found["model_aliases"]["tiny"] == "resnet"
    assert found["limits"]["min_duration_ms"] == 600_000
    assert facts["benchmarks"]["resnet"]["unit"]["Server"] == "Queries/s"


def test_a_path_that_no_later_change_has_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="changes nothing at /nowhere"):
        later(facts, paths=["/nowhere"])
    with pytest.raises(ValueError, match="no later revision other"):
        later(facts, paths=[], revision="other")


@pytest.mark.parametrize("name", ["v6.0", "v6.1"])
def test_the_newest_rounds_are_what_the_tool_makes(name: str) -> None:
    """Made again from itself a round's file stays as it is, so that what the supplement adds stands in it."""
    shipped = json.loads((ROOT / f"schemas/rounds/{name}.json").read_text("utf-8"))
    supplement = json.loads((ROOT / f"tools/rounds/supplement/{name}.json").read_text("utf-8"))
    facts = {k: v for k, v in shipped.items() if k not in ("reading", "csv_columns")}
    assert TOOL["make_round"](facts | {"schema": "mlcheck-round/1"}, supplement) == shipped
    assert supplement["endpoints"].items() <= shipped["endpoints"].items()
