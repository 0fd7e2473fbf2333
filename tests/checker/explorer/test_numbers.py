"""Every number of the explorer is the report's, and follows from the formula that stands beside it."""

from __future__ import annotations

import ast
import json
import math
import operator
from collections.abc import Callable
from pathlib import Path

import pytest

from checker.explorer.book import Book, volume
from checker.explorer.compact import records
from checker.explorer.data import page_document
from checker.explorer.page import html
from checker.options import Options
from checker.reports.json import document
from tests.checker import trees
from tests.checker.corpus import needs_corpus

OPS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def worked_out(text: str) -> float:
    """What a filled-in formula gives, with nothing but the four operations and the square root."""

    def value(node: ast.AST) -> float:
        if isinstance(node, ast.Expression):
            return value(node.body)
        if isinstance(node, ast.Constant):
            return node.value  # type: ignore[return-value]
        if isinstance(node, ast.BinOp):
            return OPS[type(node.op)](value(node.left), value(node.right))
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        assert node.func.id == "sqrt"
        return math.sqrt(value(node.args[0]))

    return value(ast.parse(text, mode="eval"))


def in_page(book: Book) -> dict[str, object]:
    """The document that stands in the page."""
    text = html(page_document(book))
    return json.loads(text.split('id="data">')[1].split("</script>")[0])  # type: ignore[no-any-return]


@needs_corpus
def test_every_number_of_the_page_is_the_reports(every_round: Book) -> None:
    found = in_page(every_round)
    shown = records(found["results"], found["texts"])  # type: ignore[arg-type]
    wanted = [
        (n, v.report.round, r) for n, v in enumerate(every_round) for r in document(v.report)["results"]
    ]
    assert len(shown) == len(wanted)
    for row, (tree, round_name, result) in zip(shown, wanted, strict=True):
        metric, power = result["metric"] or {}, result["power"] or {}
        assert (row["tree"], row["round"], row["path"]) == (tree, round_name, result["path"])
        for name in ("division", "submitter", "system", "system_type", "availability", "benchmark", "model", "scenario",
                     "inferred", "accuracy"):  # fmt: skip
            assert row[name] == result[name], name
        assert row["valid"] == (result["verdict"] == "valid")
        assert row["reference_valid"] == (result["reference_verdict"] == "valid")
        assert (row["value"], row["unit"]) == (metric.get("value"), metric.get("unit", ""))
        assert row["power_value"] == power.get("metric", {}).get("value")
        assert row["window_seconds"] == power.get("window", {}).get("seconds")
        for name in ("average_watts", "energy_joules", "samples", "bad_samples", "coverage", "max_gap_seconds",
                     "ranging_delta_percent", "official"):  # fmt: skip
            assert row[name] == power.get(name), name


@needs_corpus
def test_every_formula_gives_the_number_beside_it(every_round: Book) -> None:
    filled = 0
    for v in every_round:
        for row in v.rows:
            for n in v.told[row.path].numbers:
                assert n.sources
                assert all(s.path.startswith(f"{row.division}/{row.submitter}/") for s in n.sources)
                if n.filled:
                    assert worked_out(n.filled) == pytest.approx(n.value, rel=1e-12), (row.path, n)
                    filled += 1
            by_name = {n.name: n.value for n in v.told[row.path].numbers}
            assert by_name.get("performance", row.value) == row.value
            assert by_name.get(row.power_name, row.power_value) == row.power_value
            assert by_name.get("coverage", row.coverage) == row.coverage
    assert filled > 200


@needs_corpus
def test_the_lines_named_hold_the_number(published: Book) -> None:
    """h13_u3_slim, Offline: the line of the detail log is the one with the rate."""
    v = published[0]
    row = next(r for r in v.rows if (r.system, r.scenario) == ("h13_u3_slim", "Offline"))
    number = next(n for n in v.told[row.path].numbers if n.name == "performance")
    source = number.sources[0]
    line = (Path(v.report.tree) / source.path).read_text().splitlines()[(source.line or 0) - 1]
    assert '"result_samples_per_second"' in line
    assert str(int(number.value)) in line


@needs_corpus
def test_seed_columns_of_the_published_system(published: Book) -> None:
    """As published: System Power in W for Offline and Server, Energy per Stream in mJ for the streams."""
    rows = {r.scenario: r for r in published[0].rows if (r.system, r.division) == ("h13_u3_slim", "closed")}
    offline, single, multi = rows["Offline"], rows["SingleStream"], rows["MultiStream"]
    assert (offline.submitter, offline.availability) == ("UntetherAI", "available")
    assert offline.software == "UntetherAI imAIgine SDK v24.07.19"
    assert offline.system_name == "Supermicro SuperServer H13 (3x speedAI240 Slim)"
    assert (offline.processor, offline.accelerator) == ("", "3x UntetherAI speedAI240 Slim")
    assert offline.details == "closed/UntetherAI/systems/h13_u3_slim.json"
    assert offline.code == "closed/UntetherAI/code/resnet50"
    assert (offline.power_name, offline.power_unit) == ("system_power", "W")
    assert offline.power_value == pytest.approx(398.33, abs=0.01)
    assert (single.power_name, single.power_unit) == ("energy_per_stream", "mJ")
    assert single.power_value == pytest.approx(29.24, abs=0.01)
    assert multi.power_value == pytest.approx(61.32, abs=0.01)
    assert offline.samples_per_joule == pytest.approx(168720 / 398.33, rel=1e-4)
    assert offline.coverage == 1.0


def test_several_processes_tell_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = trees.build(tmp_path / "tree")
    alone = volume(tree.root, Options())
    monkeypatch.setattr("checker.explorer.book.WORTH_A_PROCESS", 1)
    together = volume(tree.root, Options(jobs=3))
    assert (together.rows, together.told) == (alone.rows, alone.told)
    assert list(together.told) == list(alone.told)


def test_of_a_result_that_cannot_be_read_the_rest_is_told(tmp_path: Path) -> None:
    tree = trees.build(tmp_path / "tree")
    (tree.run("offline") / "mlperf_log_detail.txt").write_text("nothing\n")
    found = volume(tree.root, Options())
    offline = next(r for r in found.rows if r.scenario == "Offline")
    assert offline.value is None
    assert [n.name for n in found.told[offline.path].numbers] == ["accuracy acc"]
