"""What ``--rehearsal`` forgives and what not: both sides of every reason, one declaration at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.api import check
from checker.rehearsal import DECLARATIONS
from checker.rules import all_rules
from tests.checker.test_rules_power import TOO_FAR, half_power, record
from tests.checker.trees import LOG_HASH, TreeUnderTest, build

SHORT = {"min_duration_ms": {"used": 20000, "wanted": 600000}}
FEW = {"performance_sample_count": {"used": 128, "wanted": 1024}}
SMALL = {"offline_samples": {"used": 1000, "wanted": 24576}}
SET = {"dataset_size": {"used": 128, "wanted": 50000}}
METER = {"meter": {"serial": "EDGEWATT-EMULATED"}}
MADE = {"weights": "random"}
Edit = Callable[[TreeUnderTest], None]


def log(**changes: Any) -> Edit:
    return lambda t: t.set_log(t.run(), **changes)


def in_test01(**changes: Any) -> Edit:
    return lambda t: t.set_log(t.compliance("TEST01") / "performance" / "run_1", **changes)


def verdict(text: str, name: str = "verify_performance.txt", test: str = "TEST04") -> Edit:
    return lambda t: t.sub(t.compliance(test) / name, "TEST PASS", text)


def accuracy(text: str) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        (t.result() / "accuracy" / "accuracy.txt").write_text(text + "hash=" + LOG_HASH)

    return edit


def no_verdict(t: TreeUnderTest) -> None:
    (t.compliance("TEST04") / "verify_performance.txt").unlink()


INVALID = {"result_validity": "INVALID", "result_perf_constraints_met": True}
LOW = "accuracy=50.0%\n"
FORGIVEN: list[tuple[str, dict[str, Any], Edit]] = [
    ("performance/min-duration", {"shortened": SHORT}, log(effective_min_duration_ms=20000)),
    ("performance/sample-count", {"shortened": FEW}, log(effective_performance_sample_count=128)),
    ("performance/early-stopping", {"shortened": SHORT}, log(early_stopping_met=False)),
    ("performance/validity", {"shortened": SHORT}, log(**INVALID, result_min_duration_met=False)),
    ("performance/validity", {"shortened": SHORT}, log(**INVALID, result_min_queries_met=False)),
    ("compliance/perf-run", {"shortened": SHORT}, in_test01(effective_min_duration_ms=20000)),
    ("compliance/perf-run", {"shortened": FEW}, in_test01(effective_performance_sample_count=128)),
    ("compliance/perf-verdict", {"shortened": SHORT}, verdict(TOO_FAR)),
    ("power/ranging-delta", {"shortened": SHORT}, half_power),
    ("power/ranging-delta", {"simulated": METER}, half_power),
    ("accuracy/target", {"synthetic": MADE}, accuracy(LOW)),
]
NOT_FORGIVEN: list[tuple[str, dict[str, Any], Edit]] = [
    ("performance/min-duration", {"shortened": FEW}, log(effective_min_duration_ms=20000)),
    ("performance/min-duration", {"shortened": SHORT}, log(effective_min_duration_ms=None)),
    ("performance/sample-count", {"shortened": SHORT}, log(effective_performance_sample_count=128)),
    ("performance/sample-count", {"shortened": SET}, log(effective_performance_sample_count=128)),
    ("performance/early-stopping", {"shortened": FEW}, log(early_stopping_met=False)),
    ("performance/validity", {"shortened": FEW}, log(**INVALID, result_min_duration_met=False)),
    ("performance/validity", {"shortened": SHORT}, log(result_validity="INVALID", early_stopping_met=True)),
    ("performance/validity", {"shortened": SHORT},
     log(result_validity="INVALID", result_min_duration_met=False, result_perf_constraints_met=False)),
    ("performance/seeds", {"shortened": SHORT}, log(effective_qsl_rng_seed=1)),
    ("performance/test-mode", {"shortened": SHORT}, log(effective_test_mode="AccuracyOnly")),
    ("compliance/perf-run", {"shortened": SHORT}, in_test01(effective_qsl_rng_seed=1)),
    ("compliance/perf-run", {"synthetic": MADE}, in_test01(effective_min_duration_ms=20000)),
    ("compliance/perf-verdict", {"shortened": FEW}, verdict(TOO_FAR)),
    ("compliance/perf-verdict", {"shortened": SHORT}, verdict("TEST FAIL")),
    ("compliance/perf-verdict", {"shortened": SHORT}, verdict("no result")),
    ("compliance/perf-verdict", {"shortened": SHORT}, no_verdict),
    ("compliance/test01-accuracy", {"shortened": SHORT, "synthetic": MADE},
     verdict("TEST FAIL", "verify_accuracy.txt", "TEST01")),
    ("power/ranging-delta", {"synthetic": MADE}, half_power),
    ("power/ranging-delta", {"shortened": FEW}, half_power),
    ("accuracy/target", {"shortened": SHORT}, accuracy(LOW)),
    ("accuracy/target", {"synthetic": {"planted_accuracy": {"good": 1, "total": 2}}}, accuracy(LOW)),
    ("accuracy/target", {"synthetic": MADE}, accuracy("nothing\n")),
]  # fmt: skip


def judged(tmp_path: Path, parts: dict[str, Any], edit: Edit, rule: str) -> set[bool]:
    """Whether the findings of a rule are forgiven."""
    tree = build(tmp_path)
    record(tree, **parts)
    edit(tree)
    tree.sign()
    report = check(tree.root, rehearsal=True)
    assert report.valid == (not any(f.counts for f in report.findings))
    return {f.forgiven for f in report.findings if f.rule == rule}


@pytest.mark.parametrize(("rule", "parts", "edit"), FORGIVEN)
def test_what_is_declared_is_forgiven(rule: str, parts: dict[str, Any], edit: Edit, tmp_path: Path) -> None:
    assert judged(tmp_path, parts, edit, rule) == {True}


@pytest.mark.parametrize(("rule", "parts", "edit"), NOT_FORGIVEN)
def test_what_is_not_declared_is_not(rule: str, parts: dict[str, Any], edit: Edit, tmp_path: Path) -> None:
    assert judged(tmp_path, parts, edit, rule) == {False}


def place(scenario: str, **other: str) -> dict[str, str]:
    own = {"division": "closed", "submitter": "Bench", "system": "board", "benchmark": "resnet50"}
    return {**own, "scenario": scenario, **other}


@pytest.mark.parametrize(("parts", "forgiven"), [(SMALL, True), (SHORT, False)])
def test_a_small_offline_query(parts: dict[str, Any], forgiven: bool, tmp_path: Path) -> None:
    tree = build(tmp_path)
    record(tree, "offline", shortened=parts, result=place("Offline"))
    tree.set_log(tree.run("offline"), effective_samples_per_query=1000)
    found = [f for f in check(tree.root, rehearsal=True).findings if f.rule == "performance/offline-samples"]
    assert [f.forgiven for f in found] == [forgiven]


@pytest.mark.parametrize(
    ("parts", "held", "forgiven"),
    [(SET, 100, True), (SHORT, 100, False), (SET, 110, False), (SET, None, False)],
)
def test_sample_outputs_beyond_the_end_of_a_small_set(
    parts: dict[str, Any], held: int | None, forgiven: bool, tmp_path: Path
) -> None:
    """v4.1 wants picture 109 and nine with higher numbers: a set of 100 samples has none, one of 110 has the first."""
    tree = build(
        tmp_path, benchmark="stable-diffusion-xl", scenarios=("singlestream", "offline"), power=False
    )
    record(tree, "offline", shortened=parts, result=place("Offline", benchmark="stable-diffusion-xl"))
    accuracy = tree.result("offline") / "accuracy"
    shutil.rmtree(accuracy / "images")
    tree.set_log(accuracy, qsl_reported_total_count=held)
    report = check(tree.root, rehearsal=True)
    found = [f for f in report.findings if f.rule == "structure/extra-accuracy-files"]
    assert [f.forgiven for f in found] == [forgiven]


@pytest.mark.parametrize(
    "parts",
    [
        {"result": place("Offline")},
        {"result": place("SingleStream", system="other")},
        {"round": "v5.0"},
        {"schema": "edgewatt/run/2"},
        {"unknown": 1},
    ],
)
def test_a_record_that_is_not_of_this_result_excuses_nothing(parts: dict[str, Any], tmp_path: Path) -> None:
    tree = build(tmp_path)
    record(tree, shortened=SHORT, **parts)
    tree.set_log(tree.run(), effective_min_duration_ms=20000)
    tree.sign()
    report = check(tree.root, rehearsal=True)
    assert not any(f.forgiven for f in report.findings)
    assert {"rehearsal/record", "performance/min-duration"} <= {f.rule for f in report.findings}


def test_a_record_excuses_its_own_result_only(tmp_path: Path) -> None:
    tree = build(tmp_path)
    record(tree, shortened=SHORT)
    tree.set_log(tree.run("offline"), effective_min_duration_ms=20000)
    found = [f for f in check(tree.root, rehearsal=True).findings if f.rule == "performance/min-duration"]
    assert [(f.place.scenario, f.forgiven) for f in found] == [("offline", False)]


def test_only_these_rules_can_be_forgiven() -> None:
    assert {r.id for r in all_rules().values() if r.forgiven_by} == {
        "performance/min-duration", "performance/offline-samples", "performance/sample-count",
        "performance/early-stopping", "performance/validity", "compliance/perf-verdict", "power/ranging-delta",
        "accuracy/target", "accuracy/upper-limit", "accuracy/dataset-size", "performance/endpoint-duration",
        "structure/extra-accuracy-files",
        "rehearsal/shortened", "rehearsal/synthetic", "rehearsal/simulated", "quality/compliance-tolerance",
    }  # fmt: skip
    assert {reason for r in all_rules().values() for reason in r.forgiven_by} <= set(DECLARATIONS)
