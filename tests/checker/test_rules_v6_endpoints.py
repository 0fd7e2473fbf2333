"""One edit, one finding: results of a served endpoint, from v6.0 on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from checker.model import Effect
from tests.checker.edits_v6 import (
    DATACENTER,
    OSS,
    QWEN,
    WARNED,
    EditV6,
    check_case,
    named,
    remove,
    report,
    write,
)
from tests.checker.one_edit import Case
from tests.checker.trees_v6 import summary

ENDPOINT = (*OSS, ("endpoint", True))


QWEN_ENDPOINT = (*QWEN, ("endpoint", True))


WAN_ENDPOINT = (*DATACENTER, ("benchmark", "wan-2.2-t2v-a14b"), ("endpoint", True))


def setting(old: str, new: str) -> EditV6:
    return named(lambda t: t.sub(t.result("offline") / "config.yaml", old, new), f"settings-{new[:20]}")


def reported(**changes: Any) -> EditV6:
    text = json.dumps({k: v for k, v in (summary() | changes).items() if v is not None})
    return write("performance/result_summary.json", text, about="-".join(changes))


def scores(*rows: dict[str, Any]) -> EditV6:
    return write(
        "accuracy/accuracy_results.json", json.dumps({"accuracy_scores": list(rows)}), about=str(rows)[:60]
    )


AUDIT = "audit/audit_accuracy_in_performance_full_test.json"


ENDPOINT_CASES = [
    Case("performance/endpoint-benchmark", named(lambda t: None, "llama2"),
         build=(*DATACENTER, ("benchmark", "llama2-70b-99.9"), ("endpoint", True))),
    Case("performance/endpoint-config", setting("type: offline", "name2: x"), Effect.LOADING, build=ENDPOINT),
    Case("performance/endpoint-config", remove("config.yaml"), Effect.LOADING, build=ENDPOINT),
    Case("performance/endpoint-config", setting("type: offline", "type: server"), build=ENDPOINT),
    Case("structure/readable", setting("type: offline", "type: *x"), Effect.LOADING, build=ENDPOINT),
    Case("performance/endpoint-seeds", setting("random_seed: 2", "random_seed: 1"), build=ENDPOINT),
    Case("performance/endpoint-duration", setting("600000", "60000"), build=ENDPOINT),
    Case("performance/endpoint-metric", reported(tps=None), build=ENDPOINT),
    Case("performance/endpoint-metric", reported(tps=0), build=ENDPOINT),
    Case("performance/endpoint-metric", write("performance/result_summary.json", "{"), build=ENDPOINT,
         also=("compliance/endpoint-audit",)),
    Case("performance/endpoint-metric", named(lambda t: None, "v6_0"), build=(*QWEN_ENDPOINT, ("round_name", "v6.0"))),
    Case("performance/endpoint-metric", reported(tps=10**400), also=("structure/strict-json",), build=ENDPOINT),
    Case("performance/endpoint-metric", reported(tps=math.nan), also=("structure/strict-json",), build=ENDPOINT),
    Case("performance/endpoint-metric", reported(tps="fast"), build=ENDPOINT),
    Case("accuracy/endpoint-score", scores({"score": 10**400, "total_samples": 48_289}),
         also=("structure/strict-json",), build=QWEN_ENDPOINT),
    Case("performance/endpoint-failures", reported(n_samples_failed=3), Effect.NONE, build=ENDPOINT),
    Case("performance/endpoint-failures", reported(result={"failed": 3}), Effect.NONE, build=ENDPOINT),
    Case("accuracy/endpoint-score", scores({"total_samples": 4395}), build=ENDPOINT),
    Case("accuracy/endpoint-score", scores({"score": 0.7, "total_samples": 48_289}), build=QWEN_ENDPOINT),
    Case("accuracy/dataset-size", scores({"score": 83, "response_counts": {"issued": 4394}}), build=ENDPOINT),
    Case("accuracy/dataset-size",
         scores({"score": 83, "total_samples": 4395}, {"score": 1, "total_samples": 5}), build=ENDPOINT),
    Case("compliance/endpoint-audit", write(AUDIT, '{"test": "output_caching_test", "passed": true}'), build=ENDPOINT),
    Case("compliance/endpoint-audit", write(AUDIT, "{"), build=ENDPOINT),
    Case("compliance/endpoint-audit", remove(AUDIT), build=ENDPOINT, **WARNED),
    Case("compliance/endpoint-audit", remove("audit"), build=WAN_ENDPOINT),
    Case("compliance/endpoint-audit", reported(output_sequence_lengths={"avg": 1150.37}), build=ENDPOINT),
    Case("compliance/endpoint-audit", reported(output_sequence_lengths={"avg": 1406.03}), build=ENDPOINT),
    Case("measurements/files", remove("README.md"), build=ENDPOINT),
    Case("structure/extra-accuracy-files", remove("accuracy/videos"), build=WAN_ENDPOINT),
]  # fmt: skip


CASES = ENDPOINT_CASES


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: Case, tmp_path: Path) -> None:
    check_case(tmp_path, case)


def test_the_rate_of_an_endpoint_may_be_computed(tmp_path: Path) -> None:
    case = Case("", reported(qps=None), build=QWEN_ENDPOINT)
    found = next(r.metric for r in report(tmp_path, case).results if r.scenario == "Offline")
    assert found is not None
    assert found.value == 9000 / 720
