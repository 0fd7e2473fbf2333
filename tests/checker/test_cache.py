"""What is known of unchanged files: each edit to a tree unsettles what stands on it and nothing else, and a report is
the same whether it was judged now, by many processes, or known from before."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.api import check_with
from checker.cache import known, snapshot, store
from checker.cache.noted import FILE, WITHIN, Noted
from checker.files import Tree
from checker.model import Place, Report, Scope
from checker.options import Options
from checker.pool import PIECE, cut
from checker.reports.json import document
from checker.rule_pass import nodes
from checker.tree import Submission
from checker.unit import Judge, Unit
from tests.checker.trees import BENCHMARK, SYSTEM, TreeUnderTest, build

RESULTS = 3


@pytest.fixture(autouse=True)
def fine_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees are edited faster here than anybody could: the grain is that of this machine's clock."""
    monkeypatch.setattr(snapshot, "GRAIN_NS", 20_000_000)


def judged(tree: TreeUnderTest, cache: Path | None, **options: Any) -> Report:
    time.sleep(0.03)  # let the grain of the clock go by
    return check_with(tree.root, Options(cache=cache, **options))


def same(one: Report, other: Report) -> bool:
    """Whether two reports say the same, byte for byte, but for where it comes from."""
    texts = [json.dumps(document(r) | {"cached_results": 0}) for r in (one, other)]
    return texts[0] == texts[1]


def later(path: Path, text: str) -> None:
    path.write_text(text)


def flip(path: Path) -> None:
    """Another text of the same size and with the same times."""
    seen = path.stat()
    path.write_bytes(path.read_bytes().replace(b'"value": 1600', b'"value": 1500'))
    assert path.stat().st_size == seen.st_size
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def log(tree: TreeUnderTest) -> Path:
    return tree.run() / "mlperf_log_detail.txt"


def description(tree: TreeUnderTest) -> Path:
    return tree.base / "systems" / f"{SYSTEM}.json"


def measurements(tree: TreeUnderTest) -> Path:
    return tree.base / "measurements" / SYSTEM / BENCHMARK / "singlestream"


def compliance(tree: TreeUnderTest) -> Path:
    return tree.base / "compliance" / SYSTEM / BENCHMARK / "offline"


def first(folder: Path, pattern: str) -> Path:
    return sorted(folder.rglob(pattern))[0]


EDITS: dict[str, tuple[Callable[[TreeUnderTest], object], int]] = {
    "nothing": (lambda t: None, 3),
    "the system description": (lambda t: t.system_json(status="preview"), 0),
    "a measurements file": (lambda t: later(first(measurements(t), "*.json"), "{}"), 2),
    "a log of a compliance test": (lambda t: later(first(compliance(t), "mlperf_log_detail.txt"), "x\n"), 2),
    "a text of a compliance test": (
        lambda t: later(first(compliance(t), "verify_performance.txt"), "no\n"),
        2,
    ),
    "a detail log": (lambda t: t.sub(log(t), "VALID", "INVALID"), 2),
    "as many bytes, times set back": (lambda t: flip(log(t)), 2),
    "only touched": (lambda t: os.utime(log(t)), 2),
    "replaced by its like": (lambda t: os.replace(shutil.copy2(log(t), t.root / "copy"), log(t)), 2),
    "a file added": (lambda t: later(t.run() / "notes.txt", "what is this"), 2),
    "a file removed": (lambda t: (t.run() / "mlperf_log_summary.txt").unlink(), 2),
    "a file renamed": (lambda t: log(t).rename(t.run() / "mlperf_log_details.txt"), 2),
    "a directory removed": (lambda t: shutil.rmtree(compliance(t)), 2),
    "a link instead of a file": (lambda t: (log(t).unlink(), log(t).symlink_to("/nowhere")), 2),
    "sources": (lambda t: later(t.base / "code" / BENCHMARK / "ort" / "README.md", "run it so\n"), 3),
    "the calibration document": (lambda t: (t.base / "calibration.md").unlink(), 0),
    "a stray file in the root": (lambda t: later(t.root / "notes.txt", "what is this"), 3),
    "a description without results": (lambda t: later(t.base / "systems" / "other.json", "{}"), 3),
    "a system more": (lambda t: shutil.copytree(t.base / "results" / SYSTEM, t.base / "results" / "b2"), 3),
}
"""Edits, and how many of the three results are still known after each."""


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_unsettles_what_stands_on_it_and_nothing_else(name: str, tmp_path: Path) -> None:
    edit, still_known = EDITS[name]
    tree, cache = build(tmp_path / "tree"), tmp_path / "cache"
    assert judged(tree, cache).cached_results == 0
    assert judged(tree, cache).cached_results == RESULTS
    edit(tree)
    warm = judged(tree, cache)
    assert same(warm, judged(tree, None))
    assert warm.cached_results == still_known
    again = judged(tree, cache)
    assert again.cached_results == len(again.results)
    assert same(again, warm)


@pytest.mark.parametrize("seed", range(3))
def test_any_row_of_edits_leaves_cold_and_warm_alike(seed: int, tmp_path: Path) -> None:
    tree, cache, chance = build(tmp_path / "tree"), tmp_path / "cache", random.Random(seed)
    for name in chance.sample(sorted(EDITS), 8):
        try:
            EDITS[name][0](tree)
        except (OSError, AssertionError, IndexError):
            continue  # what it edits went with an edit before
        jobs = chance.choice((1, 3))
        assert same(judged(tree, cache, jobs=jobs), judged(tree, None, jobs=1)), name


def test_a_file_written_just_now_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "GRAIN_NS", 3_600_000_000_000)
    tree, cache = build(tmp_path / "tree"), tmp_path / "cache"
    assert [judged(tree, cache).cached_results for _ in range(3)] == [0, 0, 0]
    monkeypatch.setattr(snapshot, "GRAIN_NS", 1_000_000)
    assert [judged(tree, cache).cached_results for _ in range(2)] == [0, RESULTS]


def test_another_question_is_not_answered(tmp_path: Path) -> None:
    tree, cache = build(tmp_path / "tree"), tmp_path / "cache"
    judged(tree, cache)
    assert judged(tree, cache, power="unofficial").cached_results == 0
    assert judged(tree, cache, power_checker=False).cached_results == 0
    assert judged(tree, cache, ignore=("power",)).cached_results == RESULTS


def test_another_program_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, cache = build(tmp_path / "tree"), tmp_path / "cache"
    judged(tree, cache)
    monkeypatch.setattr(known, "stamp", lambda: "another")
    assert judged(tree, cache).cached_results == 0
    monkeypatch.setattr(known, "stamp", lambda: "")
    assert judged(tree, cache).cached_results == 0


@pytest.mark.parametrize("at", [0, 5, 40, 90, 500, -1])
def test_a_damaged_cache_is_an_empty_one(at: int, tmp_path: Path) -> None:
    tree, cache = build(tmp_path / "tree"), tmp_path / "cache"
    cold = judged(tree, cache)
    (file,) = cache.iterdir()
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    warm = judged(tree, cache)
    assert warm.cached_results == 0
    assert same(warm, cold)
    file.write_bytes(data[: len(data) // 2])
    assert judged(tree, cache).cached_results == 0
    assert judged(tree, cache).cached_results == RESULTS


def test_a_cache_of_another_form_is_an_empty_one(tmp_path: Path) -> None:
    tree, cache = build(tmp_path / "tree"), tmp_path / "cache"
    judged(tree, cache)
    (file,) = cache.iterdir()
    kept = store.load(file)
    assert kept is not None
    for snapshot_, units in ((b"\xc1", kept.units), (kept.snapshot, dict.fromkeys(kept.units, b"\x90"))):
        assert store.save(file, store.Kept(snapshot_, kept.names, kept.notes, units))
        assert judged(tree, cache).cached_results == 0


def test_no_cache_forgets(tmp_path: Path) -> None:
    tree, cache = build(tmp_path / "tree"), tmp_path / "cache"
    judged(tree, cache)
    assert judged(tree, cache, forget=True).cached_results == 0
    assert list(cache.iterdir()) == []
    assert judged(tree, cache).cached_results == 0


def test_a_cache_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    tree, cache = build(tmp_path / "tree"), tmp_path / "cache"
    cache.write_text("a file")
    assert same(judged(tree, cache), judged(tree, None))
    assert judged(tree, Path("/dev/full/cache")).valid


def test_nothing_is_written_into_the_tree(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    before = sorted(tree.root.rglob("*"))
    judged(tree, tree.root / "cache")
    judged(tree, tree.root)
    assert sorted(tree.root.rglob("*")) == before


def test_the_cache_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setattr(store, "MOST", 5000)
    for name in range(8):
        assert store.save(cache / f"{name}.judged", store.Kept(b"x" * 1500, b"", b"", {}))
        os.utime(cache / f"{name}.judged", (name, name))
    assert sorted(p.name for p in cache.iterdir()) == ["5.judged", "6.judged", "7.judged"]
    monkeypatch.setattr(store, "LARGEST", 1000)
    assert not store.save(cache / "large.judged", store.Kept(b"x" * 1500, b"", b"", {}))
    assert store.load(cache / "7.judged") is None


def test_two_programs_at_once(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    command = [sys.executable, "-m", "checker", str(tree.root), "--format", "json"]
    environment = {**os.environ, store.ENVIRONMENT: str(tmp_path / "cache")}
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(3)]
    said = [json.loads(p.communicate(timeout=60)[0]) | {"cached_results": 0} for p in running]
    assert said[0] == said[1] == said[2]
    assert len([p for p in (tmp_path / "cache").iterdir() if not p.name.startswith(".new")]) == 1


@pytest.mark.parametrize("jobs", [2, 5])
def test_one_system_is_shared_out(jobs: int, tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    t = tree.run("multistream") / "mlperf_log_detail.txt"
    t.write_text("no log\n")
    assert same(judged(tree, None, jobs=jobs), judged(tree, None, jobs=1))


def test_pieces_are_alike_in_weight_and_lose_nothing() -> None:
    units = [Unit(Scope.RESULT, Place(scenario=str(at))) for at in range(10)]
    pieces = list(cut(zip(units, [PIECE // 2] * 3 + [PIECE * 5] + [1] * 6, strict=True)))
    assert [unit for piece in pieces for unit in piece] == units
    assert list(map(len, pieces)) == [2, 2, 6]


def within(path: str, notes: set[str]) -> bool:
    """Whether a note stands for all of a directory above a file."""
    parts = path.split("/")
    return any(WITHIN + "/".join(parts[:depth]) in notes for depth in range(1, len(parts)))


def test_every_file_that_is_opened_is_noted(tmp_path: Path) -> None:
    """The notes of a unit hold every file of the tree that its rules open, which the interpreter itself tells."""
    tree = build(tmp_path / "tree")
    submission = Submission(Tree(tree.root), tree.round)
    judge, root = Judge(submission.tree, tree.round, Options()), os.path.join(tree.root, "")
    opened: set[str] = set()
    listening = True

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "open" and str(arguments[0]).startswith(root):
            opened.add(str(arguments[0]).removeprefix(root))

    sys.addaudithook(hear)
    read = 0
    for scope, place in [(s, n.place) for n, s in nodes(submission, Options().only)][1:]:
        opened.clear()
        found = judge.judge(Unit(scope, place))
        assert found.notes is not None
        notes = set(found.notes.split("\0"))
        assert all(FILE + path in notes or within(path, notes) for path in opened)
        read += len(opened)
    listening = False
    assert read > 30


def test_what_leads_anywhere_is_never_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    plain = Tree(tmp_path)
    for loose, ask in (
        (False, lambda tree: tree.root / "a"),
        (True, lambda tree: tree.root / "b"),
        (True, lambda tree: tree.root / "../a"),
        (True, lambda tree: os.fspath(tree.root)),
        (True, lambda tree: tree.root.parent),
    ):
        tree = Noted(plain)
        ask(tree)
        assert tree.loose is loose
