"""Results inferred from one run: what is written, what the checker makes of it, what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checker.api import check
from checker.metrics import INFERRED_PAIRS
from harness import service
from harness.model import Fixture
from schemas import documents
from schemas.loadgen import LoadgenLog
from schemas.rounds import load_round
from tests.harness.conftest import plain_request

Program = Callable[..., tuple[int, str, str]]
ROUND = load_round("v4.1")
BASE = "closed/tester"
SINGLE = f"{BASE}/results/bench/resnet50/SingleStream"
LOG = f"{SINGLE}/performance/run_1/mlperf_log_detail.txt"
DESCRIPTION = f"{BASE}/systems/bench.json"


@pytest.fixture(scope="module")
def single(fixture: Fixture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed SingleStream result, with queries enough for the estimate that MultiStream is inferred from."""
    tree = tmp_path_factory.mktemp("infer") / "tree"
    conf = tree.with_name("mine.conf")
    conf.write_text(
        "*.SingleStream.target_latency = 1\n*.SingleStream.min_duration = 500\n"
        "*.SingleStream.min_query_count = 700\nresnet50.*.performance_sample_count_override = 32\n"
    )
    request = replace(plain_request(fixture, tree), division="closed", user_conf=conf)
    service.run(request, lambda _: None)
    return tree


@pytest.fixture
def tree(single: Path, tmp_path: Path) -> Path:
    """A copy to infer in."""
    shutil.copytree(single, tmp_path / "tree")
    return tmp_path / "tree"


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_one_run_makes_a_whole_closed_submission(tree: Path, program: Program) -> None:
    code, out, err = program("infer", tree, "--scenario", "MultiStream,offline")
    assert (code, err) == (0, "")
    assert out.count("inferred from SingleStream") == 2
    report = check(tree, rehearsal=True)
    assert report.valid, [(f.rule, f.message) for f in report.findings if f.counts]
    log = LoadgenLog.read(tree / LOG)
    found = {r.place.scenario: r for r in report.results}
    values = {name: (r.inferred, r.metric.value) for name, r in found.items() if r.metric}
    assert values == {
        "SingleStream": (False, log.first("early_stopping_latency_ss") / 1e6),
        "MultiStream": (True, log.first("early_stopping_latency_ms") * 8 / 1e6),
        "Offline": (True, log.first("result_qps_without_loadgen_overhead")),
    }
    for name in ("MultiStream", "Offline"):
        notes = tree / f"{BASE}/measurements/bench/resnet50/{name}"
        record = json.loads((notes / "edgewatt.json").read_text())
        assert list(documents.violations("run-record", record)) == []
        assert (record["inferred_from"], record["result"]["scenario"]) == ("SingleStream", name)
        assert (notes / f"bench_edgewatt_{name}.json").is_file()
        assert "Inferred from the SingleStream result" in (notes / "README.md").read_text()
        for part in ("results", "compliance"):
            place = tree / f"{BASE}/{part}/bench/resnet50"
            assert files(place / name) == files(place / "SingleStream")
    assert sorted(p.name for p in tree.parent.iterdir()) == ["tree"], "nothing is left beside the tree"


def broken_type(tree: Path) -> None:
    change(tree / DESCRIPTION, system_type="datacenter")


def short(tree: Path) -> None:
    lines = (tree / LOG).read_text().splitlines()
    kept = [x for x in lines if '"early_stopping_latency_ms"' not in x]
    (tree / LOG).write_text("\n".join(kept) + "\n")


def nothing(tree: Path) -> None:
    assert tree.is_dir()


def no_record(tree: Path) -> None:
    (tree / f"{BASE}/measurements/bench/resnet50/SingleStream/edgewatt.json").unlink()


def strange_record(tree: Path) -> None:
    (tree / f"{BASE}/measurements/bench/resnet50/SingleStream/edgewatt.json").write_text("[]")


def no_accuracy(tree: Path) -> None:
    shutil.rmtree(tree / SINGLE / "accuracy")


def no_audit(tree: Path) -> None:
    shutil.rmtree(tree / f"{BASE}/compliance")


def another(tree: Path) -> None:
    shutil.copytree(tree / SINGLE, tree / f"{BASE}/results/other/resnet50/SingleStream")


def garbled(tree: Path) -> None:
    (tree / LOG).write_text(":::MLLOG {broken\n")


@pytest.mark.parametrize(
    ("edit", "options", "wanted"),
    [
        (
            nothing,
            ("--scenario", "Server"),
            "does not permit Server to be inferred; it permits Offline from Sing",
        ),
        (nothing, ("--scenario", "SingleStream"), "exists already"),
        (nothing, ("--scenario", "Offlin"), "did you mean Offline"),
        (nothing, ("--scenario", ","), "is no list of scenarios"),
        (nothing, ("--scenario", "Offline,Offline"), "is no list of scenarios"),
        (
            nothing,
            ("--scenario", "Offline", "--from", "MultiStream"),
            "has no run of MultiStream to infer Offline",
        ),
        (nothing, ("--scenario", "MultiStream", "--from", "Offline"), "MultiStream from Offline"),
        (nothing, ("--scenario", "Offline", "--system", "nobody"), "holds no result that fits"),
        (
            broken_type,
            ("--scenario", "Offline"),
            "of the type datacenter, and round v4.1 infers results of edge",
        ),
        (
            short,
            ("--scenario", "MultiStream"),
            "no early_stopping_latency_ms, from which MultiStream is inferred",
        ),
        (no_record, ("--scenario", "Offline"), "a result is inferred from one that mlharness wrote"),
        (strange_record, ("--scenario", "Offline"), "is no run record of mlharness"),
        (no_accuracy, ("--scenario", "Offline"), "run it with --mode accuracy first"),
        (no_audit, ("--scenario", "Offline"), "run it with --mode compliance first"),
        (
            another,
            ("--scenario", "Offline"),
            "choose one with --division, --submitter, --system and --benchmark",
        ),
        (garbled, ("--scenario", "Offline"), "is not a log of LoadGen"),
    ],
)
def test_what_is_not_permitted_is_one_sentence(
    tree: Path, program: Program, edit: Callable[[Path], None], options: tuple[str, ...], wanted: str
) -> None:
    edit(tree)
    before = files(tree)
    code, out, err = program("infer", tree, *options)
    assert (code, out) == (2, "")
    assert wanted in err
    assert err.count("\n") == 1
    assert files(tree) == before


def test_all_or_nothing(tree: Path, program: Program) -> None:
    before = files(tree)
    code, _, _ = program("infer", tree, "--scenario", "Offline,Server")
    assert code == 2
    assert files(tree) == before


def test_nothing_is_inferred_from_what_is_inferred(tree: Path, program: Program) -> None:
    assert program("infer", tree, "--scenario", "MultiStream")[0] == 0
    code, _, err = program("infer", tree, "--scenario", "Offline", "--from", "MultiStream")
    assert code == 2
    assert "has no run of MultiStream" in err
    assert program("infer", tree, "--scenario", "Offline")[0] == 0


def test_a_scenario_that_the_benchmark_does_not_have(
    tree: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As bert-99 has no MultiStream on edge systems."""
    rows = ROUND.facts["benchmarks"]["resnet"]["scenarios"]["edge"]
    monkeypatch.setitem(rows, "required", ["SingleStream", "Offline"])
    code, _, err = program("infer", tree, "--scenario", "MultiStream")
    assert code == 2
    assert "has no scenario MultiStream for resnet50 on edge systems" in err


def test_pairs_of_the_round_are_those_that_the_checker_knows() -> None:
    assert tuple((p.wanted, p.logged) for p in ROUND.inferred_pairs) == INFERRED_PAIRS
