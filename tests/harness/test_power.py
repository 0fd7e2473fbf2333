"""Runs inside windows of the real daemon, on an emulated meter over a pseudo-terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checker.api import check
from harness import daemon, demo, service
from harness.demo import make_room
from harness.model import Fixture, PowerRequest, RunRequest
from schemas import documents
from schemas.errors import UserError
from schemas.loadgen import LoadgenLog
from schemas.power_session import SessionFile, hash_file

Request = Callable[..., RunRequest]
Program = Callable[..., tuple[int, str, str]]


@pytest.fixture
def meter(tmp_path: Path) -> Iterator[str]:
    """A WT310E that sees 50 W; its port."""
    process, port = daemon.emulator("yokogawa-wt300", "constant:50", tmp_path / "emulator")
    with process:
        yield port


def silent(text: str) -> None:
    assert text


def test_two_passes_in_windows_and_a_tree_that_is_valid(request_for: Request, meter: str) -> None:
    power = PowerRequest(None, "yokogawa-wt300", meter, None)
    outcome = service.run(request_for(power=power, rehearsal_s=5.0), silent)
    assert outcome.power is not None
    testing = outcome.power.windows["testing"]
    log = LoadgenLog.read(outcome.written.results / "performance/run_1/mlperf_log_detail.txt")
    (window,) = log.power_windows
    assert testing["duration_s"] == pytest.approx(window.seconds, abs=0.002)
    assert testing["coverage"] >= 0.99
    assert abs(testing["average_w"] - 50.0) < 2 * testing["average_u95_w"] + 0.05
    assert testing["simulated"] is True
    performance = outcome.written.results / "performance"
    assert {p.name for p in (performance / "power").iterdir()} == {
        "client.json",
        "client.log",
        "ptd_logs.txt",
        "server.json",
        "server.log",
    }
    for part in ("ranging", "run_1"):
        names = {p.name for p in (performance / part).iterdir()}
        assert names == {"mlperf_log_detail.txt", "mlperf_log_summary.txt", "spl.txt"}
    for side in ("client", "server"):
        session = SessionFile.read(performance / f"power/{side}.json", side)  # type: ignore[arg-type]
        assert session.results
        for name, digest in session.results.items():
            assert hash_file(performance / name) == digest, name
    record = json.loads(outcome.written.record.read_text())
    assert list(documents.violations("run-record", record)) == []
    assert set(record["windows"]) == {"ranging", "testing"}
    assert set(record["simulated"]) == {"meter"}
    assert record["unofficial"]["power_daemon"]["name"] == "powerd"
    tree = outcome.written.tree
    assert check(tree, power="unofficial", rehearsal=True).valid
    assert not check(tree, power="unofficial").valid
    assert not check(tree, rehearsal=True).valid


def test_wrong_expectation_restarts_both_passes(request_for: Request, meter: str) -> None:
    """Ranging and testing must have the same settings, so a correction begins with ranging again."""
    power = PowerRequest(None, "yokogawa-wt300", meter, None)
    request = request_for(power=power, rehearsal_s=3.0, mode="performance", target_latency_ms=500.0)
    outcome = service.run(request, silent)
    assert outcome.done.retried == ["ranging"]
    latencies = {
        LoadgenLog.read(r.log_dir / "mlperf_log_detail.txt").first("effective_target_qps")
        for r in outcome.done.results.values()
    }
    assert len(latencies) == 1


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


def test_demo_twice_into_the_same_place(program: Program, tmp_path: Path) -> None:
    """The second one replaces the first; plain judging refuses what the rehearsal forgives."""
    tree = tmp_path / "demo" / "tree"
    for _ in range(2):
        code, out, err = program("demo", "--output", tree, "--seconds", 4)
        assert code == 0, err
    for words in (
        "energy per stream:",
        "u95",
        "average power:",
        "coverage of the testing window: 1.0",
        "not official:",
    ):
        assert words in out
    assert f"next: {demo.check_command(tree, rehearsal=False)}" in out
    report = check(tree)
    assert not report.valid
    rules = {f.rule for f in report.findings}
    assert {"rehearsal/shortened", "rehearsal/synthetic", "rehearsal/simulated"} <= rules


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
