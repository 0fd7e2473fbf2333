"""One edit, one finding: structure, measurements and systems from v6.0 on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from checker.api import check
from checker.model import Effect, Severity
from tests.checker.edits_v6 import (
    DATACENTER,
    LLAMA,
    NETWORK,
    OPEN,
    POWER,
    WARNED,
    EditV6,
    check_case,
    extra,
    log,
    named,
    remove,
    report,
    system,
    verdicts,
    write,
)
from tests.checker.one_edit import Case
from tests.checker.trees import SYSTEM
from tests.checker.trees_v6 import TreeV6, build


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
    Case(
        "system/nameplate-power",
        nameplate("{PSUs: [{PowerCapacityWatts: .inf}], Min PSUs Needed: 1}"),
        build=POWER,
    ),
    Case("system/nameplate-power", nameplate("a: &x {}\n"), build=POWER),
]


CASES = [*STRUCTURE_CASES, *MEASUREMENT_CASES, *SYSTEM_CASES, *NAMEPLATE_CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: Case, tmp_path: Path) -> None:
    check_case(tmp_path, case)


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


def test_a_finding_says_that_the_official_checker_ends(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", no_description))
    ending = next(f for f in found.findings if f.rule == "structure/system-json")
    assert "traceback" in ending.message


@pytest.mark.parametrize("jobs", [1, 3])
def test_any_number_of_processes(jobs: int, tmp_path: Path) -> None:
    tree = build(tmp_path, power=True)
    shutil.copytree(tree.base / "results" / SYSTEM, tree.base / "results" / "second")
    shutil.copy(tree.base / "systems" / f"{SYSTEM}.json", tree.base / "systems" / "second.json")
    shutil.copy(tree.base / "systems" / f"{SYSTEM}_power.yaml", tree.base / "systems" / "second_power.yaml")
    found = check(tree.root, jobs=jobs)
    assert found.valid
    assert len(found.results) == 6
