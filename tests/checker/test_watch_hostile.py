"""``--watch`` through the real command on trees that change under its eyes into what nobody submits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.checker.trees import TreeUnderTest, build
from tests.trips import sentences

HEARING = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
"""Ctrl-C switched on, which a background process may have off."""
GUARD_S = 90
"""By the wall clock: a watch that hangs says nothing more."""


class Watched:
    """A watch that goes on, and what it said so far."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child, self.lines = child, list[str]()
        self._readers = [
            threading.Thread(target=lambda s=stream: self.lines.extend(iter(s.readline, "")))  # type: ignore[misc]
            for stream in (child.stdout, child.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def says(self, *words: str, after: int = 0) -> int:
        """Wait for a line with all words; the number of lines up to it."""
        end = time.monotonic() + GUARD_S
        while True:
            for number, line in enumerate(self.lines[after:], start=after + 1):
                if all(word in line for word in words):
                    return number
            assert self.child.poll() is None, self.lines
            assert time.monotonic() < end, (words, self.lines)
            time.sleep(0.05)

    def end(self) -> int:
        """Ctrl-C."""
        self.child.send_signal(signal.SIGINT)
        code = self.child.wait(GUARD_S)
        for reader in self._readers:
            reader.join(GUARD_S)
        return code


@contextmanager
def watched(tree: TreeUnderTest, *, as_nobody: bool = False) -> Iterator[Watched]:
    words = [str(tree.root), "--round", "v4.1", "--watch", "--no-cache"]
    program = (
        sentences.program_of_nobody(
            "mlcheck", words, "pickle rich.console rich.table checker.watch checker.compact"
        )
        if as_nobody
        else ""
    )
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", HEARING + (program or "from checker.cli import main; sys.exit(main())"), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        env=sentences.environment(COLUMNS="400"),
    )  # fmt: skip
    found = Watched(child)
    try:
        yield found
        assert found.end() == 130, found.lines
    finally:
        if child.poll() is None:
            child.kill()
    assert "Traceback" not in "".join(found.lines)
    assert "internal" not in "".join(found.lines)


def step(shown: Watched, change: Callable[[], object], *words: str) -> None:
    """A change, and what the watch says of it."""
    before = len(shown.lines)
    change()
    shown.says(*words, after=before)


def test_pipes_loops_and_files_that_vanish_are_judged_and_the_watch_goes_on(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    log, code = tree.run("offline") / "mlperf_log_detail.txt", tree.base / "code"
    text = log.read_text()

    def pipe() -> None:
        log.unlink()
        os.mkfifo(log)

    def back() -> None:
        log.unlink()
        log.write_text(text)

    with watched(tree) as shown:
        shown.says("VALID")
        step(shown, log.unlink, "NOT VALID")
        step(shown, lambda: log.write_text(text), ": VALID")
        step(shown, pipe, "new", "structure/special-file")
        step(shown, back, "cured", "structure/special-file")
        step(shown, lambda: (code / "loop").symlink_to(".."), "no finding came or went")
        step(shown, lambda: (code / "self").symlink_to("self"), "new", "structure/symlinks")
        step(shown, lambda: [p.unlink() for p in (code / "loop", code / "self")], ": VALID")


def test_a_tree_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    away = tmp_path / "away"
    with watched(tree) as shown:
        shown.says("VALID")
        step(shown, lambda: tree.root.rename(away), "mlcheck: ", "does not exist")
        step(shown, lambda: away.rename(tree.root), ": VALID")


def test_files_that_come_and_go_all_the_time_are_waited_for(tmp_path: Path) -> None:
    """Nothing is judged while something writes; then once, and what was there and went is not spoken of."""
    tree = build(tmp_path / "tree")
    stop = threading.Event()

    def churn() -> None:
        number = 0
        while not stop.wait(0.02):
            path = tree.base / "code" / f"part {number % 7}"
            path.unlink() if path.exists() else path.write_text("x" * number)
            number += 1

    busy = threading.Thread(target=churn)
    with watched(tree) as shown:
        shown.says("VALID")
        before = len(shown.lines)
        busy.start()
        time.sleep(3)
        stop.set()
        busy.join()
        for path in (tree.base / "code").glob("part *"):
            path.unlink()
        (tree.base / "code" / "a b").write_text("x")
        shown.says("new", "structure/space-names", "a b", after=before)
        step(shown, (tree.base / "code" / "a b").unlink, ": VALID")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_that_may_no_longer_be_read_is_a_finding() -> None:
    with tempfile.TemporaryDirectory(prefix="edgewatt-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        tree = build(place / "tree")
        try:
            with watched(tree, as_nobody=True) as shown:
                shown.says("VALID")
                step(shown, lambda: (tree.base / "code").chmod(0), "new", "structure/readable")
                step(shown, lambda: (tree.base / "code").chmod(0o755), "cured", "structure/readable")
        finally:
            (tree.base / "code").chmod(0o755)
            shutil.rmtree(tree.root)
