"""One edit, one finding: the shape of the tree."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from checker.model import Effect, Severity
from tests.checker.one_edit import Case, expect, report
from tests.checker.trees import SUBMITTER, SYSTEM, TreeUnderTest


def other_division(t: TreeUnderTest) -> None:
    (t.root / "Closed").mkdir()


def root_file(t: TreeUnderTest) -> None:
    (t.root / "summary.csv").write_text("x")


def division_file(t: TreeUnderTest) -> None:
    (t.root / "closed" / "README.md").write_text("x")


def no_results(t: TreeUnderTest) -> None:
    (t.root / "closed" / "Other").mkdir()
    (t.root / "closed" / "Other" / "README.md").write_text("x")


def broken_link(t: TreeUnderTest) -> None:
    (t.base / "code" / "link").symlink_to("nowhere")


def good_link(t: TreeUnderTest) -> None:
    (t.base / "code" / "link.md").symlink_to("resnet50/ort/README.md")


def link_out(t: TreeUnderTest) -> None:
    (t.base / "code" / "link").symlink_to("/etc/hostname")


def named_pipe(t: TreeUnderTest) -> None:
    os.mkfifo(t.base / "code" / "pipe")


def key_twice(t: TreeUnderTest) -> None:
    t.sub(t.base / "systems" / f"{SYSTEM}.json", "{", '{"status": "preview", ')


def measured(t: TreeUnderTest) -> Path:
    return t.measurements() / f"{SYSTEM}_ort_singlestream.json"


def not_a_number(t: TreeUnderTest) -> None:
    t.sub(measured(t), "{", '{"notes": NaN, ')


def number_without_end(t: TreeUnderTest) -> None:
    t.sub(measured(t), "{", '{"notes": ' + "9" * 5000 + ", ")


def big_file(t: TreeUnderTest) -> None:
    with (t.base / "code" / "big").open("wb") as file:
        file.truncate(50 * 1024 * 1024 + 1)


def hidden(t: TreeUnderTest) -> None:
    (t.base / "code" / ".DS_Store").write_text("x")


def blank(t: TreeUnderTest) -> None:
    (t.base / "code" / "a file").write_text("x")


def byte_code(t: TreeUnderTest) -> None:
    (t.base / "code" / "__pycache__").mkdir()
    (t.base / "code" / "__pycache__" / "x.pyc").write_text("x")


def empty(t: TreeUnderTest) -> None:
    (t.base / "code" / "empty").mkdir()


def no_system_json(t: TreeUnderTest) -> None:
    (t.base / "systems" / f"{SYSTEM}.json").unlink()


def unknown_benchmark(t: TreeUnderTest) -> None:
    for part in ("results", "measurements", "compliance"):
        folder = t.base / part / SYSTEM
        (folder / t.benchmark).rename(folder / "resnet51x")
    (t.base / "code" / t.benchmark).rename(t.base / "code" / "resnet51x")


def not_for_edge(t: TreeUnderTest) -> None:
    for part in ("results", "measurements", "compliance"):
        folder = t.base / part / SYSTEM
        (folder / t.benchmark).rename(folder / "bert-99.9")
    (t.base / "code" / t.benchmark).rename(t.base / "code" / "bert-99.9")
    shutil.rmtree(t.base / "results" / SYSTEM / "bert-99.9")
    (t.base / "results" / SYSTEM / "bert-99.9" / "keep").mkdir(parents=True)
    (t.base / "results" / SYSTEM / "bert-99.9" / "keep" / "x").write_text("x")


def missing_scenario(t: TreeUnderTest) -> None:
    for folder in (t.result("offline"), t.measurements("offline"), t.compliance("", "offline")):
        shutil.rmtree(folder)


def strange_scenario(t: TreeUnderTest) -> None:
    (t.result("offline")).rename(t.result("Burst"))
    (t.measurements("offline")).rename(t.measurements("Burst"))
    (t.compliance("", "offline")).rename(t.compliance("", "Burst"))


def no_run(t: TreeUnderTest) -> None:
    t.run("offline").rename(t.run("offline", "run_2"))


def stray_in_run(t: TreeUnderTest) -> None:
    (t.run("offline") / "notes.txt").write_text("x")


def no_summary(t: TreeUnderTest) -> None:
    (t.run("offline") / "mlperf_log_summary.txt").unlink()


def no_accuracy_log(t: TreeUnderTest) -> None:
    (t.result("offline") / "accuracy" / "mlperf_log_accuracy.json").unlink()


def no_accuracy_detail(t: TreeUnderTest) -> None:
    (t.result("offline") / "accuracy" / "mlperf_log_detail.txt").unlink()


def no_accuracy_dir(t: TreeUnderTest) -> None:
    shutil.rmtree(t.result("offline") / "accuracy")


def no_accuracy_txt(t: TreeUnderTest) -> None:
    (t.result("offline") / "accuracy" / "accuracy.txt").unlink()


def no_images(t: TreeUnderTest) -> None:
    shutil.rmtree(t.result("offline") / "accuracy" / "images")


def odd_mapping(t: TreeUnderTest) -> None:
    t.set_json(_mapping(t), own=["resnet"])


def _mapping(t: TreeUnderTest) -> Path:
    path = t.base / "model_mapping.json"
    path.write_text("{}")
    return path


def garbled_mapping(t: TreeUnderTest) -> None:
    _mapping(t).write_text("{")


def cut_log(t: TreeUnderTest) -> None:
    path = t.run("offline") / "mlperf_log_detail.txt"
    path.write_bytes(path.read_bytes()[:300])


def cut_accuracy_log(t: TreeUnderTest) -> None:
    (t.result("offline") / "accuracy" / "mlperf_log_detail.txt").write_text(":::MLLOG {broken\n")


def description_no_json(t: TreeUnderTest) -> None:
    (t.base / "systems" / f"{SYSTEM}.json").write_text("{")


def description_a_list(t: TreeUnderTest) -> None:
    (t.base / "systems" / f"{SYSTEM}.json").write_text("[]")


def measurements_no_json(t: TreeUnderTest) -> None:
    (t.measurements("offline") / f"{SYSTEM}_ort_offline.json").write_text("{")


def accuracy_txt_no_text(t: TreeUnderTest) -> None:
    (t.result("offline") / "accuracy" / "accuracy.txt").write_bytes(b"\xff\xfe accuracy")


SDXL = (("benchmark", "stable-diffusion-xl"), ("scenarios", ("singlestream", "offline")), ("power", False))
OPEN = (("division", "open"), ("power", False))
CASES = [
    Case("structure/division-name", other_division, Effect.LOG, Severity.WARNING),
    Case("structure/root-files", root_file, Effect.STOP),
    Case("structure/division-files", division_file, Effect.DIVISION),
    Case("structure/results-present", no_results, Effect.NONE, Severity.WARNING),
    Case("structure/special-file", named_pipe, Effect.NONE),
    Case("structure/strict-json", key_twice, Effect.NONE, Severity.WARNING),
    Case("structure/strict-json", not_a_number, Effect.NONE, Severity.WARNING),
    Case("structure/strict-json", number_without_end, Effect.NONE, Severity.WARNING),
    Case("structure/symlinks", broken_link, Effect.SUBMITTER),
    Case("structure/symlinks", good_link, Effect.SUBMITTER, Severity.WARNING),
    Case("structure/symlinks", link_out, Effect.CRASH),
    Case("structure/file-size", big_file, Effect.SUBMITTER),
    Case("structure/hidden-names", hidden, Effect.SUBMITTER),
    Case("structure/space-names", blank, Effect.SUBMITTER),
    Case("structure/pycache", byte_code, Effect.SUBMITTER),
    Case("structure/empty-dirs", empty, Effect.SUBMITTER),
    Case("structure/system-json", no_system_json, Effect.SYSTEM, also=("structure/empty-dirs",)),
    Case("structure/benchmark-known", unknown_benchmark, Effect.BENCHMARK),
    Case("structure/required-scenarios", missing_scenario, Effect.MARK),
    Case("structure/scenario-dir-known", strange_scenario, also=("structure/required-scenarios",)),
    Case("structure/perf-run-dir", no_run),
    Case("structure/perf-file-list", stray_in_run),
    Case("structure/perf-file-list", no_summary),
    Case("structure/acc-file-list", no_accuracy_log),
    Case("structure/acc-file-list", no_accuracy_detail),
    Case("structure/acc-file-list", no_accuracy_dir),
    Case("structure/acc-txt", no_accuracy_txt),
    Case("structure/extra-accuracy-files", no_images, build=SDXL),
    Case("structure/model-mapping", odd_mapping, Effect.NONE, Severity.WARNING, build=OPEN),
    Case("structure/model-mapping", garbled_mapping, Effect.CRASH, build=OPEN),
    Case("structure/readable", cut_log),
    Case("structure/readable", cut_accuracy_log, Effect.CRASH),
    Case("structure/readable", description_no_json, Effect.CRASH),
    Case("structure/readable", description_a_list, Effect.CRASH),
    Case("structure/readable", measurements_no_json, Effect.CRASH),
    Case("structure/readable", accuracy_txt_no_text, Effect.CRASH),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: Case, tmp_path: Path) -> None:
    expect(tmp_path, case)


NOT_FOR_TYPE = Case("structure/benchmark-for-type", not_for_edge, Effect.BENCHMARK)


def test_benchmark_that_the_type_does_not_have(tmp_path: Path) -> None:
    found = report(tmp_path, NOT_FOR_TYPE)
    own = [f for f in found.findings if f.rule == "structure/benchmark-for-type"]
    assert [f.effect for f in own] == [Effect.BENCHMARK]
    assert not any(r.valid or r.reference_valid for r in found.results)


def test_missing_scenario_leaves_the_others_valid(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", missing_scenario))
    assert not found.valid
    assert all(r.valid and r.reference_valid for r in found.results)


def test_stray_root_file_loses_everything_officially(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", root_file))
    assert all(r.valid and not r.reference_valid for r in found.results)


def test_crash_loses_everything_officially_and_is_told_of_every_result(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", cut_accuracy_log))
    assert [r.valid for r in found.results] == [True, False, True]
    assert not any(r.reference_valid for r in found.results)
    assert all("structure/readable" in {found.findings[i].rule for i in r.findings} for r in found.results)


def test_links_are_not_followed_out_of_the_tree(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a file").write_text("x")

    def link(t: TreeUnderTest) -> None:
        (t.base / "code" / "out").symlink_to(outside)

    rules = {f.rule for f in report(tmp_path, Case("", link)).findings}
    assert rules == {"structure/symlinks"}


def test_a_link_to_its_own_parent_ends(tmp_path: Path) -> None:
    def link(t: TreeUnderTest) -> None:
        (t.base / "code" / "loop").symlink_to("..", target_is_directory=True)

    found = report(tmp_path, Case("", link))
    assert {f.severity for f in found.findings if f.place.submitter == SUBMITTER} <= {Severity.WARNING}
