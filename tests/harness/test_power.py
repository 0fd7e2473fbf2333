"""Runs inside windows of the real daemon, on an emulated meter over a pseudo-terminal."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from checker.api import check
from harness import cli, demo
from harness.demo import make_room
from harness.model import Fixture
from schemas import documents
from schemas.errors import UserError
from schemas.loadgen import LoadgenLog
from schemas.power_session import SessionFile, hash_file
from tests.calm import calmly

Program = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A demo of one scenario on a meter that sees 50 W, in the place of an earlier one: tree and output."""
    return calmly(lambda: demo_in(tmp_path_factory.mktemp("demo") / "tree"))


def demo_in(tree: Path) -> tuple[Path, str]:
    """The tree of a demo that missed no sample, and what it said."""
    make_room(tree)
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setattr(demo, "LOAD", "constant:50")
        patch.setattr(demo, "IMAGES", 32)
        assert cli.main(["-q", "demo", "--short", "--output", str(tree), "--seconds", "5"]) == 0
    assert "coverage of the testing window: 1.0000" in said.getvalue()
    return tree, said.getvalue()


def record_of(tree: Path) -> tuple[Path, dict[str, Any]]:
    (path,) = tree.glob("open/demo/measurements/*/resnet50/SingleStream/edgewatt.json")
    return path, json.loads(path.read_text())


def performance_of(tree: Path) -> Path:
    (found,) = tree.glob("open/demo/results/*/resnet50/SingleStream/performance")
    return found


def test_demo_shows_energy_coverage_and_what_is_not_official(shown: tuple[Path, str]) -> None:
    tree, out = shown
    for words in (
        "energy per stream:",
        "(u95)",
        "average power:",
        "coverage of the testing window: 1.0000, quality good SIMULATED",
        "verdict: valid as a rehearsal",
        "not official:",
        f"tree: {tree}",
        f"next: {demo.check_command(tree, rehearsal=False)}",
    ):
        assert words in out


def test_window_is_loadgens_and_holds_the_true_power(shown: tuple[Path, str]) -> None:
    tree, _ = shown
    testing = record_of(tree)[1]["windows"]["testing"]
    (window,) = LoadgenLog.read(performance_of(tree) / "run_1/mlperf_log_detail.txt").power_windows
    assert testing["duration_s"] == pytest.approx(window.seconds, abs=0.002)
    assert testing["coverage"] >= 0.99
    # The emulated meter draws a new error across its whole specification each time: one in twenty lies beyond u95,
    # none beyond the plain sum of the limits, which is less than twice u95.
    assert abs(testing["average_w"] - 50.0) <= 2 * testing["average_u95_w"]
    assert testing["average_u95_w"] < 5.0
    assert testing["simulated"] is True


def test_session_files_are_exact_and_their_hashes_hold(shown: tuple[Path, str]) -> None:
    performance = performance_of(shown[0])
    power = {"client.json", "client.log", "ptd_logs.txt", "server.json", "server.log"}
    logs = {"mlperf_log_detail.txt", "mlperf_log_summary.txt", "spl.txt"}
    found = {d.name: {f.name for f in d.iterdir()} for d in performance.iterdir()}
    assert found == {"power": power, "ranging": logs, "run_1": logs}
    sides: tuple[Literal["client", "server"], ...] = ("client", "server")
    for side in sides:
        session = SessionFile.read(performance / f"power/{side}.json", side)
        assert session.results
        for name, digest in session.results.items():
            assert hash_file(performance / name) == digest, name


def test_record_declares_the_meter_and_the_daemon(shown: tuple[Path, str]) -> None:
    _, record = record_of(shown[0])
    assert list(documents.violations("run-record", record)) == []
    assert set(record["windows"]) == {"ranging", "testing"}
    assert set(record["simulated"]) == {"meter"}
    assert record["unofficial"]["power_daemon"]["name"] == "powerd"
    assert record["demo"] is True


def test_plain_judging_refuses_what_the_rehearsal_forgives(shown: tuple[Path, str]) -> None:
    tree, _ = shown
    assert check(tree, power="unofficial", rehearsal=True).valid
    assert not check(tree, rehearsal=True).valid, "power of powerd is not official"
    report = check(tree)
    assert not report.valid
    rules = {f.rule for f in report.findings}
    assert {"rehearsal/shortened", "rehearsal/synthetic", "rehearsal/simulated"} <= rules


def test_a_second_demo_may_take_the_place_of_the_first(shown: tuple[Path, str], tmp_path: Path) -> None:
    shutil.copytree(shown[0], tmp_path / "tree")
    shutil.copytree(shown[0].with_name("tree.work"), tmp_path / "tree.work")
    work = make_room(tmp_path / "tree")
    assert [p.name for p in tmp_path.iterdir()] == ["tree.work"]
    assert [p.name for p in work.iterdir()] == [demo.MARK]


@pytest.mark.proof
def test_demo_twice_in_a_row(program: Program, tmp_path: Path) -> None:
    for _ in range(2):
        code, out, err = program("demo", "--output", tmp_path / "tree")
        assert code == 0, err
        coverages = [float(c) for c in re.findall(r"coverage of the testing window: ([\d.]+)", out)]
        assert len(coverages) == 3
        assert min(coverages) >= 0.99
        assert out.count("energy per stream:") == 2
        assert out.count("system power:") == 1
        assert out.count("compliance: TEST01") == 3


def test_nobody_at_the_url(program: Program, fixture: Fixture, tmp_path: Path) -> None:
    code, out, err = program(
        *("-q", "run", "resnet50", "--scenario", "SingleStream", "--output", tmp_path / "tree"),
        *("--fixture", fixture.path, "--power", "http://127.0.0.1:9", "--rehearsal", 1),
    )
    assert (code, out) == (2, "")
    assert err.startswith("mlharness: no powerd answers at http://127.0.0.1:9")
    assert err.count("\n") == 1
    assert not (tmp_path / "tree").exists()


def test_no_meter_on_the_port(program: Program, fixture: Fixture, tmp_path: Path) -> None:
    code, out, err = program(
        *("-q", "run", "resnet50", "--scenario", "SingleStream", "--output", tmp_path / "tree"),
        *("--fixture", fixture.path, "--power", f"spawn:yokogawa-wt300:{tmp_path}/ttyNone", "--rehearsal", 1),
    )
    assert (code, out) == (2, "")
    assert "ttyNone" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["tree", "tree.work"])
def test_demo_never_removes_what_is_not_its_own(program: Program, tmp_path: Path, name: str) -> None:
    mine = tmp_path / name / "open" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("keep me")
    code, _, err = program("demo", "--output", tmp_path / "tree")
    assert code == 2
    assert "was not written by the demo" in err
    assert mine.read_text() == "keep me"


def test_demo_keeps_a_tree_that_holds_a_result_of_somebody(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for scenario, is_demo in (("SingleStream", True), ("Offline", False)):
        (tree / f"open/me/results/s/resnet50/{scenario}").mkdir(parents=True)
        record = tree / f"open/me/measurements/s/resnet50/{scenario}/edgewatt.json"
        record.parent.mkdir(parents=True)
        record.write_text(json.dumps({"demo": is_demo}))
    with pytest.raises(UserError, match="not written by the demo"):
        make_room(tree)
    assert (tree / "open/me/results/s/resnet50/Offline").is_dir()
