"""Campaigns as processes that are interrupted, and what two trees of the same campaign have in common."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.campaign import journal
from schemas.loadgen import LoadgenLog

_NUMBER = re.compile(r"\d+")
TIMES = {"begin", "end", "clock", "metric", "query_count", "calibration", "telemetry", "retried"}
"""Keys of a run record that tell of times, or of how fast the machine was."""
TEXT = """output = "tree"
round = "v4.1"
[defaults]
submitter = "tester"
threads = 1
rehearsal = {seconds}
target_latency_ms = 0.5
target_qps = 900.0
fixture = "{fixture}"
[[run]]
system = "bench"
benchmark = "resnet50"
scenario = ["SingleStream", "Offline"]
"""


def campaign_file(folder: Path, fixture: Path, seconds: float = 0.3) -> Path:
    """Two scenarios, four runs, with expectations of its own: nothing is calibrated, so settings are the same."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "campaign.toml"
    path.write_text(TEXT.format(seconds=seconds, fixture=fixture))
    return path


def start(path: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "campaign", str(path), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def whole(path: Path, *more: str) -> tuple[int, str, str]:
    process = start(path, *more)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


@dataclass(frozen=True)
class Stop:
    """How one interruption went."""

    number: int
    code: int
    took_s: float
    err: str
    begun: bool = True
    """Whether it had begun a run."""


def interrupt(path: Path, number: int, delay_s: float) -> Stop:
    """Go on with a campaign and end it after a while; a code of 0 says that it was done before."""
    before = past(path).started
    process = start(path, "--resume")
    try:
        process.wait(delay_s)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    begin_s = time.monotonic()
    _, err = process.communicate(timeout=120)
    return Stop(number, process.returncode, time.monotonic() - begin_s, err, past(path).started > before)


def completed(log: Path) -> LoadgenLog:
    """A log to which LoadGen has written its verdict: on a busy machine the child does so after the answer."""
    deadline = time.monotonic() + 60
    while (found := LoadgenLog.read(log)).first("result_validity") is None:
        assert time.monotonic() < deadline, "the child never completed its logs"
        time.sleep(0.1)
    return found


def past(path: Path) -> journal.Read:
    return journal.read(path.parent / "tree.work/campaign/journal.jsonl")


def states(path: Path) -> dict[str, str]:
    return {name: run.state for name, run in past(path).runs.items()}


def judge(path: Path, stop: Stop) -> None:
    """After an interruption the journal is consistent, and after Ctrl-C it says so."""
    assert "Traceback" not in stop.err, stop.err
    assert not past(path).garbled
    if stop.code == 0:
        return
    # A shell says 130 of both: Python 3.11 dies by the signal itself when it came within an exec() of a text, as the
    # import of a dataclass has it, although the interruption was caught.
    codes = (130, -signal.SIGINT) if stop.number == signal.SIGINT else (-signal.SIGKILL,)
    assert stop.code in codes, stop.err
    if stop.number == signal.SIGINT:
        assert stop.err.endswith("interrupted; what was written so far is kept\n")
        newest = max(past(path).runs.values(), key=lambda run: run.line["number"], default=None)
        assert not stop.begun or newest is None or newest.state != "started", "nothing counts as going on"


def series(path: Path, count: int, seed: int, longest_s: float) -> Iterator[Stop]:
    """So many interruptions at random moments, SIGINT and SIGKILL in turn; the campaign may end in between."""
    chance = random.Random(seed)
    for place in range(count):
        number = signal.SIGKILL if place % 2 else signal.SIGINT
        stop = interrupt(path, number, chance.uniform(0.3, longest_s))
        judge(path, stop)
        yield stop


def essence(tree: Path) -> dict[str, Any]:
    """Every file of a tree without what depends on times."""
    return {
        p.relative_to(tree).as_posix(): _essence(p, str(tree)) for p in sorted(tree.rglob("*")) if p.is_file()
    }


def _essence(path: Path, tree: str) -> Any:
    read: Callable[[Path], Any] | None = {
        "edgewatt.json": lambda p: _untimed(json.loads(p.read_text().replace(tree, "TREE"))),
        "mlperf_log_detail.txt": _settings,
        "mlperf_log_summary.txt": lambda p: [_name(line) for line in p.read_text().splitlines()],
    }.get(path.name)
    return path.read_bytes().replace(tree.encode(), b"TREE") if read is None else read(path)


def _name(line: str) -> str:
    """What a line of a summary is about, without its numbers."""
    return _NUMBER.sub("N", line.partition(":")[0].strip())


def _untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: None if k in TIMES else _untimed(v) for k, v in value.items()}
    return [_untimed(v) for v in value] if isinstance(value, list) else value


def _settings(path: Path) -> dict[str, Any]:
    log = LoadgenLog.read(path)
    return {
        e.key: e.value
        for e in log.entries
        if e.key.startswith(("requested_", "effective_", "result_validity"))
    }
