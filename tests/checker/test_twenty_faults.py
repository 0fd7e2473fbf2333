"""Tried as a new user would: twenty faults in one tree, each cured by what its finding says to do and nothing else.

``do`` is what a reader takes from the words of the report; a cure does that, by hand or with the command that the words
name. What only another run can give (a log, a hash) comes from ``runs``, which stands for the machine that ran it.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

from checker.accuracy_log import KEPT, MARK
from checker.api import check
from checker.cli import main
from checker.model import Finding, Report
from checker.reports import writer
from tests.checker.trees import LOG_HASH, TreeUnderTest, build

LONG = b'[{"seq_id": 0, "data": "00"},\n' + b" " * 20_000 + b"]\n"
LONG_HASH = hashlib.sha256(LONG).hexdigest()
Runs = TreeUnderTest
"""The tree as the runs left it, before somebody's hands were on it."""
Cure = Callable[[TreeUnderTest, Runs, Finding], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """``rule`` tells it at a path that ends with ``where``; ``do`` are words of its cure."""

    name: str
    seed: Callable[[TreeUnderTest], object]
    rule: str
    where: str
    do: str
    cure: Cure


def at(t: TreeUnderTest, found: Finding) -> Path:
    """The place of a finding."""
    return t.root / found.location.path


def remove(t: TreeUnderTest, _: Runs, found: Finding) -> None:
    path = at(t, found)
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def rename(t: TreeUnderTest, _: Runs, found: Finding) -> None:
    path = at(t, found)
    path.rename(path.with_name(path.name.replace(" ", "_")))


def fill_in(t: TreeUnderTest, _: Runs, found: Finding) -> None:
    """The field that the finding points at, or names as wanted."""
    name = (found.location.pointer or "").strip("/") or found.wanted
    t.set_json(at(t, found), **{name: "32 GB"})


def command(t: TreeUnderTest, _: Runs, __: Finding) -> None:
    """`mlcheck fix TREE --apply`; what it leaves to the user is another fault."""
    assert main(["fix", str(t.root), "--apply"]) in (0, 1)


def restore(t: TreeUnderTest, runs: Runs, found: Finding) -> None:
    """The file or directory as the run left it."""
    path = at(t, found)
    source = runs.root / found.location.path
    if source.is_dir():
        shutil.copytree(source, path)
    else:
        shutil.copy(source, path)


def run_again(t: TreeUnderTest, runs: Runs, found: Finding) -> None:
    """The run whose log it is, made anew: all of its files are others."""
    folder = at(t, found).parent
    shutil.rmtree(folder)
    shutil.copytree(runs.root / folder.relative_to(t.root), folder)


def one_run(t: TreeUnderTest, runs: Runs, found: Finding) -> None:
    """Log and text of one accuracy run, the text without its hash; the command appends it."""
    folder = at(t, found).parent
    source = runs.root / folder.relative_to(t.root)
    for name in ("mlperf_log_accuracy.json", "accuracy.txt"):
        shutil.copy(source / name, folder / name)
    text = folder / "accuracy.txt"
    text.write_text("".join(n for n in text.read_text().splitlines(True) if not n.startswith("hash=")))
    command(t, runs, found)


def write(name: str, text: str) -> Cure:
    """A document that only its author can write, under the name that the finding wants."""

    def cure(t: TreeUnderTest, _: Runs, found: Finding) -> None:
        assert fnmatch(name, found.wanted)
        path = at(t, found)
        (path / name if path.is_dir() else path).write_text(text)

    return cure


def status(t: TreeUnderTest, _: Runs, found: Finding) -> None:
    t.system_json(status=found.wanted.split(" or ")[0])


def accuracy(t: TreeUnderTest, scenario: str) -> Path:
    return t.result(scenario) / "accuracy"


def answers(t: TreeUnderTest, scenario: str, log: bytes, told: str) -> None:
    """An accuracy log, and the hash that accuracy.txt has for it."""
    (accuracy(t, scenario) / "mlperf_log_accuracy.json").write_bytes(log)
    text = accuracy(t, scenario) / "accuracy.txt"
    text.write_text(text.read_text().replace(LOG_HASH, told))


def cut(log: bytes) -> bytes:
    return log[:KEPT] + MARK + log[-KEPT:]


def hash_of_another(t: TreeUnderTest) -> None:
    answers(t, "offline", b"[1]\n", "12" * 32)


def numpy_number(t: TreeUnderTest) -> None:
    path = accuracy(t, "multistream") / "accuracy.txt"
    path.write_text("{'loss': np.float64(0.125)}\n" + path.read_text())


def byte_order_mark(t: TreeUnderTest) -> None:
    path = t.measurements("multistream") / "board_ort_multistream.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def byte_code(t: TreeUnderTest) -> None:
    folder = t.base / "code" / "__pycache__"
    folder.mkdir()
    (folder / "m.pyc").write_bytes(b"x")


def large(t: TreeUnderTest) -> None:
    with (t.base / "code" / "weights.bin").open("wb") as file:
        file.truncate(60 << 20)


SYSTEM, CODE, RESULTS = "systems/board.json", "closed/Bench/code", "closed/Bench/results/board/resnet50"
OFFLINE_JSON = "board_ort_offline.json"
FAULTS = (
    Fault(
        "status", lambda t: t.system_json(status="avail"), "system/status", SYSTEM, 'Set "status" to', status
    ),
    Fault(
        "field",
        lambda t: t.system_json(host_memory_capacity=None),
        "system/required-fields",
        SYSTEM,
        "Add the field",
        fill_in,
    ),
    Fault(
        "empty",
        lambda t: t.system_json(host_storage_type=""),
        "system/non-empty",
        SYSTEM,
        "Fill the field in",
        fill_in,
    ),
    Fault(
        "blank",
        lambda t: (t.base / "code" / "a b").touch(),
        "structure/space-names",
        "code/a b",
        "Rename it",
        rename,
    ),
    Fault(
        "hidden",
        lambda t: (t.base / "code" / ".DS_Store").touch(),
        "structure/hidden-names",
        "code/.DS_Store",
        "Remove the file",
        remove,
    ),
    Fault("byte code", byte_code, "structure/pycache", "code/__pycache__", "Remove the directory", remove),
    Fault(
        "link",
        lambda t: (t.base / "code" / "w").symlink_to("/etc/hostname"),
        "structure/symlinks",
        "code/w",
        "or remove it",
        remove,
    ),
    Fault("weights", large, "structure/file-size", "code/weights.bin", "Leave the file out", remove),
    Fault(
        "readme",
        lambda t: (t.measurements("offline") / "README.md").unlink(),
        "measurements/files",
        "offline/README.md",
        "README.md says how to repeat it",
        write("README.md", "how it was made\n"),
    ),
    Fault(
        "unsaid",
        lambda t: t.set_json(t.measurements("offline") / OFFLINE_JSON, input_data_types=""),
        "measurements/json-non-empty",
        OFFLINE_JSON,
        "Fill the field in",
        fill_in,
    ),
    Fault(
        "mark",
        byte_order_mark,
        "structure/readable",
        "board_ort_multistream.json",
        "mlcheck fix TREE --apply",
        command,
    ),
    Fault(
        "other log",
        hash_of_another,
        "quality/accuracy-hash",
        "offline/accuracy/accuracy.txt",
        "files of one accuracy run together",
        one_run,
    ),
    Fault(
        "whole log",
        lambda t: answers(t, "singlestream", LONG, LONG_HASH),
        "accuracy/log-truncated",
        "singlestream/accuracy/mlperf_log_accuracy.json",
        "mlcheck fix TREE --apply",
        command,
    ),
    Fault(
        "numpy",
        numpy_number,
        "quality/numpy-text",
        "multistream/accuracy/accuracy.txt",
        "mlcheck fix TREE --apply",
        command,
    ),
    Fault(
        "short",
        lambda t: t.set_log(t.run("multistream"), effective_min_duration_ms=1000),
        "performance/min-duration",
        "multistream/performance/run_1/mlperf_log_detail.txt",
        "run again",
        run_again,
    ),
    Fault(
        "seeds",
        lambda t: t.set_log(t.run("offline"), effective_qsl_rng_seed=1),
        "performance/seeds",
        "offline/performance/run_1/mlperf_log_detail.txt",
        "run again",
        run_again,
    ),
    Fault(
        "no verdict",
        lambda t: (t.compliance("TEST01", "multistream") / "verify_performance.txt").unlink(),
        "compliance/perf-verdict",
        "multistream/TEST01/verify_performance.txt",
        "put it back",
        restore,
    ),
    Fault(
        "no test",
        lambda t: shutil.rmtree(t.compliance("TEST04", "offline")),
        "compliance/test-dir",
        "offline/TEST04",
        "put its folder there if it was run",
        restore,
    ),
    Fault(
        "edited",
        lambda t: (t.power() / "server.log").write_text("edited\n"),
        "power/results-hash",
        "power/server.log",
        "Restore the files as they were",
        restore,
    ),
    Fault(
        "no table",
        lambda t: (t.base / "measurements" / "analyzer_table.md").unlink(),
        "measurements/power-docs",
        "resnet50/singlestream",
        "or to a directory below it",
        write("analyzer_table.md", "| Yokogawa | WT310E | single channel |\n"),
    ),
)


def text_of(report: Report) -> str:
    """The report as people read it, without what a line breaks."""
    made = io.StringIO()
    writer("text")(report, made)
    return " ".join(made.getvalue().split())


def told(report: Report, fault: Fault) -> Finding:
    """The finding that tells a fault."""
    rows = [f for f in report.findings if f.rule == fault.rule and f.location.path.endswith(fault.where)]
    assert rows, fault.name
    return rows[0]


def test_twenty_faults_are_cured_by_what_the_report_says(tmp_path: Path) -> None:
    tree, runs = build(tmp_path / "tree"), build(tmp_path / "runs")
    for fault in FAULTS:
        fault.seed(tree)
    report = check(tree.root)
    said = text_of(report)
    assert len(FAULTS) == 20
    assert not report.valid
    for fault in FAULTS:
        found = told(report, fault)
        assert f"{fault.rule}: " in said, fault.name
        assert found.location.path in said, fault.name
        assert fault.do in found.fix, fault.name
        assert found.fix in said, fault.name
        assert found.found, fault.name
        assert found.wanted, fault.name
    for fault in FAULTS:
        left = {(f.rule, f.location.path) for f in check(tree.root).findings}
        found = told(report, fault)
        if (found.rule, found.location.path) in left:  # a command cures several at once
            fault.cure(tree, runs, found)
    report = check(tree.root)
    assert report.findings == ()
    assert report.valid
    assert report.reference_valid


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_each_fault_alone_is_cured(fault: Fault, tmp_path: Path) -> None:
    tree, runs = build(tmp_path / "tree"), build(tmp_path / "runs")
    fault.seed(tree)
    fault.cure(tree, runs, told(check(tree.root), fault))
    assert check(tree.root).findings == ()


def test_the_hash_of_another_result_is_told_and_cured_though_both_logs_were_cut(tmp_path: Path) -> None:
    tree, runs = build(tmp_path / "tree"), build(tmp_path / "runs")
    for t in (tree, runs):
        for scenario, log in (("singlestream", LONG), ("offline", LONG.replace(b"00", b"01"))):
            answers(t, scenario, cut(log), hashlib.sha256(log).hexdigest())
    assert check(tree.root).findings == ()
    shutil.copy(accuracy(tree, "singlestream") / "accuracy.txt", accuracy(tree, "offline"))
    (found,) = check(tree.root).findings
    assert found.rule == "quality/shared-hash"
    assert {found.location.path.split("/")[5], found.message.split("/")[5].split(",")[0]} == {
        "singlestream",
        "offline",
    }
    assert "printed for this result" in found.fix
    shutil.copy(accuracy(runs, "offline") / "accuracy.txt", accuracy(tree, "offline"))
    assert check(tree.root).findings == ()


def test_a_hash_that_was_made_after_the_cut_is_told_and_cured(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    answers(tree, "offline", cut(LONG), hashlib.sha256(cut(LONG)).hexdigest())
    (found,) = check(tree.root).findings
    assert (found.rule, found.wanted) == ("quality/accuracy-hash", "the SHA-256 of the log before the cut")
    (accuracy(tree, "offline") / "mlperf_log_accuracy.json").write_bytes(LONG)
    text = accuracy(tree, "offline") / "accuracy.txt"
    text.write_text(text.read_text().partition("hash=")[0])
    assert main(["fix", str(tree.root), "--apply"]) == 0
    assert check(tree.root).findings == ()
    assert LONG_HASH in text.read_text()
