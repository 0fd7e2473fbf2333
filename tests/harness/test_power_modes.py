"""Power in one guarded run, and a daemon that is lost in a run: on an emulated meter, with the real daemon."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from checker.api import check
from harness import daemon, service
from harness.model import Fixture, PowerRequest, RunRequest
from harness.observer import Unseen
from powerd.client import ClockTie
from schemas import documents
from schemas.errors import Failed

Program = Callable[..., tuple[int, str, str]]
Request = Callable[..., RunRequest]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[str]:
    """A meter that sees 50 W."""
    meter, port = daemon.emulator("yokogawa-wt300", "constant:50", tmp_path)
    with meter:
        yield port


def record(tree: Path) -> dict[str, Any]:
    (path,) = tree.rglob("edgewatt.json")
    document: dict[str, Any] = json.loads(path.read_text())
    assert list(documents.violations("run-record", document)) == []
    return document


def performance(tree: Path) -> Path:
    (found,) = tree.glob("*/*/results/*/*/*/performance")
    return found


def test_one_guarded_run_measures_without_ranging(
    program: Program, fixture: Fixture, port: str, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    code, out, err = program(
        *("run", "resnet50", "--scenario", "Offline", "--output", tree, "--fixture", fixture.path),
        *(
            "--rehearsal",
            4,
            "--mode",
            "performance",
            "--submitter",
            "me",
            "--system",
            "board",
            "--threads",
            1,
        ),
        *("--power", f"spawn:yokogawa-wt300:{port}", "--power-mode", "guarded"),
    )
    assert code == 0, err
    assert "ranging" not in err
    said = record(tree)
    assert said["unofficial"]["power_mode"] == "guarded"
    assert said["runs"].keys() == {"performance"}
    window = said["windows"]["testing"]
    assert abs(window["average_w"] - 50.0) <= 2 * window["average_u95_w"]
    assert [p.name for p in performance(tree).iterdir()] == ["run_1"], "no power result in the tree"
    found = re.search(r"samples per joule: (\S+) ± (\S+) \(u95\)", out)
    assert found is not None
    samples = float(said["shortened"]["offline_samples"]["used"])
    each, u95 = samples / window["energy_j"], samples * window["energy_u95_j"] / window["energy_j"] ** 2
    assert float(found[1]) == pytest.approx(each, rel=1e-3)
    assert float(found[2]) == pytest.approx(u95, rel=0.05)
    rules = {f.rule for f in check(tree, rehearsal=True).findings}
    assert not [rule for rule in rules if rule.startswith("power/")], "nothing claims to be a power result"


def test_guarded_needs_power(program: Program, fixture: Fixture, tmp_path: Path) -> None:
    code, _, err = program(
        *("run", "resnet50", "--scenario", "Offline", "--output", tmp_path / "tree"),
        *("--fixture", fixture.path, "--power-mode", "guarded"),
    )
    assert code == 2
    assert "--power-mode guarded needs --power" in err


class Killer(Unseen):
    """Kills a daemon when the testing run has been going on for a moment."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._windows = 0

    def opened(self, window_id: str, clock: ClockTie) -> None:
        self._windows += 1
        if self._windows == 2:
            threading.Timer(1.0, os.kill, (self._pid, signal.SIGKILL)).start()


def test_a_daemon_that_never_comes_back_costs_the_power_and_not_the_run(
    request_for: Request, port: str, tmp_path: Path
) -> None:
    process, url = daemon.powerd("yokogawa-wt300", port, tmp_path / "powerd")
    with process:
        request = request_for(
            power=PowerRequest(url, None, None, None), rehearsal_s=3.0, target_latency_ms=1.0
        )
        with pytest.raises(
            Failed, match=r"power was lost in the testing run \(.*\); the result is in .* without power"
        ):
            service.run(request, lambda _: None, Killer(process._process.pid))
    tree = request.output
    said = record(tree)
    assert said["power_lost"]["phase"] == "testing"
    assert said["windows"] == said["unofficial"] == {}
    assert [p.name for p in performance(tree).iterdir()] == ["run_1"]
    assert (performance(tree).with_name("accuracy") / "accuracy.txt").is_file(), (
        "what came after it was made too"
    )
