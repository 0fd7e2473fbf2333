"""One edit, one finding: performance, accuracy and compliance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker import schema_rules
from checker.model import Effect, Severity
from checker.tree import Submission
from checker.walk import Tree
from tests.checker.one_edit import Case, expect, report
from tests.checker.trees import LOG_HASH, Edit, TreeUnderTest, build, log_values, write_log


def log(scenario: str, **changes: Any) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        t.set_log(t.run(scenario), **changes)

    edit.__name__ = f"{scenario}-{'-'.join(changes)}"
    return edit


def error_entry(t: TreeUnderTest) -> None:
    write_log(t.run("offline"), log_values("Offline"), error="queries were lost")


def server(t: TreeUnderTest, **changes: Any) -> None:
    for name in ("server", "offline"):
        t.set_log(t.run(name), **changes if name == "server" else {})


def slow_server(t: TreeUnderTest) -> None:
    server(t, effective_target_latency_ns=20_000_000)


DATACENTER = (
    ("system_type", "datacenter"),
    ("scenarios", ("server", "offline")),
    ("power", False),
)
LLM = (*DATACENTER, ("benchmark", "llama2-70b-99"))


def llm(t: TreeUnderTest, **changes: Any) -> None:
    rouge = "{'rouge1': 44.4, 'rouge2': 22.0, 'rougeL': 28.6, 'tokens_per_sample': 294.0}\n"
    for name in ("server", "offline"):
        (t.result(name) / "accuracy" / "accuracy.txt").write_text(rouge + "hash=" + LOG_HASH + "\n")
        values: dict[str, Any] = {
            "requested_use_token_latencies": True,
            "result_completed_tokens_per_second": 100.5,
            "result_tokens_per_second": 120.5,
            "result_first_token_99__00_percentile_latency_ns": 1_900_000_000,
            "result_time_per_output_token_99__00_percentile_ns": 190_000_000,
        }
        t.set_log(t.run(name), **values | (changes if name == "server" else {}))


def slow_first_token(t: TreeUnderTest) -> None:
    llm(t, result_first_token_99__00_percentile_latency_ns=2_000_000_000)


def no_token_latencies(t: TreeUnderTest) -> None:
    llm(t, requested_use_token_latencies=False)


def llm_invalid(t: TreeUnderTest) -> None:
    llm(t, result_validity="INVALID")


def llm_test06(t: TreeUnderTest) -> None:
    llm(t)
    t.sub(
        t.compliance("TEST06", "server") / "verify_accuracy.txt",
        "EOS check pass: True",
        "EOS check pass: False",
    )


def llm_too_long(t: TreeUnderTest) -> None:
    llm(t)
    path = t.result("server") / "accuracy" / "accuracy.txt"
    t.sub(path, "'tokens_per_sample': 294.0", "'tokens_per_sample': 400.0")


def multistream_holds_offline(t: TreeUnderTest) -> None:
    write_log(t.run("multistream"), log_values("Offline"))


PERFORMANCE_CASES = [
    Case("performance/validity", log("offline", result_validity="INVALID")),
    Case("performance/validity", llm_invalid, Effect.NONE, build=LLM),
    Case("performance/loadgen-errors", error_entry),
    Case("performance/sample-count", log("offline", effective_performance_sample_count=1023)),
    Case("performance/seeds", log("offline", effective_qsl_rng_seed=12345)),
    Case("performance/seeds", log("offline", effective_schedule_rng_seed=14962580496156340208)),
    Case("performance/early-stopping", log("multistream", early_stopping_met=False), Effect.LOG),
    Case("performance/early-stopping", log("multistream", early_stopping_met=None), Effect.LOG),
    Case("performance/server-latency", slow_server, build=DATACENTER),
    Case("performance/min-queries", log("offline", effective_min_query_count=0)),
    Case("performance/offline-samples", log("offline", effective_samples_per_query=24575)),
    Case("performance/min-duration", log("offline", effective_min_duration_ms=599_999)),
    Case("performance/min-duration", log("offline", effective_min_duration_ms=None)),
    Case("performance/llm", slow_first_token, build=LLM),
    Case("performance/llm", no_token_latencies, build=LLM),
    Case("performance/test-mode", log("offline", effective_test_mode="AccuracyOnly"), Effect.NONE),
    Case("performance/inferred-pair", multistream_holds_offline, Effect.NONE),
    Case("performance/metric", log("offline", result_samples_per_second=None)),
    Case("performance/metric", log("offline", result_samples_per_second=0)),
    Case("performance/metric", log("offline", result_samples_per_second=float("nan")), Effect.NONE),
    Case("performance/metric", log("offline", effective_scenario=None)),
]


def accuracy(text: str, name: str) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        (t.result("offline") / "accuracy" / "accuracy.txt").write_text(text)

    edit.__name__ = name
    return edit


def accuracy_error(t: TreeUnderTest) -> None:
    write_log(t.result("offline") / "accuracy", {"effective_test_mode": "AccuracyOnly"}, error="bad")


def long_log(t: TreeUnderTest) -> None:
    t.long_accuracy_log()


HASH = "hash=" + LOG_HASH + "\n"
ACCURACY_CASES = [
    Case("accuracy/target", accuracy("accuracy=75.69%\n" + HASH, "below")),
    Case("accuracy/target", accuracy(HASH, "no_line")),
    Case("accuracy/target", accuracy("accuracy=70%\naccuracy=76%\n" + HASH, "a_bad_line_counts_for_good")),
    Case("accuracy/number", accuracy("accuracy=0.76.9%\naccuracy=76%\n" + HASH, "two_points"), Effect.CRASH),
    Case("accuracy/hash", accuracy("accuracy=76%\n", "no_hash")),
    Case("accuracy/hash", accuracy("accuracy=76%\n" + HASH.strip() + " \n", "trailing_blank")),
    Case("accuracy/log-truncated", long_log),
    Case("accuracy/loadgen-errors", accuracy_error),
    Case("accuracy/upper-limit", llm_too_long, build=LLM),
]


def remove(test: str, name: str = "") -> Edit:
    import shutil

    def edit(t: TreeUnderTest) -> None:
        path = t.compliance(test, "offline") / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    edit.__name__ = f"without-{test}-{name.rpartition('/')[2]}"
    return edit


def fail(test: str, name: str) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        t.sub(t.compliance(test, "offline") / name, "TEST PASS", "TEST FAIL")

    edit.__name__ = f"fail-{test}-{name}"
    return edit


def compliance_log(test: str, **changes: Any) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        t.set_log(t.compliance(test, "offline") / "performance" / "run_1", **changes)

    edit.__name__ = f"{test}-{'-'.join(changes)}"
    return edit


def not_bitwise(baseline: float, compliance: float) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        fail("TEST01", "verify_accuracy.txt")(t)
        folder = t.compliance("TEST01", "offline") / "accuracy"
        (folder / "baseline_accuracy.txt").write_text(f"accuracy={baseline}%\n")
        (folder / "compliance_accuracy.txt").write_text(f"accuracy={compliance}%\n")

    edit.__name__ = f"accuracy-{baseline}-{compliance}"
    return edit


RUN = "performance/run_1/"
COMPLIANCE_CASES = [
    Case("compliance/dir", remove("")),
    Case("compliance/test-dir", remove("TEST04")),
    Case("compliance/perf-run", compliance_log("TEST01", effective_min_duration_ms=60_000)),
    Case("compliance/perf-run", compliance_log("TEST05", effective_qsl_rng_seed=3066443479025735752)),
    Case("compliance/perf-run", compliance_log("TEST01", effective_min_duration_ms=None), Effect.CRASH),
    Case("compliance/perf-run", compliance_log("TEST04", effective_min_duration_ms=None), Effect.NONE),
    Case(
        "compliance/perf-run",
        remove("TEST05", RUN + "mlperf_log_detail.txt"),
        Effect.NONE,
        also=("compliance/perf-files",),
    ),
    Case("compliance/perf-verdict", fail("TEST04", "verify_performance.txt")),
    Case("compliance/perf-verdict", remove("TEST05", "verify_performance.txt")),
    Case("compliance/perf-files", remove("TEST05", RUN + "mlperf_log_summary.txt")),
    Case("compliance/test01-accuracy", fail("TEST01", "verify_accuracy.txt")),
    Case("compliance/test01-accuracy", not_bitwise(76.0, 74.0)),
    Case("compliance/test01-accuracy", remove("TEST01", "accuracy/accuracy.txt")),
    Case("compliance/test06", llm_test06, build=LLM),
]
CASES = [*PERFORMANCE_CASES, *ACCURACY_CASES, *COMPLIANCE_CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: Case, tmp_path: Path) -> None:
    expect(tmp_path, case)


def test_close_accuracies_pass_test01(tmp_path: Path) -> None:
    assert report(tmp_path, Case("", not_bitwise(76.0, 75.5))).valid


def test_a_bad_line_after_hash_and_target_is_not_judged(tmp_path: Path) -> None:
    assert report(tmp_path, Case("", accuracy("accuracy=76%\n" + HASH + "accuracy=1%\n", "after"))).valid


def test_open_division_may_be_less_accurate(tmp_path: Path) -> None:
    case = Case("", accuracy("accuracy=10%\n", "open"), build=(("division", "open"), ("power", False)))
    found = report(tmp_path, case)
    assert found.valid
    assert found.reference_valid
    assert {f.severity for f in found.findings} == {Severity.NOTE, Severity.WARNING}


def infer(scenario: str) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        write_log(t.run(scenario), log_values("SingleStream"))

    return edit


@pytest.mark.parametrize(("scenario", "value"), [("offline", 81.25), ("multistream", 99.0 * 8)])
def test_inferred_results(scenario: str, value: float, tmp_path: Path) -> None:
    found = report(tmp_path, Case("", infer(scenario)))
    own = next(r for r in found.results if r.place.scenario == scenario)
    assert own.inferred
    assert own.metric is not None
    assert own.metric.value == pytest.approx(value, rel=1e-12)
    assert found.reference_valid


def test_offline_from_multistream(tmp_path: Path) -> None:
    def edit(t: TreeUnderTest) -> None:
        write_log(t.run("offline"), log_values("MultiStream"))

    found = report(tmp_path, Case("", edit))
    own = next(r for r in found.results if r.place.scenario == "offline")
    assert own.metric is not None
    assert own.metric.value == pytest.approx(8 * 1000 / 98.0, rel=1e-12)


def test_seeds_keep_all_their_digits(tmp_path: Path) -> None:
    found = expect(
        tmp_path,
        Case("performance/seeds", log("offline", effective_sample_index_rng_seed=10688027786191513375)),
    )
    assert found[0].found == "10688027786191513375"
    assert "10688027786191513374" in found[0].wanted


def test_submitter_named_like_a_test(tmp_path: Path) -> None:
    """The official checker looks for TEST05 anywhere in the path."""
    from checker.api import check
    from tests.checker.trees import SYSTEM, build

    tree = build(tmp_path, power=False)
    for part in ("results", "measurements", "compliance"):
        (tree.base / part / SYSTEM).rename(tree.base / part / "TEST05box")
    (tree.base / "systems" / f"{SYSTEM}.json").rename(tree.base / "systems" / "TEST05box.json")
    for folder in (tree.base / "measurements" / "TEST05box" / "resnet50").iterdir():
        for file in folder.glob("*.json"):
            file.rename(folder / file.name.replace(SYSTEM, "TEST05box"))
    found = check(tree.root, round_name="v4.1")
    assert not found.reference_valid
    own = [f for f in found.findings if f.rule == "performance/seeds"]
    assert {f.severity for f in own} == {Severity.WARNING}


def test_a_log_that_fits_is_remembered_by_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one that says the same to the letter fits; one that differs in a letter is judged for itself."""
    monkeypatch.setattr(schema_rules, "_schemas", {})
    tree = build(tmp_path)
    folder = tree.run("offline")

    def told() -> tuple[list[str], int]:
        submission = Submission(Tree(tree.root), tree.round)
        run = next(r for r in submission.results if r.scenario == "Offline").run
        found = [p.found for p in schema_rules.of_run(run, "performance/min-duration")]
        return found, len(schema_rules._held(run).fit)

    assert told() == told() == ([], 1)
    tree.set_log(folder, effective_min_duration_ms=600_001, x="x" * 2000)
    assert told() == ([], 2)
    tree.set_log(folder, effective_min_duration_ms=1)
    assert told() == (["1"], 2)
    tree.set_log(folder, effective_min_duration_ms=float("1" + "0" * 300))
    assert told() == ([], 3)
    write_log(folder, log_values("Offline"), error="queries were lost")
    assert told() == ([], 3)
