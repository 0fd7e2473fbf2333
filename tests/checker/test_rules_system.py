"""One edit, one finding: the system description, and the measurements beside a result."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from checker.model import Effect, Severity
from tests.checker.one_edit import Case, expect
from tests.checker.trees import LOG_HASH, SYSTEM, Edit, TreeUnderTest


def field(name: str, **changes: Any) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        t.system_json(**changes)

    edit.__name__ = name
    return edit


def networked(t: TreeUnderTest) -> None:
    names = ["network_type", "network_media", "network_rate", "nic_loadgen", "number_nic_loadgen"]
    names += ["net_software_stack_loadgen", "network_protocol", "number_connections", "nic_sut"]
    names += ["number_nic_sut", "net_software_stack_sut", "network_topology"]
    t.system_json(is_network="true", **dict.fromkeys(names, "something"))


def wrong_sut_name(t: TreeUnderTest) -> None:
    networked(t)
    for scenario in ("singlestream", "multistream", "offline"):
        t.set_log(t.run(scenario), sut_name="Network SUT one")
        for test in ("TEST01", "TEST04", "TEST05"):
            t.set_log(t.compliance(test, scenario) / "performance" / "run_1", sut_name="Network SUT one")
    t.set_log(t.run("offline"), sut_name="PySUT")


def network_field_missing(t: TreeUnderTest) -> None:
    wrong_sut_name(t)
    t.set_log(t.run("offline"), sut_name="Network SUT one")
    t.system_json(network_type=None)


NETWORK = (("division", "network"), ("power", False))
SYSTEM_CASES = [
    Case("system/status", field("bad_status", status="soon"), Effect.SYSTEM),
    Case("system/status", field("status_no_text", status=3), Effect.CRASH),
    Case("system/status", field("no_status", status=None), Effect.CRASH, also=("system/required-fields",)),
    Case("system/system-type", field("capital", system_type="Edge"), Effect.SYSTEM),
    Case("system/required-fields", field("no_cooling", cooling=None), Effect.SYSTEM),
    Case("system/non-empty", field("numeric_zero", accelerators_per_node=0), Effect.SYSTEM),
    Case("system/non-empty", field("empty_text", framework=""), Effect.SYSTEM),
    Case("system/unknown-fields", field("misspelt", coolng="air"), Effect.LOG, Severity.NOTE),
    Case("system/submitter", field("other_submitter", submitter="Somebody"), Effect.SYSTEM),
    Case("system/division", field("other_division", division="open"), Effect.SYSTEM),
    Case("system/network-mode", networked, Effect.SYSTEM),
    Case("system/network-mode", field("a_boolean", is_network=True), Effect.CRASH),
    Case("system/sut-name", wrong_sut_name, build=NETWORK, also=("quality/sut-changed",)),
    Case("system/network-fields", network_field_missing, Effect.SYSTEM, build=NETWORK),
]  # fmt: skip


def no_directory(t: TreeUnderTest) -> None:
    shutil.rmtree(t.measurements("offline"))


def no_user_conf(t: TreeUnderTest) -> None:
    (t.measurements("offline") / "user.conf").unlink()


def empty_readme(t: TreeUnderTest) -> None:
    (t.measurements("offline") / "README.md").write_text("")


def no_json(t: TreeUnderTest) -> None:
    (t.measurements("offline") / f"{SYSTEM}_ort_offline.json").unlink()


def json_without(t: TreeUnderTest) -> None:
    t.set_json(t.measurements("offline") / f"{SYSTEM}_ort_offline.json", weight_data_types=None)


def json_empty(t: TreeUnderTest) -> None:
    t.set_json(t.measurements("offline") / f"{SYSTEM}_ort_offline.json", retraining="")


def no_code(t: TreeUnderTest) -> None:
    (t.base / "code" / t.benchmark).rename(t.base / "code" / "other")


def no_power_docs(t: TreeUnderTest) -> None:
    (t.base / "measurements" / "analyzer_table.md").unlink()


def empty_power_docs(t: TreeUnderTest) -> None:
    (t.base / "measurements" / "power_settings.md").write_text("")


def code_elsewhere(t: TreeUnderTest) -> None:
    (t.base / "code" / t.benchmark).rename(t.base / "code" / "common")
    (t.base / "code" / t.benchmark).write_text("common\n")


def dice(t: TreeUnderTest) -> None:
    for scenario in ("singlestream", "offline"):
        text = "Accuracy: mean = 0.8617, kidney = 0.9\nhash=" + LOG_HASH + "\n"
        (t.result(scenario) / "accuracy" / "accuracy.txt").write_text(text)
        (t.measurements(scenario) / "user.conf").write_text("*.*.sample_concatenate_permutation = 1\n")


def not_equal_issue(t: TreeUnderTest) -> None:
    dice(t)
    for name in ("mlperf.conf", "user.conf"):
        (t.measurements("offline") / name).write_text("*.*.target_qps = 1\n")
    t.set_log(t.run("offline"), effective_sample_concatenate_permutation=False)


def equal_issue_in_the_log(t: TreeUnderTest) -> None:
    not_equal_issue(t)
    t.set_log(t.run("offline"), effective_sample_concatenate_permutation=True)


def conf_of_another_shape(t: TreeUnderTest) -> None:
    dice(t)
    (t.measurements("offline") / "user.conf").write_text("target_qps = 1\n")


UNET = (("benchmark", "3d-unet-99"), ("scenarios", ("singlestream", "offline")), ("power", False))
EQUAL = "measurements/equal-issue-conf"
MEASUREMENT_CASES = [
    Case("measurements/dir", no_directory),
    Case("measurements/files", no_user_conf),
    Case("measurements/files-non-empty", empty_readme),
    Case("measurements/json-name", no_json, Effect.CRASH),
    Case("measurements/json-fields", json_without),
    Case("measurements/json-non-empty", json_empty),
    Case("source/code-dir", no_code),
    Case("measurements/power-docs", no_power_docs),
    Case("measurements/power-docs", empty_power_docs),
    Case(EQUAL, not_equal_issue, build=UNET),
    Case(EQUAL, equal_issue_in_the_log, Effect.RESULT, Severity.WARNING, build=UNET),
    Case(EQUAL, conf_of_another_shape, Effect.CRASH, Severity.WARNING, build=UNET),
]
CASES = [*SYSTEM_CASES, *MEASUREMENT_CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: Case, tmp_path: Path) -> None:
    expect(tmp_path, case)


def test_sources_may_be_named_by_a_file(tmp_path: Path) -> None:
    from checker.api import check
    from tests.checker.trees import build

    tree = build(tmp_path)
    code_elsewhere(tree)
    assert check(tree.root).valid
