"""Work beside other work is done once, whatever becomes of the block or the fork."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from checker import processes
from checker.processes import beside, cores, may_fork


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "cores", lambda: 2)


def test_the_work_is_done_by_another_process_while_the_block_runs(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    with beside(lambda: seen.write_text(str(os.getpid()))):
        pass
    assert seen.read_text() != str(os.getpid())


def test_it_is_done_here_where_other_threads_run(tmp_path: Path) -> None:
    seen, over = tmp_path / "seen", threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        assert not may_fork()
        with beside(lambda: seen.write_text(str(os.getpid()))):
            assert seen.read_text() == str(os.getpid())
    finally:
        over.set()
        other.join()


def test_it_is_done_here_where_no_process_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    with beside(lambda: (tmp_path / "seen").write_text("x")):
        assert (tmp_path / "seen").exists()


def test_a_fault_of_the_work_leaves_the_block_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with beside(lambda: 1 // 0):
        pass
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, 0)
    assert "Traceback" not in capfd.readouterr().err


def test_a_fault_of_the_block_waits_for_the_work(tmp_path: Path) -> None:
    with pytest.raises(KeyError), beside(lambda: (tmp_path / "seen").write_text("x")):
        raise KeyError
    assert (tmp_path / "seen").exists()


def test_a_program_that_is_not_told_of_its_children(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with beside(lambda: (tmp_path / "seen").write_text("x")):
            pass
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert (tmp_path / "seen").exists()


def test_there_is_a_core() -> None:
    assert cores() >= 1
