"""``mlcheck`` as its users start it: a process, its exit code, its two streams, its files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.documents import violations
from tests.checker.trees import TreeUnderTest, build

ROOT = Path(__file__).resolve().parents[2]


def mlcheck(*words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "checker.cli", *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment, timeout=120, check=False
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> TreeUnderTest:
    return build(tmp_path_factory.mktemp("tree"))


def test_a_valid_tree(tree: TreeUnderTest) -> None:
    done = mlcheck(tree.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "VALID: all 3 results" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_broken_tree(tmp_path: Path) -> None:
    broken = build(tmp_path)
    broken.set_log(broken.run("offline"), effective_min_duration_ms=60000)
    done = mlcheck(broken.root)
    assert done.returncode == 1
    assert "performance/min-duration" in done.stdout
    assert "2 of 3 results" in done.stdout
    assert mlcheck(broken.root, "--scenario", "MultiStream").returncode == 0


def test_a_file_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    broken = build(tmp_path)
    (broken.run("offline") / "mlperf_log_detail.txt").write_bytes(b":::MLLOG \xff\xfe {")
    done = mlcheck(broken.root)
    assert done.returncode == 1
    assert "structure/readable" in done.stdout
    assert "offline/performance/run_1/mlperf_log_detail.txt" in done.stdout


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="rights do not bind this user")
def test_a_file_without_the_right_to_read_is_a_finding(tmp_path: Path) -> None:
    broken = build(tmp_path)
    (broken.run("offline") / "mlperf_log_detail.txt").chmod(0)
    done = mlcheck(broken.root)
    assert done.returncode == 1
    assert "structure/readable" in done.stdout


def test_two_reports_at_once(tree: TreeUnderTest, tmp_path: Path) -> None:
    first, second = tmp_path / "report.json", tmp_path / "summary.csv"
    done = mlcheck(tree.root, "--format", "json", "--output", first, "--format", "csv", "--output", second)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    document = json.loads(first.read_text(encoding="utf-8"))
    assert list(violations("report", document)) == []
    assert document["counts"]["results"] == 3
    assert second.read_text(encoding="utf-8").count("\n") == 5


def test_json_on_stdout_and_nothing_else(tree: TreeUnderTest) -> None:
    done = mlcheck(tree.root, "--format", "json")
    assert list(violations("report", json.loads(done.stdout))) == []


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--submitter", "Nobody"], "--submitter Nobody"),
        (["--round", "v9.9"], "v9.9"),
        (["--select", "no/such"], "no/such"),
        (["--format", "json", "--output", "no/such/folder/x"], "no/such/folder"),
        (["--power", "perhaps"], "perhaps"),
    ],
)
def test_wrong_usage_is_2(words: list[str], wanted: str, tree: TreeUnderTest) -> None:
    done = mlcheck(tree.root, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert wanted in done.stderr


def test_nothing_to_check_is_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file", tmp_path / "absent"):
        done = mlcheck(path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "nothing to check" in done.stderr
        assert done.stderr.count("\n") == 1


def test_an_unknown_rule_names_the_nearest() -> None:
    done = mlcheck("explain", "perf/duration")
    assert done.returncode == 2
    assert "performance/" in done.stderr
    assert mlcheck("explain", "performance/min-duration").returncode == 0
