"""``summary.csv`` of the rounds from v6.0 on."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from checker.api import check
from checker.reports.csv import COLUMNS, write
from schemas.rounds import load_round
from tests.checker.trees_v6 import TreeV6, build

INSERTED, APPENDED = "total_accelerators", ("weight_data_types", "design_power_watts", "PrivateID")


def rows(tree: TreeV6) -> list[dict[str, str]]:
    stream = io.StringIO()
    write(check(tree.root, round_name=tree.round.name), stream)
    return list(csv.DictReader(io.StringIO(stream.getvalue())))


def test_the_columns_are_those_of_v4_1_and_four_more() -> None:
    for name in ("v6.0", "v6.1"):
        columns = list(load_round(name).facts["csv_columns"])
        assert len(columns) == 31
        assert columns[columns.index("accelerators_per_node") + 1] == INSERTED
        assert tuple(columns[-3:]) == APPENDED
        columns.remove(INSERTED)
        assert tuple(columns[:-3]) == COLUMNS


def test_the_cells(tmp_path: Path) -> None:
    tree = build(tmp_path, power=True)
    tree.system_json(status="Available", hw_notes='four "boards"', sw_notes="none")
    first, *_ = found = rows(tree)
    assert len(found) == 4
    assert first["Scenario"] == "multistream"
    assert first["inferred"] == "1"
    assert first["Availability"] == "Available"
    assert first["compliance"] == "closed"
    assert first["total_accelerators"] == "8"
    assert first["weight_data_types"] == "something"
    assert first["notes"] == 'four "boards". none'
    assert first["Accuracy"].startswith("acc: 75.")
    assert (
        first["Location"]
        == f"{tree.root}/{tree.result('multistream').relative_to(tree.root)}/performance/run_1"
    )
    assert (first["has_power"], first["design_power_watts"]) == ("False", "")
    power = [r for r in found if r["has_power"] == "True"]
    assert [r["Units"] for r in power] == ["Latency (ms)", "millijoules"]
    assert {r["design_power_watts"] for r in power} == {"60.0"}


def test_canonical_names_are_not_called_inferred(tmp_path: Path) -> None:
    tree = build(tmp_path, benchmark="whisper", scenarios=("Offline",))
    assert [r["inferred"] for r in rows(tree)] == ["0"]


def test_interactive_is_always_called_inferred(tmp_path: Path) -> None:
    about = {"benchmark": "llama3.1-8b", "system_type": "datacenter", "scenarios": ("Interactive", "Offline")}
    tree = build(tmp_path, **about)  # type: ignore[arg-type]
    assert {r["Scenario"]: r["inferred"] for r in rows(tree)} == {"Interactive": "1", "Offline": "0"}
    assert {r["Units"] for r in rows(tree)} == {"Tokens/s"}


def test_every_cell_is_quoted(tmp_path: Path) -> None:
    tree = build(tmp_path, benchmark="whisper")
    tree.set_json(tree.result("offline") / "measurements.json", weight_data_types=json.loads('"int8, fp16"'))
    stream = io.StringIO()
    write(check(tree.root, round_name="v6.1"), stream)
    header, row = stream.getvalue().splitlines()
    assert '"' not in header
    assert row.startswith('"')
    assert row.count('","') == 30
    assert '"int8, fp16"' in row
