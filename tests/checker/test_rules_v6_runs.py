"""One edit, one finding: performance, accuracy, compliance and power from v6.0 on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.model import Effect, Severity
from tests.checker.edits_v6 import (
    DATACENTER,
    HASH,
    LLAMA,
    NETWORK,
    OPEN,
    OSS,
    POWER,
    QWEN,
    EditV6,
    check_case,
    extra,
    log,
    named,
    remove,
    report,
    write,
)
from tests.checker.one_edit import Case
from tests.checker.trees import write_log
from tests.checker.trees_v6 import TreeV6, log_values

TTFT = "result_first_token_99__00_percentile_latency_ns"


def logged_as_interactive(t: TreeV6) -> None:
    t.set_log(
        t.run("interactive"),
        effective_scenario="Interactive",
        **{"result_99__00_percentile_latency_ns": 1_500_000_001},
    )


def offline_in_multistream(t: TreeV6) -> None:
    write_log(t.run("multistream"), log_values(t, "Offline"))


def stream_in_datacenter(t: TreeV6) -> None:
    write_log(t.run("offline"), log_values(t, "SingleStream"))


def offline_of_another(t: TreeV6) -> None:
    values = log_values(t, "SingleStream") | {
        "effective_scenario": "Offline",
        "effective_samples_per_query": 99999,
    }
    write_log(t.run("offline"), values)


PERFORMANCE_CASES = [
    Case("performance/validity", log(result_validity="INVALID"), Effect.NONE),
    Case("performance/loadgen-errors",
         named(lambda t: write_log(t.run("offline"), log_values(t, "Offline"), error="lost"), "error"), Effect.NONE),
    Case("performance/sample-count", log(effective_performance_sample_count=1023)),
    Case("performance/seeds", log(effective_schedule_rng_seed=16159082839903944937)),
    Case("performance/early-stopping", log("multistream", early_stopping_met=False)),
    Case("performance/early-stopping", log("multistream", early_stopping_met=None)),
    Case("performance/offline-samples", log(effective_samples_per_query=24575)),
    Case("performance/offline-samples", log(effective_samples_per_query=24575), Effect.NONE, build=NETWORK),
    Case("performance/offline-samples", log(effective_samples_per_query=24575), Effect.LOG, Severity.NOTE, build=OPEN),
    Case("performance/min-duration", log(effective_min_duration_ms=599_999)),
    Case("performance/min-queries", offline_of_another,
         build=(*OPEN, ("benchmark", "qwen3.6-27b"), ("scenarios", ("singlestream", "offline")))),
    Case("performance/server-latency", log("server", effective_target_latency_ns=12_000_000_001), build=QWEN),
    Case("performance/server-latency", log("interactive", effective_target_latency_ns=1_500_000_001), build=QWEN),
    Case("performance/p99-latency", logged_as_interactive, build=QWEN),
    Case("performance/llm", log("server", requested_use_token_latencies=False), build=LLAMA),
    Case("performance/llm", log("server", **{TTFT: 2_000_000_000}), build=LLAMA),
    Case("performance/llm", log("interactive", **{TTFT: 2_000_000_000}), build=LLAMA),
    Case("performance/llm", log("interactive", **{TTFT: 500_000_000}), Effect.NONE, build=LLAMA),
    Case("performance/inferred-pair", offline_in_multistream),
    Case("performance/inferred-pair", stream_in_datacenter,
         build=(*DATACENTER, ("benchmark", "3d-unet-99"))),
    Case("performance/metric", log(result_samples_per_second=None)),
]  # fmt: skip


ACCURACY_CASES = [
    Case("accuracy/target", write("accuracy/accuracy.txt", "accuracy=70.0%\n" + HASH, about="below")),
    Case("accuracy/number", write("accuracy/accuracy.txt", "accuracy=7.6.9%\naccuracy: 76%\n" + HASH)),
    Case("accuracy/dataset-size", log(folder="accuracy", qsl_reported_total_count=49_999)),
    Case("accuracy/dataset-size", log(folder="accuracy", effective_accuracy_sample_count=500), build=OPEN),
    Case(
        "accuracy/log-truncated",
        named(lambda t: t.long_accuracy_log(), "long"),
        build=OPEN,
    ),
    Case(
        "accuracy/log-truncated",
        remove("accuracy/mlperf_log_accuracy.json"),
        also=("structure/acc-file-list",),
    ),
    Case(
        "accuracy/loadgen-errors",
        named(
            lambda t: write_log(
                t.result("offline") / "accuracy", {"qsl_reported_total_count": 50_000}, error="x"
            ),
            "accuracy-error",
        ),
        build=OPEN,
    ),
]


LOG01 = "TEST01/performance/run_1/mlperf_log_detail.txt"


FAILED06 = "First token check pass: True\nEOS check pass: False\nSample length check pass: True\n"


DLRM = (*DATACENTER, ("benchmark", "dlrm-v3"))


COMPLIANCE_CASES = [
    Case("compliance/test-dir", remove("TEST04")),
    Case("compliance/test-dir", remove("TEST09"), build=OSS),
    Case("compliance/perf-run", log(folder="TEST04/performance/run_1", effective_min_duration_ms=None)),
    Case("compliance/perf-run", write(LOG01, ":::MLLOG {\n"), Effect.LOADING),
    Case("compliance/perf-run", remove(LOG01), also=("compliance/perf-files",)),
    Case("compliance/perf-verdict", write("TEST04/verify_performance.txt", "TEST FAIL\n")),
    Case("compliance/test01-accuracy", write("TEST01/verify_accuracy.txt", "so: TEST PASS\n")),
    Case("compliance/test01-accuracy", extra("TEST01/accuracy/notes.txt"), Effect.NONE),
    Case("compliance/test06", write("TEST06/verify_accuracy.txt", FAILED06, about="no-end"), build=LLAMA),
    Case("compliance/test06", remove("TEST06/verify_accuracy.txt", "server"), build=LLAMA),
    Case("compliance/test07", write("TEST07/verify_accuracy.txt", "TEST FAIL\n"), build=OSS),
    Case("compliance/test07", remove("TEST07/verify_accuracy.txt"), build=OSS),
    Case("compliance/test08", write("TEST08/verify_accuracy.txt", "so: TEST PASS\n"), build=DLRM),
    Case("compliance/test09", write("TEST09/verify_output_len.txt", "mean 900\nTEST FAIL\n"), build=OSS),
    Case("compliance/test09", remove("TEST09/verify_output_len.txt"), build=OSS),
]


def server_json(change: Callable[[dict[str, Any]], None], name: str) -> EditV6:
    def edit(t: TreeV6) -> None:
        path = t.power() / "server.json"
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))

    return named(edit, name)


POWER_CASES = [
    Case("power/ptd-config", server_json(lambda d: d.update(ptd_config=d["ptd_config"][0]), "object"), build=POWER),
Case("power/ptd-commands", server_json(lambda d: d["ptd_messages"].pop(-2), "three-ranges"), Effect.RESULT,
         Severity.WARNING, build=POWER),
]  # fmt: skip


CASES = [*PERFORMANCE_CASES, *ACCURACY_CASES, *COMPLIANCE_CASES, *POWER_CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: Case, tmp_path: Path) -> None:
    check_case(tmp_path, case)


def test_short_runs_of_some_benchmarks(tmp_path: Path) -> None:
    case = Case("", log(effective_min_duration_ms=1000), build=(*DATACENTER, ("benchmark", "e2e-rag-qna")))
    assert report(tmp_path, case).findings == ()


def test_seconds_for_films(tmp_path: Path) -> None:
    case = Case("", log(), build=(*DATACENTER, ("benchmark", "wan-2.2-t2v-a14b")))
    metric = next(r.metric for r in report(tmp_path, case).results if r.scenario == "SingleStream")
    assert metric is not None
    assert (metric.value, metric.unit) == (0.0125, "Latency (s)")


def test_entries_of_the_second_marker_count(tmp_path: Path) -> None:
    def edit(t: TreeV6) -> None:
        path = t.run("offline") / "mlperf_log_detail.txt"
        path.write_text(path.read_text().replace(":::MLLOG", ":::ENDPTS"))

    assert report(tmp_path, Case("", edit)).findings == ()


def test_a_declared_rehearsal_with_part_of_the_data(tmp_path: Path) -> None:
    """The run record stands in the scenario directory and excuses what it declares, no more."""

    def edit(t: TreeV6) -> None:
        t.set_log(t.result("offline") / "accuracy", qsl_reported_total_count=500)
        (t.result("offline") / "edgewatt.json").write_text(json.dumps({"schema": "something"}))

    found = report(tmp_path, Case("", edit, check=()))
    assert {f.rule for f in found.findings} == {"accuracy/dataset-size", "rehearsal/record"}
