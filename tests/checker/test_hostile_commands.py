"""Every command on every broken tree: an answer within 20 s of work and 1 GiB, no traceback, and the tree as it was.

The bound is one of processor time, of the command and all processes that it started: how long a machine lets a program
wait says nothing about the program. The wall clock is only a guard against one that hangs.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.checker import trees_v6
from tests.checker.broken_trees import EDITS, many_systems
from tests.checker.trees import TreeUnderTest, build
from tests.checker.trees_old import build_old
from tests.trips.sentences import as_nobody

SECONDS, BYTES = 20, 1 << 30
HANGS_AFTER_S = 300
"""By the wall clock, on a machine that others use too."""
ANSWERS = (0, 1, 2)


def limited() -> None:
    """Half a gigabyte that cannot be had is a MemoryError, and so a failure of the test."""
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))


def used_seconds() -> float:
    """Processor time of all children so far that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def mlcheck(*words: object, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    before = used_seconds()
    done = subprocess.run(
        [sys.executable, "-m", "checker", *map(str, words)],
        cwd=cwd, capture_output=True, timeout=HANGS_AFTER_S, check=False,
        preexec_fn=limited, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    used, said = used_seconds() - before, done.stdout + done.stderr
    assert done.returncode in ANSWERS, (done.returncode, said[-2000:])
    assert used < SECONDS, f"{words} used {used:.1f} s"
    for word in (
        b"Traceback",
        b"internal error",
        b"internal/rule-crashed",
        b"MemoryError",
        b"\x1b[31m",
        b"\x07",
    ):
        assert word not in said, (word, said[-2000:])
    return done


def state(root: Path) -> dict[str, tuple[int, int, int, int]]:
    """What must be the same afterwards: everything that lies in a tree, with size, times and inode."""
    found = {}
    for folder, dirs, names in os.walk(root):
        for name in (*dirs, *names, "."):
            seen = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (
                seen.st_size,
                seen.st_mtime_ns,
                seen.st_ctime_ns,
                seen.st_ino,
            )
    return found


def built(root: Path, round_name: str) -> TreeUnderTest:
    if round_name == "v0.7":
        return build_old(root, round_name)
    return (
        trees_v6.build(root, round_name=round_name)
        if round_name.startswith("v6")
        else build(root, round_name=round_name)
    )


def hold(tmp_path: Path, name: str, round_name: str, *, whole: bool = True) -> None:
    tree = built(tmp_path / "tree", round_name)
    EDITS[name](tree)
    before = state(tree.root)
    forms = ("json", "sarif", "junit", "github", "markdown", "csv", "html")
    reports = [word for form in forms for word in ("--format", form, "--output", tmp_path / form)]
    named = ("--round", round_name)
    done = mlcheck(tree.root, *named, "--format", "text", "--output", "-", *reports, cwd=tmp_path)
    if done.returncode != 2:
        assert all((tmp_path / form).stat().st_size for form in forms if form != "github")
    mlcheck("prepare", tree.root, *named, "--output", tmp_path / "ready", cwd=tmp_path)
    if whole:
        mlcheck("fix", tree.root, *named, "--diff", cwd=tmp_path)
        mlcheck("summary", tree.root, *named, cwd=tmp_path)
        mlcheck(tree.root, "--jobs", 2, cwd=tmp_path)
    assert state(tree.root) == before


QUICK = ("pipes", "strange texts", "strange names", "ten gigabytes")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", QUICK)
def test_a_broken_tree_is_answered(tmp_path: Path, name: str) -> None:
    hold(tmp_path, name, "v4.1", whole=False)


@pytest.mark.proof
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("round_name", ["v4.1", "v0.7", "v6.1"])
@pytest.mark.parametrize("name", EDITS)
def test_every_broken_tree_of_old_and_new_rounds_is_answered(
    tmp_path: Path, name: str, round_name: str
) -> None:
    hold(tmp_path, name, round_name)


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_hundred_thousand_systems_are_refused_in_time(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    many_systems(100_000)(tree)
    for words in ((tree.root,), ("summary", tree.root), (tree.root, "--jobs", 2)):
        done = mlcheck(*words, cwd=tmp_path)
        assert done.returncode == 2
        assert b"100001 systems with 3 results are more than can be judged at once" in done.stderr
    assert mlcheck(tree.root, "--system", "board", cwd=tmp_path).returncode in ANSWERS


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_nine_thousand_systems_with_an_empty_result_each_are_judged_in_time(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    for at in range(9000):
        (tree.base / "results" / f"s{at}" / "resnet50" / "offline").mkdir(parents=True)
    done = mlcheck(tree.root, "--round", "v4.1", "--no-cache", "--jobs", 1, cwd=tmp_path)
    assert done.returncode == 1
    assert b"9003 results" in done.stdout


def test_folders_and_files_without_rights_are_findings() -> None:
    with tempfile.TemporaryDirectory(prefix="edgewatt-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        tree = build(place / "tree")
        (tree.base / "code").chmod(0)
        tree.measurements("offline").chmod(0o444)
        (tree.run("offline") / "mlperf_log_detail.txt").chmod(0)
        (tree.run() / "spl.txt").chmod(0)
        done = as_nobody("mlcheck", str(tree.root), "--round", "v4.1", "--format", "json", cwd=place)
        prepared = as_nobody("mlcheck", "prepare", str(tree.root), "--output", str(place / "no"), cwd=place)
    assert (done.returncode, done.stderr) == (1, "")
    found = {
        (f["path"], f["found"])
        for f in json.loads(done.stdout)["findings"]
        if f["rule"] == "structure/readable"
    }
    base, results = "closed/Bench", "closed/Bench/results/board/resnet50"
    assert found == {
        (f"{base}/code", "Permission denied"),
        (f"{base}/measurements/board/resnet50/offline", "its files cannot be looked at: Permission denied"),
        (
            f"{base}/measurements/board/resnet50/offline/board_ort_offline.json",
            "cannot be read: Permission denied",
        ),
        (f"{results}/offline/performance/run_1/mlperf_log_detail.txt", "cannot be read: Permission denied"),
        (f"{results}/singlestream/performance/run_1/spl.txt", "cannot be read: Permission denied"),
    }
    assert prepared.returncode == 2
    assert "Traceback" not in prepared.stderr


def test_a_tree_behind_a_closed_door_is_told_so() -> None:
    with tempfile.TemporaryDirectory(prefix="edgewatt-") as folder:
        place = Path(folder)
        tree = build(place / "closed" / "tree")
        place.chmod(0o755)
        (place / "closed").chmod(0o700)
        done = as_nobody("mlcheck", str(tree.root), cwd=place)
    assert done.returncode == 2
    assert "may not be read: Permission denied" in done.stderr
