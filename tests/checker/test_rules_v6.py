"""One edit, one finding: what is new or different from v6.0 on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.api import check
from checker.model import Effect, Report, Severity
from tests.checker.one_edit import Case, hold
from tests.checker.trees import SYSTEM, write_log
from tests.checker.trees_v6 import TreeV6, build, log_values, summary

EditV6 = Callable[[TreeV6], None]


def report(tmp_path: Path, case: Case) -> Report:
    tree = build(tmp_path / "tree", **dict(case.build))
    case.edit(tree)
    if case.sign and tree.power().is_dir():
        tree.sign()
    return check(tree.root, round_name=tree.round.name)


def named(edit: EditV6, name: str) -> EditV6:
    edit.__name__ = name
    return edit


def remove(name: str, scenario: str = "offline") -> EditV6:
    """Without a file or a directory; no directory is left empty."""

    def edit(t: TreeV6) -> None:
        path = t.result(scenario) / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not any(path.parent.iterdir()):
            (path.parent / "notes.md").write_text("nothing else\n")

    return named(edit, f"without-{name}")


def write(name: str, text: str, scenario: str = "offline", about: str = "") -> EditV6:
    def edit(t: TreeV6) -> None:
        path = t.result(scenario) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return named(edit, f"{name}-{about or text[:20]!r}")


def log(scenario: str = "offline", folder: str = "performance/run_1", **changes: Any) -> EditV6:
    return named(
        lambda t: t.set_log(t.result(scenario) / folder, **changes), f"{scenario}-{'-'.join(changes)}"
    )


def system(**changes: Any) -> EditV6:
    return named(lambda t: t.system_json(**changes), f"system-{'-'.join(changes)}")


def no_results(t: TreeV6) -> None:
    (t.root / "closed" / "Other").mkdir()
    (t.root / "closed" / "Other" / "README.md").write_text("nothing yet\n")


def no_description(t: TreeV6) -> None:
    (t.base / "systems" / f"{SYSTEM}.json").rename(t.base / "systems" / "other.json")


def own_benchmark(t: TreeV6) -> None:
    t.result().parent.rename(t.result().parent.with_name("tiny"))
    (t.base / "src" / "resnet50").rename(t.base / "src" / "tiny")


def hollow_benchmark(t: TreeV6) -> None:
    folder = t.result().parent.with_name("whisper")
    folder.mkdir()
    (folder / "notes.md").write_text("to come\n")


def shouted(t: TreeV6) -> None:
    t.result("multistream").rename(t.result("MULTISTREAM"))


def burst(t: TreeV6) -> None:
    shutil.copytree(t.result("offline"), t.result("burst"))


def foreign_line(t: TreeV6) -> None:
    path = t.run("offline") / "mlperf_log_detail.txt"
    path.write_text("warming up\n" + path.read_text())


def in_root(t: TreeV6) -> None:
    (t.root / "summary.csv").write_text("\n")


def named_file(name: str) -> EditV6:
    def edit(t: TreeV6) -> None:
        path = t.base / "src" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x\n")

    return named(edit, f"file-{name}")


def no_source(t: TreeV6) -> None:
    shutil.rmtree(t.base / "src")


def source_of_another(t: TreeV6) -> None:
    (t.base / "src" / t.benchmark).rename(t.base / "src" / "bert")


def hollow_directory(t: TreeV6) -> None:
    (t.base / "src" / "later").mkdir()


def division_file(t: TreeV6) -> None:
    (t.root / t.division / "notes.txt").write_text("x\n")


def link_to_nowhere(t: TreeV6) -> None:
    (t.base / "src" / "link").symlink_to("nowhere")


def no_calibration(t: TreeV6) -> None:
    (t.base / "documentation" / "calibration.md").rename(t.base / "documentation" / "calibration.adoc")


def leftover(t: TreeV6) -> None:
    (t.base / "systems" / "old.json").write_text("{}")


def no_power_docs(t: TreeV6) -> None:
    (t.base / "results" / "analyzer_table.md").unlink()


def extra(name: str, scenario: str = "offline") -> EditV6:
    return write(name, "x\n", scenario, about="too-much")


DATACENTER = (("system_type", "datacenter"),)
LLAMA = (*DATACENTER, ("benchmark", "llama3.1-8b"))
OSS = (*DATACENTER, ("benchmark", "gpt-oss-120b"))
QWEN = (*DATACENTER, ("benchmark", "qwen3-vl-235b-a22b"))
OPEN, NETWORK, POWER = (("division", "open"),), (("division", "network"),), (("power", True),)
WARNED = {"effect": Effect.NONE, "severity": Severity.WARNING}

STRUCTURE_CASES = [
    Case("structure/results-present", no_results, Effect.LOADING, Severity.WARNING),
    Case("structure/system-json", no_description, Effect.LOADING, also=("structure/systems-have-results",)),
    Case("structure/benchmark-known", own_benchmark, Effect.LOADING),
    Case("structure/required-scenarios", remove("", "multistream"), Effect.BENCHMARK),
    Case("structure/required-scenarios", hollow_benchmark, Effect.NONE),
    Case("structure/server-or-interactive", named(lambda t: None, "offline-alone"), Effect.BENCHMARK,
         build=(*LLAMA, ("scenarios", ("offline",)))),
    Case("structure/scenario-dir-known", shouted, Effect.LISTING),
    Case("structure/scenario-dir-known", burst, Effect.BENCHMARK),
    Case("structure/scenario-dir-known", burst, Effect.RESULT, build=OPEN),
    Case("structure/detail-logs", remove("accuracy/mlperf_log_detail.txt"), Effect.LOADING,
         also=("structure/acc-file-list",)),
    Case("structure/detail-logs", remove("performance/run_1/mlperf_log_detail.txt"), Effect.LOADING,
         also=("structure/perf-file-list",)),
    Case("structure/detail-logs", remove("performance"), Effect.LOADING),
    Case("structure/log-start", foreign_line, Effect.LOADING, Severity.WARNING),
    Case("structure/readable", write("performance/run_1/mlperf_log_detail.txt", ":::MLLOG {\n"), Effect.LOADING),
    Case("structure/readable", write("accuracy/mlperf_log_detail.txt", ":::ENDPTS {\n"), Effect.LOADING),
    Case("structure/readable", write("measurements.json", "{"), Effect.LOADING),
    Case("structure/root-files", in_root, **WARNED),
    Case("structure/division-files", division_file, **WARNED),
    Case("structure/hidden-names", named_file(".cache"), **WARNED),
    Case("structure/space-names", named_file("my notes"), **WARNED),
    Case("structure/pycache", named_file("__pycache__/x.pyc"), **WARNED),
    Case("structure/empty-dirs", hollow_directory, **WARNED),
    Case("structure/symlinks", link_to_nowhere, **WARNED),
    Case("structure/perf-file-list", extra("performance/run_1/notes.txt"), **WARNED),
    Case("structure/perf-file-list", extra("performance/run_1/notes.txt", "singlestream"), build=POWER),
    Case("structure/acc-file-list", extra("accuracy/notes.txt"), **WARNED),
    Case("structure/systems-have-results", leftover, **WARNED),
    Case("calibration/doc", no_calibration, **WARNED),
    Case("structure/acc-txt", remove("accuracy/accuracy.txt")),
    Case("structure/extra-accuracy-files", remove("accuracy/videos"),
         build=(*DATACENTER, *OPEN, ("benchmark", "wan-2.2-t2v-a14b"))),
]  # fmt: skip

MEASUREMENT_CASES = [
    Case("measurements/files", remove("user.conf")),
    Case("measurements/json-name", remove("measurements.json")),
    Case("measurements/power-docs", no_power_docs, build=POWER, **WARNED),
    Case("source/code-dir", no_source),
    Case("source/code-dir", source_of_another, Effect.NONE, Severity.NOTE),
]

SYSTEM_CASES = [
    Case("system/status", system(status=3), Effect.SYSTEM),
    Case("system/system-type", system(system_type="Edge"), Effect.LOADING),
    Case("system/system-type", system(system_type="Edge"), Effect.SYSTEM, build=OPEN),
    Case("system/submitter", system(submitter=[1]), Effect.SYSTEM),
    Case("system/network-mode", system(is_network=True), Effect.SYSTEM, also=("system/network-fields",)),
    Case("system/network-fields", system(is_network="False"), Effect.SYSTEM, Severity.WARNING),
    Case("system/network-fields", system(network_type=None), Effect.SYSTEM, build=NETWORK),
    Case("system/sut-name", log(sut_name=None), build=NETWORK, also=()),
    Case("system/node-counts", system(accelerators_per_node="N/A"), Effect.LISTING),
    Case("system/node-counts", system(number_of_nodes="1.5"), Effect.LISTING),
]


def nameplate(text: str | None) -> EditV6:
    def edit(t: TreeV6) -> None:
        path = t.base / "systems" / f"{SYSTEM}_power.yaml"
        path.unlink() if text is None else path.write_text(text)

    return named(edit, f"nameplate-{text!r}")


NAMEPLATE_CASES = [
    Case("system/nameplate-power", nameplate(None), Effect.LOG, Severity.WARNING, build=POWER),
    Case("system/nameplate-power", nameplate("# empty\n"), build=POWER),
    Case("system/nameplate-power", nameplate("rack: [1, 2]\n"), build=POWER, **WARNED),
    Case("system/nameplate-power", nameplate("PSUs: 3\nMin PSUs Needed: 1\n"), build=POWER),
    Case("system/nameplate-power", nameplate("a: &x {}\n"), build=POWER),
]


def tokens(scenario: str, **changes: Any) -> EditV6:
    return log(scenario, **changes)


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

HASH = "hash=" + "ab" * 32 + "\n"
ACCURACY_CASES = [
    Case("accuracy/target", write("accuracy/accuracy.txt", "accuracy=70.0%\n" + HASH, about="below")),
    Case("accuracy/number", write("accuracy/accuracy.txt", "accuracy=7.6.9%\naccuracy: 76%\n" + HASH)),
    Case("accuracy/dataset-size", log(folder="accuracy", qsl_reported_total_count=49_999)),
    Case("accuracy/dataset-size", log(folder="accuracy", effective_accuracy_sample_count=500), build=OPEN),
    Case(
        "accuracy/log-truncated",
        write("accuracy/mlperf_log_accuracy.json", "a" * 10_241, about="long"),
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

CASES = [
    *STRUCTURE_CASES, *MEASUREMENT_CASES, *SYSTEM_CASES, *NAMEPLATE_CASES, *PERFORMANCE_CASES, *ACCURACY_CASES,
    *COMPLIANCE_CASES, *POWER_CASES, *ENDPOINT_CASES,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: Case, tmp_path: Path) -> None:
    found = report(tmp_path, case)
    hold(found, case)
    differ = [r for r in found.results if r.valid != r.reference_valid]
    for result in differ:
        own = [found.findings[at] for at in result.findings]
        assert any((f.counts and f.place.covers(result.place)) != f.reference for f in own), result.path


def verdicts(found: Report) -> dict[str, tuple[bool, bool]]:
    """Both verdicts by scenario directory."""
    return {r.place.scenario: (r.valid, r.reference_valid) for r in found.results}


def test_a_missing_scenario_fails_all_of_the_benchmark(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", remove("", "multistream")))
    assert verdicts(found) == {"offline": (False, False), "singlestream": (False, False)}


def test_a_benchmark_without_scenarios_is_not_seen_by_the_official_checker(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", hollow_benchmark))
    assert found.reference_valid
    assert not found.valid


def test_what_cannot_be_loaded_takes_everything_along(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", foreign_line))
    assert {official for _, official in verdicts(found).values()} == {False}
    assert all(own for own, _ in verdicts(found).values())
    ending = next(at for at, f in enumerate(found.findings) if f.effect is Effect.LOADING)
    assert all(ending in r.findings for r in found.results)


def test_a_list_that_cannot_be_written_takes_everything_along(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", shouted))
    assert verdicts(found)["offline"] == (True, False)


def test_nothing_is_written_where_nothing_is_listed(tmp_path: Path) -> None:
    """A result that failed already never comes to the list, so that its odd name brings nothing down."""

    def edit(t: TreeV6) -> None:
        shouted(t)
        t.set_log(t.run("MULTISTREAM"), effective_qsl_rng_seed=1)

    found = report(tmp_path, Case("", edit))
    assert verdicts(found)["offline"] == (True, True)


def test_open_results_need_no_scenario_of_their_type(tmp_path: Path) -> None:
    """An edge benchmark on a datacenter system: the loader of the closed division has no scenarios for it."""
    about = {"benchmark": "bert-99", "scenarios": ("offline",), "system_type": "datacenter"}
    opened = build(tmp_path / "open", division="open", **about)  # type: ignore[arg-type]
    assert check(opened.root).reference_valid
    closed = build(tmp_path / "closed", **about)  # type: ignore[arg-type]
    found = check(closed.root)
    assert {(f.rule, f.effect) for f in found.findings} == {("structure/benchmark-for-type", Effect.LOADING)}


def test_open_results_of_a_benchmark_that_left_cannot_be_judged(tmp_path: Path) -> None:
    tree = build(tmp_path, round_name="v6.1", division="open")
    tree.result().parent.rename(tree.result().parent.with_name("retinanet"))
    (tree.base / "src" / "resnet50").rename(tree.base / "src" / "retinanet")
    found = check(tree.root)
    assert {(f.rule, f.effect) for f in found.findings} == {("structure/benchmark-for-type", Effect.RESULT)}
    assert not any(r.reference_valid or r.valid for r in found.results)


def test_the_division_may_be_spelled_in_any_case(tmp_path: Path) -> None:
    assert report(tmp_path, Case("", system(division="Closed"))).findings == ()


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


def test_a_directory_with_neither_log_nor_report_has_lost_its_logs(tmp_path: Path) -> None:
    def edit(t: TreeV6) -> None:
        for name in ("performance", "accuracy"):
            shutil.rmtree(t.result("offline") / name)

    found = report(tmp_path, Case("", edit))
    own = [f for f in found.findings if f.rule == "structure/detail-logs"]
    assert [f.effect for f in own] == [Effect.LOADING, Effect.LOADING]
    assert not found.reference_valid


def test_the_design_power_is_the_sum_of_what_is_needed(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", named(lambda t: None, "as-it-is"), build=POWER))
    assert {r.summary_facts["design_power_watts"] for r in found.results} == {60.0, None}


def test_a_capacity_in_the_description_stands_for_the_file(tmp_path: Path) -> None:
    def edit(t: TreeV6) -> None:
        nameplate(None)(t)
        t.system_json(system_power_capacity=90)

    found = report(tmp_path, Case("", edit, build=POWER))
    assert {r.summary_facts["design_power_watts"] for r in found.results} == {90, None}
    assert found.valid
