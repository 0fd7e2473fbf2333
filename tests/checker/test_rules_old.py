"""One edit, one finding in the rounds v0.5 to v2.1: structure, runs, accuracy, compliance."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from checker.model import Effect
from tests.checker.old_edit import CRASH, LOG, MARK, NONE, NOTE, WARN, Edit, OldCase, R, expect, judged, log
from tests.checker.trees import LOG_HASH
from tests.checker.trees_old import OldTree, build_old, run_values, write_run

SERVER = (("scenarios", ("Server", "Offline")), ("system_type", "datacenter"))


def summary(label: str, value: str | None, scenario: str = "offline", part: str = "run_1") -> Edit:
    def edit(t: OldTree) -> None:
        t.set_summary(t.run(scenario, part), label, value)

    edit.__name__ = f"{part}-{label}".replace(" ", "-")
    return edit


def detail_error(t: OldTree) -> None:
    path = t.run("offline") / "mlperf_log_detail.txt"
    path.write_text(path.read_text() + '"pid": 1, "tid": 1, "ts": 9ns : ERROR : queries were lost\n')


def ignored_error(t: OldTree) -> None:
    path = t.run("offline") / "mlperf_log_detail.txt"
    path.write_text(path.read_text() + '"pid": 1, "tid": 1, "ts": 9ns : ERROR : CAS failed\n')


def no_detail(t: OldTree) -> None:
    (t.run("offline") / "mlperf_log_detail.txt").unlink()


def slow(t: OldTree) -> None:
    values = run_values(t, "Server") | {"result_99.00_percentile_latency_ns": 16_000_000}
    for at in range(1, 6):
        folder = t.run("Server", f"run_{at}")
        if folder.is_dir():
            write_run(t, folder, values)


def slow_streams(t: OldTree) -> None:
    t.set_log(t.run("multistream"), **{"result_99.00_percentile_per_query_latency_ns": 51_000_000})


def one_bad_run(t: OldTree) -> None:
    t.set_summary(t.run("Server", "run_3"), "Result is", "INVALID")


def five_bad_runs(t: OldTree) -> None:
    for at in range(1, 6):
        t.set_summary(t.run("Server", f"run_{at}"), "Result is", "INVALID")


def four_runs(t: OldTree) -> None:
    shutil.rmtree(t.run("Server", "run_5"))


def field_beyond_the_template(t: OldTree) -> None:
    t.set_json(t.measurements("offline") / "board_ort_offline.json", weights="fp32")


def strange_system_field(t: OldTree) -> None:
    t.system_json(coolng="air")


def no_division(t: OldTree) -> None:
    t.system_json(division=None)


def another_name(t: OldTree) -> None:
    for part in ("results", "measurements"):
        (t.base / part / "board" / t.benchmark).rename(t.base / part / "board" / "resnet50")
    (t.base / "code" / t.benchmark).rename(t.base / "code" / "resnet50")


def other_root_directory(t: OldTree) -> None:
    (t.root / ".github").mkdir()


def no_accuracy(t: OldTree) -> None:
    (t.result("offline") / "accuracy" / "accuracy.txt").write_text("hash=" + LOG_HASH + "\n")


def low_accuracy(t: OldTree) -> None:
    text = "accuracy=70.001%, good=35000, total=50000\nhash=" + LOG_HASH + "\n"
    (t.result("offline") / "accuracy" / "accuracy.txt").write_text(text)


def better_at_last(t: OldTree) -> None:
    path = t.result("offline") / "accuracy" / "accuracy.txt"
    path.write_text("accuracy=70.001%\n" + path.read_text())


def no_accuracy_log(t: OldTree) -> None:
    (t.result("offline") / "accuracy" / "mlperf_log_accuracy.json").unlink()


def stray_file(t: OldTree) -> None:
    (t.run("offline") / "notes.md").write_text("x")


def no_test04(t: OldTree) -> None:
    shutil.rmtree(t.compliance("TEST04-A", "offline"))


def failed_test(t: OldTree) -> None:
    (t.compliance("TEST01", "offline") / "verify_performance.txt").write_text("TEST FAIL\n")


def stray_in_test(t: OldTree) -> None:
    (t.compliance("TEST04-B", "offline") / "performance/run_1/notes.md").write_text("x")


def other_outputs(t: OldTree) -> None:
    folder = t.compliance("TEST01", "offline")
    (folder / "verify_accuracy.txt").write_text("TEST FAIL\n")


def other_outputs_with_accuracies(t: OldTree) -> None:
    other_outputs(t)
    for name in ("baseline", "compliance"):
        path = t.compliance("TEST01", "offline") / f"accuracy/{name}_accuracy.txt"
        path.write_text("accuracy=76.0%\n")


def no_measurements(t: OldTree) -> None:
    shutil.rmtree(t.measurements("offline"))


def offline_from_multistream(t: OldTree) -> None:
    write_run(t, t.run("offline"), run_values(t, "MultiStream"))


CASES = [
    OldCase("v1.0", "performance/latency-percentile", slow_streams, LOG, reference=True),
    OldCase("v0.7", "performance/server-runs", one_bad_run, LOG, build=SERVER, reference=True),
    OldCase("v0.7", "performance/server-runs", four_runs, LOG, build=SERVER, reference=True),
    OldCase("v0.7", "performance/server-runs", five_bad_runs, R, build=SERVER),
    OldCase("v0.5", "performance/server-runs", one_bad_run, R, build=SERVER),
    OldCase("v0.5", "performance/server-runs", four_runs, CRASH, build=SERVER),
    OldCase("v0.7", "performance/server-runs", slow, LOG, build=SERVER, reference=True),
    OldCase("v0.5", "measurements/unknown-fields", field_beyond_the_template, MARK, WARN),
    OldCase("v0.5", "system/unknown-fields", strange_system_field, MARK, NOTE),
    OldCase("v0.7", "system/unknown-fields", strange_system_field, LOG, NOTE, reference=True),
    OldCase("v0.5", "system/division", no_division, CRASH),
    OldCase("v0.5", "structure/benchmark-known", another_name, Effect.BENCHMARK, WARN),
    OldCase("v0.5", "structure/division-name", other_root_directory, CRASH, WARN),
    OldCase("v0.7", "structure/division-name", other_root_directory, LOG, WARN, reference=True),
    OldCase("v0.5", "accuracy/target", no_accuracy, R),
    OldCase("v0.5", "accuracy/target", low_accuracy, NONE, reference=True),
    OldCase("v0.7", "accuracy/target", low_accuracy, R),
    OldCase("v0.7", "performance/validity", summary("Result is", "INVALID"), R),
    OldCase("v0.7", "performance/sample-count", summary("performance_sample_count", "1"), R),
    OldCase("v0.7", "performance/seeds", summary("qsl_rng_seed", "1"), LOG, reference=True),
    OldCase("v0.7", "performance/seeds", summary("qsl_rng_seed", None), R),
    OldCase("v0.5", "performance/seeds", summary("qsl_rng_seed", "1"), NONE, reference=True),
    OldCase("v0.7", "performance/min-duration", summary("min_duration (ms)", "1000"), LOG, reference=True),
    OldCase("v0.7", "performance/min-queries", summary("min_query_count", "9", "singlestream"), LOG, reference=True),
    OldCase("v0.7", "performance/metric", summary("Samples per second", None), R),
    OldCase("v0.5", "performance/metric", summary("Samples per second", None), CRASH),
    OldCase("v0.7", "performance/test-mode", summary("Mode", "Accuracy"), NONE, reference=True),
    OldCase("v0.7", "performance/loadgen-errors", detail_error, R),
    OldCase("v0.5", "performance/loadgen-errors", detail_error, LOG, reference=True),
    OldCase("v0.7", "structure/readable", no_detail, R, also=("structure/perf-file-list",)),
    OldCase("v1.0", "performance/min-queries", log("singlestream", effective_min_query_count=9), LOG, reference=True),
    OldCase("v2.0", "performance/early-stopping", log("singlestream", early_stopping_met=False), LOG, reference=True),
    OldCase("v1.1", "performance/inferred-pair", offline_from_multistream, NONE,
            also=("performance/metric", "performance/min-queries")),
    OldCase("v2.1", "structure/acc-file-list", no_accuracy_log, R),
    OldCase("v2.1", "structure/acc-file-list", no_accuracy_log, LOG, build=(("division", "open"),), reference=True),
    OldCase("v2.1", "structure/perf-file-list", stray_file, LOG, reference=True),
    OldCase("v0.5", "structure/perf-file-list", stray_file, R),
    OldCase("v2.0", "compliance/test-dir", no_test04, LOG, reference=True),
    OldCase("v2.0", "compliance/perf-verdict", failed_test, LOG, reference=True),
    OldCase("v2.1", "compliance/perf-verdict", failed_test, R),
    OldCase("v2.0", "compliance/perf-files", stray_in_test, LOG, reference=True),
    OldCase("v2.0", "compliance/test01-accuracy", other_outputs, LOG, reference=True),
    OldCase("v2.1", "measurements/dir", no_measurements, MARK),
]  # fmt: skip
SILENT = [
    ("v0.7", ignored_error, ()),
    ("v0.7", better_at_last, ()),
    ("v2.0", other_outputs_with_accuracies, ()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: OldCase, tmp_path: Path) -> None:
    assert expect(tmp_path, case)


@pytest.mark.parametrize(("name", "edit", "how"), SILENT, ids=lambda x: getattr(x, "__name__", str(x)))
def test_what_a_round_lets_pass(
    name: str, edit: Edit, how: tuple[tuple[str, Any], ...], tmp_path: Path
) -> None:
    tree = build_old(tmp_path, name, **dict(how))
    edit(tree)
    report = judged(tree)
    assert report.findings == ()
    assert report.reference_valid
