"""``--watch``: a change is judged once it has settled, what it changed is said, Ctrl-C ends with 130."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from checker import watch
from checker.api import check
from checker.model import Report
from checker.watch import Change, signature
from schemas.errors import UserError
from tests.checker.trees import build

ROOT = Path(__file__).resolve().parents[2]


class Script:
    """A clock that does something at each tick and presses Ctrl-C after the last."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = list(steps)

    def __call__(self, seconds: float) -> None:
        if not self.steps:
            raise KeyboardInterrupt
        self.steps.pop(0)()


def nothing() -> None:
    return None


def watched(root: Path, *steps: Callable[[], object]) -> tuple[list[tuple[Report, Change]], list[str]]:
    shown: list[tuple[Report, Change]] = []
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        watch.watch(
            [root], lambda: check(root), lambda r, c: shown.append((r, c)), said.append, Script(*steps)
        )
    return shown, said


def test_a_change_is_judged_once_and_says_what_it_changed(tmp_path: Path) -> None:
    tree = build(tmp_path)
    stray = tree.base / "code" / "a b"
    shown, said = watched(
        tree.root, nothing, lambda: stray.write_text("x"), nothing, nothing, stray.unlink, nothing, nothing
    )
    assert said == []
    assert [r.valid for r, _ in shown] == [True, False, True]
    assert [[f.rule for f in c.new] for _, c in shown] == [[], ["structure/space-names"], []]
    assert [[f.rule for f in c.cured] for _, c in shown] == [[], [], ["structure/space-names"]]
    assert [c.files for _, c in shown] == [0, 1, 1]


def test_a_copy_that_goes_on_is_waited_for(tmp_path: Path) -> None:
    tree = build(tmp_path)
    part = tree.base / "code" / "part"
    shown, _ = watched(tree.root, *(lambda n=n: part.write_text("x" * n) for n in range(1, 6)), nothing)
    assert len(shown) == 2
    assert shown[1][1].files == 1


def test_a_tree_that_is_away_for_a_while(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    away = tmp_path / "away"
    shown, said = watched(
        tree.root, lambda: tree.root.rename(away), nothing, lambda: away.rename(tree.root), nothing
    )
    assert len(said) == 1
    assert "does not exist" in said[0]
    assert [r.valid for r, _ in shown] == [True, True]


def test_a_tree_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        watch.watch([tmp_path / "no"], lambda: check(tmp_path / "no"), lambda r, c: None, print, nothing)  # type: ignore[arg-type]


def test_a_signature_sees_sizes_times_and_names(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("x")
    before = signature([tmp_path])
    os.utime(file, ns=(1, 1))
    later = signature([tmp_path])
    assert watch.changed(before, later) == 1
    (tmp_path / "dangling").symlink_to("nowhere")
    assert watch.changed(later, signature([tmp_path])) == 1


ALIVE = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from checker.cli import main; sys.exit(main())"
)
"""The program with Ctrl-C switched on, which a background process may have off."""


@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
def test_the_command_ends_with_130(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    target = tmp_path / "report.json"
    words = [str(tree.root), "--watch", "--format", "json", "--output", str(target)]
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", ALIVE, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(child.stdout.readline, "")))  # type: ignore[union-attr]
    reader.start()
    try:
        wait(lambda: any("VALID" in line for line in lines))
        (tree.base / "code" / "a b").write_text("x")
        wait(lambda: any("new" in line and "structure/space-names" in line for line in lines))
    finally:
        child.send_signal(signal.SIGINT)
        code = child.wait(30)
        reader.join(30)
    assert code == 130
    assert any("NOT VALID" in line for line in lines)
    assert '"structure/space-names"' in target.read_text()


def wait(done: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)
