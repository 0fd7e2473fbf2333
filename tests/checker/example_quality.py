"""What the examples of our own rules do to a tree: runs, samples and documents of a set-up that cannot be true."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.checker import test_rules_quality as quality
from tests.checker.example_changes import accuracy_text, code
from tests.checker.example_edits import Apply, change_log, spelled_here, system_json
from tests.checker.trees import LOG_HASH, Edit, TreeUnderTest
from tests.checker.trees_old import OldTree

METER = "YOKOGAWA;{};C3XA04010E;F1.04"


def pairs(find: Callable[[TreeUnderTest], Path]) -> Apply:
    """All ``"key": value`` pairs of the example in a JSON file."""

    def apply(t: TreeUnderTest, text: str) -> None:
        plain = re.sub(r" (?:under|in|for) [\w/-]+$", "", spelled_here(t, text))
        t.set_json(find(t), **json.loads("{" + plain + "}"))

    return apply


def logged_text(t: TreeUnderTest, text: str) -> None:
    """``"key": "text"`` in the log of Offline."""
    for key, value in json.loads("{" + text + "}").items():
        t.set_log(t.run("offline"), **{key: value})


def first_of_text(t: TreeUnderTest, text: str) -> None:
    """The example is the first line of what the accuracy script printed."""
    path = accuracy_text(t)
    path.write_text(f"{text}\n{path.read_text()}")


def one_hash(t: TreeUnderTest) -> None:
    """Two results of a tree of any round have different logs and one hash."""
    found = sorted(t.root.rglob("accuracy/accuracy.txt"))
    texts = [path for path in found if LOG_HASH in path.read_text()][:2]
    assert len(texts) == 2
    for at, path in enumerate(texts):
        (path.parent / "mlperf_log_accuracy.json").write_text(f"[{at}]\n")


def both_logs(t: TreeUnderTest, text: str) -> None:
    """The rate in the summary, and the one in the detail log."""
    printed, logged = re.findall(r"(\d+)", text)
    t.set_log(t.run("offline"), result_samples_per_second=int(logged))
    summary = f"Scenario : Offline\nSamples per second : {printed}\n"
    (t.run("offline") / "mlperf_log_summary.txt").write_text(summary)


def named_sut(t: TreeUnderTest, text: str) -> None:
    """``X in the accuracy run, Y in the performance run``, ``X in offline, Y in singlestream`` where accuracy runs
    do not tell (v0.5, v0.7), or ``sut_name X in all runs``."""
    everywhere = re.search(r"sut_name (\w+) in all", text)
    told = {kind: name for name, kind in re.findall(r"(\w+) in (?:the )?(\w+)", text)}
    for log in sorted((t.base / "results").rglob("mlperf_log_detail.txt")):
        kind = next((k for k in told if k in log.parts), "")
        if everywhere or kind:
            change_log(t, log.parent, "sut_name", everywhere[1] if everywhere else told[kind])


def slowest(t: TreeUnderTest, text: str) -> None:
    """``slowest query X, 99.9th percentile Y``, in seconds or milliseconds."""
    units = {"s": 1_000_000_000, "ms": 1_000_000}
    most, usual = (int(n) * units[u] for n, u in re.findall(r"(\d+) (m?s)\b", text))
    if isinstance(t, OldTree) and t.in_summary:
        t.set_summary(t.run(), "Max latency (ns)", str(most))
        t.set_summary(t.run(), "99.90 percentile latency (ns)", str(usual))
        return
    values = {"result_max_latency_ns": most, "result_99__90_percentile_latency_ns": usual}
    t.set_log(t.run(), **values)


def copied(t: TreeUnderTest, text: str) -> None:
    """``the detail log of TEST01 is a copy``; of ``run_2`` in v0.5, which has no tests."""
    match = re.search(r"log of (\w+) is a copy", text)
    if match is None:
        return
    if match[1] == "run_2":
        source, target = (t.run("Server", f"run_{n}") for n in (1, 2))
    else:
        source, target = t.run("offline"), t.compliance(match[1], "offline") / "performance" / "run_1"
    if isinstance(t, OldTree) and t.in_summary:
        t.set_summary(source, "Mean latency (ns)", "23456789")
        shutil.copy(source / "mlperf_log_summary.txt", target / "mlperf_log_summary.txt")
    quality.copy(source, target)


def meters_told(t: TreeUnderTest, text: str) -> None:
    """``X in the table, Y in the log``, or ``X in the table and in the log``."""
    match = re.fullmatch(r"(\w+) in the table(?: and in the log|, (\w+) in the log)", text)
    assert match, text
    _document(t, "analyzer_table.md").write_text(f"| Yokogawa | {match[1]} | single channel |\n")
    model, path = match[2] or match[1], t.power() / "server.json"
    path.write_text(re.sub(r"YokogawaWT\w+,1000,", f"Yokogawa{model},1000,", path.read_text()))
    quality.named_meter(t.run().parent, METER.format(model))


def _document(t: TreeUnderTest, name: str) -> Path:
    """Where the round keeps it, or a submitter may."""
    return next(iter(sorted(t.base.rglob(name))), t.base / "measurements" / name)


def says_todo(t: TreeUnderTest) -> None:
    """A table that nobody filled in."""
    _document(t, "analyzer_table.md").write_text("TODO\n")


def as_wt310e(edit: Edit) -> Edit:
    """With a meter that names itself, so that its uncertainty can be told in every round."""

    def both(t: TreeUnderTest) -> None:
        quality.named_meter(t.run().parent, METER.format("WT310E"))
        edit(t)

    return both


def faster_test(t: TreeUnderTest) -> None:
    """TEST01 is 15 % above the result."""
    change_log(
        t, t.compliance("TEST01", "offline") / "performance" / "run_1", "result_samples_per_second", 92.6
    )


def a_pipe(t: TreeUnderTest) -> None:
    """A named pipe beside the sources."""
    os.mkfifo(code(t) / "pipe")


def keys_as_written(t: TreeUnderTest, text: str) -> None:
    """The keys of the example at the end of the system description, in place of the one that it had."""
    path = system_json(t)
    known = {k: v for k, v in json.loads(path.read_text()).items() if f'"{k}"' not in text}
    path.write_text(json.dumps(known)[:-1] + ", " + text.removeprefix("{"))
