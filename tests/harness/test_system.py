"""The system description: all fields of the round, holes marked, nothing empty that must say something."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from harness import system
from schemas import documents
from schemas.rounds import load_round

Program = Callable[..., tuple[int, str, str]]
ROUND = load_round("v4.1")


def described() -> dict[str, str]:
    return system.describe(ROUND, division="open", submitter="me", system_name="board", framework="ort 1")


def test_all_fields_of_the_round_in_its_order() -> None:
    found = described()
    assert list(found) == list(ROUND.facts["system_fields"]["required"])
    assert len(found) == 35
    assert list(documents.violations("system", found, ROUND.facts)) == []
    assert all(found[name] for name in ROUND.facts["system_fields"]["non_empty"])
    assert all(isinstance(value, str) for value in found.values())


def test_what_this_machine_knows_is_true() -> None:
    import psutil

    found = described()
    assert float(found["host_memory_capacity"].split()[0]) * 2**30 > 0.9 * psutil.virtual_memory().total
    assert (
        int(found["host_processor_core_count"]) * int(found["host_processors_per_node"]) <= psutil.cpu_count()
    )
    assert found["accelerators_per_node"] == "0"


def test_holes_are_listed() -> None:
    found = described()
    assert "cooling" in system.holes(found)
    assert "submitter" not in system.holes(found)


def test_command_writes_once_and_never_over(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    code, out, err = program("describe-system", "--output", path, "--system", "board")
    assert (code, out) == (0, "")
    assert "to fill in" in err
    assert json.loads(path.read_text())["system_name"] == "board"
    code, out, _ = program("describe-system", "--system-type", "datacenter")
    assert json.loads(out)["system_type"] == "datacenter"
    code, _, err = program("describe-system", "--system-type", "edgy")
    assert code == 2
    assert "did you mean edge" in err
    code, _, err = program("describe-system", "--output", path)
    assert code == 2
    assert "exists already" in err


def test_list_is_a_document_of_its_schema(program: Program) -> None:
    code, out, _ = program("list", "--json")
    assert code == 0
    document = json.loads(out)
    assert list(documents.violations("benchmarks", document)) == []
    (resnet,) = document["benchmarks"]
    assert [s["name"] for s in resnet["scenarios"]] == ["SingleStream", "MultiStream", "Offline"]


def test_list_for_people_names_what_is_missing(program: Program) -> None:
    code, out, _ = program("list")
    assert code == 0
    assert "SingleStream (required)" in out
