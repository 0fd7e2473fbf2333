"""The fifty known flaws of the official checkers: what both verdicts are, and the finding that explains it.

Each flaw is shown by one edit to a valid tree, or has the reason why there is nothing for mlcheck to find.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checker.api import check_with
from checker.model import Report
from checker.options import Options
from checker.rules import all_rules
from schemas.errors import UserError
from schemas.rounds import known_rounds, load_round
from tests.checker import test_rules_old as old
from tests.checker import test_rules_power as power
from tests.checker import test_rules_runs as runs
from tests.checker import test_rules_structure as structure
from tests.checker import test_rules_v6 as v6
from tests.checker.edits_v6 import extra
from tests.checker.edits_v6 import log as log_v6
from tests.checker.edits_v6 import system as system_v6
from tests.checker.example_edits import change_log, valid_tree
from tests.checker.trees import SYSTEM, TreeUnderTest, ptd_text

VALID, INVALID = True, False
Edit = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Flaw:
    """``rule`` explains it; ``ours`` and ``theirs``: the verdicts by mlcheck and by the official checker."""

    number: int
    round: str
    edit: Edit
    rule: str
    ours: bool
    theirs: bool
    about: tuple[tuple[str, Any], ...] = ()
    power_checker: bool | None = None


def log(scenario: str, **changes: Any) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        for key, value in changes.items():
            change_log(t, t.run(scenario), key, value)

    return edit


def renamed_submitter(t: TreeUnderTest) -> None:
    t.system_json(submitter="TEST05Corp")
    t.base.rename(t.base.with_name("TEST05Corp"))


def anothers_json(t: TreeUnderTest) -> None:
    folder = t.measurements("offline")
    shutil.copy(t.base / "systems" / f"{SYSTEM}.json", t.base / "systems" / f"{SYSTEM}2.json")
    (folder / f"{SYSTEM}_ort_offline.json").rename(folder / f"{SYSTEM}2_ort_offline.json")


def after_the_hash(t: TreeUnderTest) -> None:
    path = t.result("offline") / "accuracy" / "accuracy.txt"
    path.write_text(path.read_text() + "accuracy=10.0%\n")


def two_warnings(t: TreeUnderTest) -> None:
    said = ((26.0, "ERROR: USB."), (110.0, "ERROR: Bad watts reading nan from Yokogawa"))
    (t.power() / "ptd_logs.txt").write_text(ptd_text(*said))


def garbage_test04(t: TreeUnderTest) -> None:
    path = t.compliance("TEST04", "offline") / "performance/run_1/mlperf_log_detail.txt"
    path.write_text(":::MLLOG {\n")


def without_fourth(t: TreeUnderTest) -> None:
    path = t.power() / "server.json"
    document = json.loads(path.read_text())
    at = [n for n, m in enumerate(document["ptd_messages"]) if m["cmd"].startswith("SR,A")]
    del document["ptd_messages"][at[3]]
    path.write_text(json.dumps(document))


def stray_instead_of_summary(t: TreeUnderTest) -> None:
    (t.run("offline") / "mlperf_log_summary.txt").unlink()
    for name in ("a.txt", "b.txt"):
        (t.run("offline") / name).write_text("x\n")


def no_summary(t: TreeUnderTest) -> None:
    (t.run("offline") / "mlperf_log_summary.txt").unlink()


def no_first_run(t: TreeUnderTest) -> None:
    t.run("offline").rename(t.run("offline", "run_2"))


def lost_carriage_returns(t: TreeUnderTest) -> None:
    path = t.run() / "spl.txt"
    text = path.read_text()
    path.write_text(text.replace("\n", "\r\n"), newline="")
    t.sign()
    path.write_text(text)


def error_logged(t: TreeUnderTest) -> None:
    path = t.run("offline") / "mlperf_log_detail.txt"
    entry = {"key": "error_runtime", "value": "lost", "metadata": {"is_error": True, "is_warning": False}}
    path.write_text(path.read_text() + ":::MLLOG " + json.dumps(entry) + "\n")


def short_scenario(t: TreeUnderTest) -> None:
    shutil.rmtree(t.result("offline"))


UNET = (("benchmark", "3d-unet-99"), ("scenarios", ("singlestream", "offline")), ("power", False))
PLAIN = (("power", False),)
NETWORK = (("division", "network"), ("power", False))
MODE_OFF = log("offline", effective_sample_concatenate_permutation=False)


def no_measurements_json(t: TreeUnderTest) -> None:
    next(t.measurements("offline").glob("*.json")).unlink()


def mode_off_in_conf(t: TreeUnderTest) -> None:
    for name in ("mlperf.conf", "user.conf"):
        (t.measurements("offline") / name).write_text("# nothing set\n")


FLAWS = [
    Flaw(2, "v4.1", structure.no_results, "structure/results-present", VALID, VALID),
    Flaw(2, "v6.1", v6.no_results, "structure/results-present", VALID, INVALID),
    Flaw(3, "v4.1", structure.root_file, "structure/root-files", INVALID, INVALID),
    Flaw(4, "v4.1", structure.good_link, "structure/symlinks", VALID, INVALID),
    Flaw(5, "v4.1", short_scenario, "structure/required-scenarios", INVALID, INVALID, PLAIN),
    Flaw(5, "v6.1", short_scenario, "structure/required-scenarios", INVALID, INVALID, PLAIN),
    Flaw(6, "v4.1", log("offline", result_samples_per_second=0), "performance/metric", INVALID, INVALID),
    Flaw(7, "v4.1", runs.multistream_holds_offline, "performance/inferred-pair", INVALID, VALID),
    Flaw(8, "v3.0", log("offline", effective_qsl_rng_seed=1), "performance/seeds", INVALID, VALID),
    Flaw(8, "v4.0", log("offline", effective_min_duration_ms=1), "performance/min-duration", INVALID, VALID),
    Flaw(8, "v4.1", log("singlestream", early_stopping_met=False), "performance/early-stopping", INVALID, VALID, PLAIN),
    Flaw(9, "v4.1", no_measurements_json, "measurements/json-name", INVALID, INVALID),
    Flaw(9, "v4.1", lambda t: t.system_json(status=None), "system/status", INVALID, INVALID),
    Flaw(10, "v4.1", mode_off_in_conf, "measurements/equal-issue-conf", VALID, INVALID, UNET),
    Flaw(11, "v4.1", garbage_test04, "compliance/perf-run", INVALID, VALID),
    Flaw(12, "v4.1", runs.llm_invalid, "performance/validity", INVALID, VALID, runs.LLM),
    Flaw(16, "v4.1", two_warnings, "quality/ptd-log", VALID, VALID),
    Flaw(17, "v4.1", power.daemon_says("uncertain", (110.0, power.UNCERTAIN)), "quality/ptd-log", VALID, VALID),
    Flaw(18, "v4.1", power.short_and_low, "power/ranging-delta", INVALID, VALID),
    Flaw(19, "v5.1", without_fourth, "power/ptd-commands", VALID, INVALID),
    Flaw(20, "v6.1", log_v6(result_validity="INVALID"), "performance/validity", INVALID, VALID),
    Flaw(21, "v6.1", error_logged, "performance/loadgen-errors", INVALID, VALID),
    Flaw(22, "v6.1", MODE_OFF, "performance/equal-issue", VALID, VALID, UNET),
    Flaw(24, "v6.1", system_v6(is_network="False"), "system/network-fields", VALID, INVALID),
    Flaw(25, "v6.1", v6.foreign_line, "structure/log-start", VALID, INVALID),
    Flaw(25, "v6.1", system_v6(number_of_nodes="N/A"), "system/node-counts", INVALID, INVALID),
    Flaw(27, "v6.1", v6.hollow_directory, "structure/empty-dirs", VALID, VALID),
    Flaw(28, "v6.1", v6.hollow_benchmark, "structure/required-scenarios", INVALID, VALID),
    Flaw(29, "v4.1", renamed_submitter, "performance/seeds", VALID, INVALID),
    Flaw(30, "v4.1", anothers_json, "measurements/json-name", VALID, VALID, PLAIN),
    Flaw(32, "v4.1", after_the_hash, "accuracy/target", VALID, VALID),
    Flaw(35, "v4.1", log("singlestream", early_stopping_met=None), "performance/early-stopping", INVALID, VALID, PLAIN),
    Flaw(35, "v4.1", log("offline", sut_name=None), "system/sut-name", INVALID, VALID, NETWORK),
    Flaw(37, "v4.1", power.spl(lambda rows: [*rows[:9], *rows[14:]], "gap"), "quality/coverage", INVALID, VALID),
    Flaw(38, "v6.1", extra("TEST01/accuracy/notes.txt"), "compliance/test01-accuracy", INVALID, VALID),
    Flaw(42, "v2.0", stray_instead_of_summary, "structure/perf-file-list", INVALID, VALID, PLAIN),
    Flaw(43, "v0.7", old.one_bad_run, "performance/server-runs", INVALID, VALID, old.SERVER),
    Flaw(44, "v1.0", old.no_test04, "compliance/test-dir", INVALID, VALID, PLAIN),
    Flaw(45, "v2.0", log("offline", effective_qsl_rng_seed=1), "performance/seeds", INVALID, VALID, PLAIN),
    Flaw(47, "v2.0", no_first_run, "structure/perf-run-dir", INVALID, INVALID, PLAIN),
    Flaw(48, "v2.0", lost_carriage_returns, "power/results-hash", VALID, INVALID, (), True),
    Flaw(49, "v0.5", no_first_run, "structure/perf-run-dir", INVALID, INVALID, PLAIN),
    Flaw(50, "v1.0", no_summary, "structure/perf-file-list", INVALID, VALID, PLAIN),
]  # fmt: skip
REASONS = {
    1: "an empty tree or a filter that matches nothing is exit code 2 (below, and tests/checker/test_cli.py)",
    13: "held by a published kind of result: tests/checker/test_rules_modern.py, FID of SDXL",
    14: "the published revision has other limits and another name of the benchmark (later_revisions)",
    15: "the published revision has the corrected threshold (below)",
    23: "options that the official checker takes and ignores are no options of mlcheck",
    26: "the columns are written as the official checker writes them: tests/checker/test_summary_v6.py",
    31: "values are quoted as the official summary does, see tests/checker/test_summary_rounds.py",
    33: "the order of the file system is not in the tree; rows are sorted",
    34: "in the stream scenarios early stopping decides instead of the number of queries, by the rules too",
    36: "what the audit's own settings allow is judged by the rule of the run, as the official checker does",
    39: "performance/endpoint-failures; v6.0 has no metric: tests/checker/test_rules_v6_endpoints.py",
    40: "which Python runs and which module is imported is nothing in the tree",
    41: "the table of the round asks for no images",
    46: "columns and their shift are written as the official checker does: tests/checker/test_summary_rounds.py",
}
"""Flaws that leave nothing to find in a tree."""


def judged(tmp_path: Path, flaw: Flaw) -> Report:
    tree = valid_tree(tmp_path, flaw.round, **dict(flaw.about))
    flaw.edit(tree)
    if flaw.number != 48 and tree.base.is_dir() and tree.power().is_dir():
        tree.sign()
    return check_with(tree.root, Options(round=flaw.round, power_checker=flaw.power_checker))


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda f: f"F{f.number}-{f.round}-{f.rule}")
def test_a_flaw_is_known(flaw: Flaw, tmp_path: Path) -> None:
    report = judged(tmp_path, flaw)
    said = [(f.rule, f.severity.value, f.effect.value, f.message) for f in report.findings]
    assert flaw.rule in {f.rule for f in report.findings}, said
    assert (report.valid, report.reference_valid) == (flaw.ours, flaw.theirs), said


def test_every_flaw_is_shown_or_has_a_reason() -> None:
    assert {f.number for f in FLAWS} | set(REASONS) == set(range(1, 51))
    assert not {f.number for f in FLAWS} & set(REASONS)


def test_nothing_to_check_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        check_with(tmp_path, Options())


def test_thresholds_are_those_of_the_published_revision() -> None:
    targets = load_round("v5.1").benchmark("whisper").lower_limits("Offline")
    assert [90 < t.limit < 100 for t in targets] == [True]
    assert "llama3.1-8b-edge" in load_round("v5.1").facts["benchmarks"]


def test_all_rounds_of_the_flaws_are_known() -> None:
    assert {f.round for f in FLAWS} <= set(known_rounds())
    assert {f.rule for f in FLAWS} <= set(all_rules())
