"""Compliance tests with the real LoadGen: an honest system passes, each planted cheat is found."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from checker.api import check
from harness import audit, runner, service
from harness.compliance.base import Evidence, compare_scores
from harness.model import Fixture, RunRequest
from harness.plan import plan
from harness.process import ChildProcess
from harness.registry import benchmark
from harness.results import Verdict
from harness.runner import NoPower, Runner
from schemas import documents
from schemas.errors import Failed, UserError
from schemas.loadgen import LoadgenLog
from schemas.rounds import load_round
from tests.harness.conftest import plain_request

Program = Callable[..., tuple[int, str, str]]
ROUND = load_round("v4.1")
TESTS = ROUND.benchmark("resnet").compliance_tests
PLACE = "closed/tester/compliance/bench/resnet50/Offline"
RUN = {"performance/run_1/mlperf_log_detail.txt", "performance/run_1/mlperf_log_summary.txt"}


def silent(text: str) -> None:
    assert text


@dataclass(frozen=True)
class Honest:
    """A closed result of an honest system, and the notes that a cheat for the order of samples needs."""

    request: RunRequest
    outcome: service.Outcome
    notes: Path


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[pytest.MonkeyPatch, Path]]:
    """Children with a runtime of fixed speed; the environment says how they cheat."""
    notes = tmp_path_factory.mktemp("notes") / "pairs.txt"
    with pytest.MonkeyPatch.context() as patch:
        entry = functools.partial(ChildProcess, entry="tests.harness.cheating_child")
        patch.setattr(runner, "ChildProcess", entry)
        patch.setenv("EDGEWATT_TEST_CHEAT", "none")
        patch.setenv("EDGEWATT_TEST_NOTES", str(notes))
        yield patch, notes


@pytest.fixture(scope="module")
def honest(
    timed: tuple[pytest.MonkeyPatch, Path], fixture: Fixture, tmp_path_factory: pytest.TempPathFactory
) -> Honest:
    tree = tmp_path_factory.mktemp("honest") / "tree"
    request = replace(
        plain_request(fixture, tree),
        division="closed",
        scenario="Offline",  # its score is a mean, which a busy machine moves least
        target_qps=70.0,
        rehearsal_s=3.0,
    )
    return Honest(request, service.run(request, silent), timed[1])


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def later(honest: Honest, folder: Path) -> RunRequest:
    """The same result without its compliance, and the request for that alone."""
    tree = folder / "tree"
    shutil.copytree(honest.request.output, tree)
    shutil.copytree(honest.request.output.with_name("tree.work"), folder / "tree.work")
    shutil.rmtree(tree / "closed/tester/compliance")
    return replace(honest.request, output=tree, mode="compliance", target_qps=None, rehearsal_s=None)


def test_honest_system_passes_in_order(honest: Honest) -> None:
    done = honest.outcome.done
    assert list(done.results) == ["performance", "accuracy", "TEST01", "TEST04", "TEST05"]
    tree = honest.request.output / PLACE
    verdicts = {name: v.performance.lines for name, v in done.verdicts.items() if not v.performance.passed}
    assert verdicts == {}
    verify = {"verify_performance.txt"}
    accuracy = {"verify_accuracy.txt", "accuracy/accuracy.txt", "accuracy/mlperf_log_accuracy.json"}
    assert files(tree / "TEST01") == RUN | verify | accuracy
    assert files(tree / "TEST04") == RUN | verify
    assert files(tree / "TEST05") == RUN | verify
    for path in tree.glob("*/verify_*.txt"):
        assert path.read_text().splitlines()[-1] == "TEST PASS"


def test_each_run_had_its_settings(honest: Honest) -> None:
    logs = {
        name: LoadgenLog.read(
            honest.request.output / PLACE / name / "performance/run_1/mlperf_log_detail.txt"
        )
        for name in TESTS
    }
    for name, log in logs.items():
        seeds = ROUND.seeds("TEST05" if name == "TEST05" else "default")
        assert {key: log.first(f"effective_{key}") for key in seeds} == dict(seeds), name
        assert bool(log.first("effective_performance_issue_same")) == (name == "TEST04")
        assert log.first("effective_min_duration_ms") == 3000
    whole = (honest.outcome.done.results["TEST01"].log_dir / "mlperf_log_accuracy.json").read_bytes()
    assert len(json.loads(whole)) > 16
    said = (honest.request.output / PLACE / "TEST01/accuracy/accuracy.txt").read_text().splitlines()
    assert said[-1] == "hash=" + hashlib.sha256(whole).hexdigest()


def test_checker_finds_nothing_to_say_about_it(honest: Honest) -> None:
    report = check(honest.request.output, rehearsal=True)
    left = [f for f in report.findings if f.rule.startswith("compliance/") and not f.forgiven]
    assert left == []
    record = json.loads(honest.outcome.written.record.read_text())
    assert list(documents.violations("run-record", record)) == []
    assert record["compliance"]["TEST01"]["accuracy"]["bitwise_equal"] is True
    assert set(record["compliance"]) == set(TESTS)


def cheated(honest: Honest, timed: pytest.MonkeyPatch, folder: Path, name: str, cheat: str) -> Verdict:
    """The verdict of one test on a system that cheats."""
    timed.setenv("EDGEWATT_TEST_CHEAT", cheat)
    planned = plan(later(honest, folder))
    spec = next(s for s in planned.specs if s.name == name)
    done = Runner(replace(planned, specs=(spec,)), folder / "logs", NoPower(), silent).run()
    timed.setenv("EDGEWATT_TEST_CHEAT", "none")
    return audit.verify(planned, done)[name]


@pytest.mark.parametrize(("name", "cheat"), [("TEST04", "cached"), ("TEST05", "order")])
def test_cheats_on_speed_are_found(
    honest: Honest, timed: tuple[pytest.MonkeyPatch, Path], tmp_path: Path, name: str, cheat: str
) -> None:
    verdict = cheated(honest, timed[0], tmp_path, name, cheat)
    assert not verdict.performance.passed
    assert "TEST PASS" not in verdict.performance.text
    with pytest.raises(Failed, match=f"{name} performance .*speed of this test"):
        audit.refuse({name: verdict}, tmp_path, shortened=False)
    audit.refuse({name: verdict}, tmp_path, shortened=True)


def test_changed_outputs_are_found(
    honest: Honest, timed: tuple[pytest.MonkeyPatch, Path], tmp_path: Path, program: Program
) -> None:
    request = later(honest, tmp_path)
    timed[0].setenv("EDGEWATT_TEST_CHEAT", "changed")
    code, out, err = program(
        *("-q", "run", "resnet50", "--scenario", "Offline", "--output", request.output),
        *("--fixture", request.fixture, "--division", "closed", "--submitter", "tester", "--system", "bench"),
        *("--mode", "compliance", "--threads", 1),
    )
    timed[0].setenv("EDGEWATT_TEST_CHEAT", "none")
    assert (code, out) == (1, "")
    assert "TEST01 accuracy" in err
    assert err.count("\n") == 1
    folder = request.output / PLACE / "TEST01"
    assert "TEST PASS" not in (folder / "verify_accuracy.txt").read_text()
    assert {"accuracy/baseline_accuracy.txt", "accuracy/compliance_accuracy.txt"} <= files(folder)
    report = check(request.output, rehearsal=True)
    assert any(f.rule == "compliance/test01-accuracy" and not f.forgiven for f in report.findings)


def forgiven_of_test04(tree: Path) -> list[bool]:
    found = [f for f in check(tree, rehearsal=True).findings if f.rule == "compliance/perf-verdict"]
    return [f.forgiven for f in found if "/TEST04/" in f.location.path]


def test_a_score_out_of_tolerance_is_forgiven_to_a_rehearsal_only(
    honest: Honest, fixture: Fixture, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(honest.request.output, tree)
    apart = Evidence(
        "Offline", ROUND, "resnet", benchmark("resnet50"), fixture.dataset, 100.0, 130.0, Path(), Path()
    )
    check_ = compare_scores(apart, both_ways=False)
    assert not check_.passed
    (tree / PLACE / "TEST04/verify_performance.txt").write_text(check_.text)
    assert forgiven_of_test04(tree) == [True]
    (tree / PLACE / "TEST04/verify_performance.txt").write_text("TEST FAIL\n")
    assert forgiven_of_test04(tree) == [False]


def test_baseline_must_be_there(honest: Honest, tmp_path: Path) -> None:
    request = later(honest, tmp_path)
    planned = plan(request)
    assert planned.baseline is not None
    assert [s.name for s in planned.specs] == ["TEST01", "TEST04", "TEST05"]
    planned.baseline.accuracy_log.write_bytes(b"[]")
    with pytest.raises(UserError, match=r"whole accuracy log .* TEST01 compares with it"):
        plan(request)
    performance = request.output / "closed/tester/results/bench/resnet50/Offline/performance/run_1"
    (performance / "mlperf_log_detail.txt").write_text(":::MLLOG {broken\n")
    with pytest.raises(UserError, match="is not a log of LoadGen"):
        plan(request)
    for part, mode in (("accuracy", "accuracy"), ("performance", "performance")):
        shutil.rmtree(request.output / f"closed/tester/results/bench/resnet50/Offline/{part}")
        with pytest.raises(UserError, match=f"run with --mode {mode} first"):
            plan(request)


def test_nothing_is_overwritten(honest: Honest) -> None:
    with pytest.raises(UserError, match="TEST01 exists already"):
        plan(replace(honest.request, mode="compliance", rehearsal_s=None, target_qps=None))


@pytest.mark.parametrize(
    ("scenario", "reference", "measured", "up_only", "both"),
    [
        ("SingleStream", 1e6, 1.05e6, True, True),
        ("SingleStream", 1e6, 1.2e6, True, False),
        ("SingleStream", 1e6, 0.9e6, False, False),
        ("SingleStream", 1.9e5, 1.65e5, True, True),
        ("MultiStream", 1.6e6, 1.4e6, True, True),
        ("MultiStream", 1.7e6, 1.5e6, False, False),
        ("Offline", 100.0, 109.0, True, True),
        ("Offline", 100.0, 111.0, False, False),
        ("Offline", 100.0, 89.0, True, False),
        ("MultiStream", 0.0, 1e6, False, False),
    ],
)
def test_tolerances(
    fixture: Fixture, scenario: str, reference: float, measured: float, up_only: bool, both: bool
) -> None:
    evidence = Evidence(
        scenario, ROUND, "resnet", benchmark("resnet50"), fixture.dataset, reference, measured, Path(), Path()
    )
    assert compare_scores(evidence, both_ways=False).passed is up_only
    assert compare_scores(evidence, both_ways=True).passed is both


def test_test01_samples_as_published_runs_of_the_round_did(corpus: Path) -> None:
    """Seed and target are facts of the round; LoadGen wrote those in force into the published logs."""
    facts = load_round("v4.1").facts["loadgen"]["test01"]
    logs = sorted(
        corpus.glob("v4.1/closed/*/compliance/*/*/*/TEST01/performance/run_1/mlperf_log_detail.txt")
    )
    assert len(logs) > 10
    for path in logs:
        log = LoadgenLog.read(path)
        official = load_round("v4.1").official_name(path.parts[-6])
        assert log.first("effective_accuracy_log_rng_seed") == facts["accuracy_log_rng_seed"]
        assert log.first("effective_accuracy_log_sampling_target") == facts["sampling_target"][official]
