"""The queue between LoadGen's thread and the workers, on a runtime that tests can hold."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.model import Fixture
from harness.process import ChildProcess
from harness.queued import QueuedSut
from harness.registry import benchmark
from schemas.errors import Failed
from schemas.loadgen import LoadgenLog
from tests.harness.test_process import job
from tests.harness.test_sut import Echo, Numbers, classes

WAIT_S = 20.0


class Held(Echo):
    """Answers only while the gate is open; says when it has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.begun = threading.Event(), threading.Event()

    def infer(self, batch: NDArray[np.float32]) -> Sequence[NDArray[np.generic]]:
        self.begun.set()
        assert self.gate.wait(WAIT_S)
        return super().infer(batch)


class Answers:
    """What was handed back, and waiting for it."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, bytes]] = []
        self._changed = threading.Condition()

    def take(self, rows: Sequence[tuple[int, int, int]]) -> None:
        with self._changed:
            self.rows.extend((i, ctypes.string_at(at, size) if size else b"") for i, at, size in rows)
            self._changed.notify_all()

    def wait(self, count: int) -> dict[int, float | None]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.rows) >= count, WAIT_S), len(self.rows)
        return classes(self.rows)


Made = tuple[QueuedSut, Held, Answers]


@pytest.fixture
def one() -> Iterator[Made]:
    """One worker, batches of three, samples 0 to 99 in memory."""
    engine, answers = Held(), Answers()
    sut = QueuedSut(benchmark("resnet50"), engine, Numbers(), batch=3, workers=1)
    sut.load(range(100))
    sut.connect(answers.take)
    yield sut, engine, answers
    engine.gate.set()
    sut.close()


def test_issuing_never_waits_and_batches_are_what_waits(one: Made) -> None:
    sut, engine, answers = one
    sut.issue([0], [0])
    assert engine.begun.wait(WAIT_S)
    begin = time.monotonic()
    for number in range(1, 9):
        sut.issue([number], [number])
    assert time.monotonic() - begin < 1.0
    assert answers.rows == [], "the runtime is held, and still everything could be issued"
    engine.gate.set()
    assert answers.wait(9) == {n: n - 1.0 for n in range(9)}
    assert engine.batches == [1, 3, 3, 2], "one that came alone, then what waited, at most three"
    sut.flush()


def test_several_workers_answer_everything_once() -> None:
    engine, answers = Echo(), Answers()
    sut = QueuedSut(benchmark("resnet50"), engine, Numbers(), batch=4, workers=4)
    sut.load(range(100))
    sut.connect(answers.take)
    for number in range(1000):
        sut.issue([number], [number % 100])
    sut.close()
    assert len(answers.rows) == 1000
    assert classes(answers.rows) == {n: n % 100 - 1.0 for n in range(1000)}
    assert sut.completed == 1000
    assert max(engine.batches) <= 4


def test_draining_completes_all_that_waits_at_once(one: Made) -> None:
    sut, engine, answers = one
    sut.issue([0], [0])
    assert engine.begun.wait(WAIT_S)
    sut.issue([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])
    sut.drain()
    assert classes(answers.rows) == dict.fromkeys(range(1, 6)), "although the only worker is still busy"
    sut.issue([6], [6])
    assert len(answers.rows) == 6
    engine.gate.set()
    assert answers.wait(7)[0] == -1.0
    assert sut.error is None
    assert engine.batches == [1]


def test_first_error_of_a_worker_is_kept_and_the_rest_is_drained(one: Made) -> None:
    sut, engine, answers = one
    engine.fail_at = 2
    engine.gate.set()
    sut.issue([0], [0])
    answers.wait(1)
    sut.issue([1], [1])
    answers.wait(2)
    sut.issue([2, 3], [2, 3])
    assert answers.wait(4) == {0: -1.0, 1: None, 2: None, 3: None}
    assert str(sut.error) == "the accelerator fell off"
    assert sut.draining


LONG = "*.Server.target_qps = 50\n*.Server.min_duration = 60000\n"


def test_long_run_that_fails_says_so_at_once(fixture: Fixture, tmp_path: Path) -> None:
    """LoadGen would wait for its whole schedule."""
    told = job(fixture, tmp_path, conf=LONG, scenario="Server", batch=8)
    begin = time.monotonic()
    with ChildProcess(told, tmp_path, entry="tests.harness.failing_child") as child:
        child.wait_for("ready")
        child.go()
        with pytest.raises(Failed, match="the accelerator fell off"):
            child.wait_for("done")
    assert time.monotonic() - begin < 40


def test_long_run_can_be_stopped(fixture: Fixture, tmp_path: Path) -> None:
    with ChildProcess(job(fixture, tmp_path, conf=LONG, scenario="Server", batch=8), tmp_path) as child:
        child.wait_for("ready")
        child.go()
        deadline = time.monotonic() + WAIT_S
        while child.progress.completed == 0 and time.monotonic() < deadline:
            child.wait_for("beat")
        begin = time.monotonic()
        child.end()
        assert time.monotonic() - begin < 12, "drained, without the force that comes after 15 s"
    assert child.ended


def test_runtime_that_fails_in_a_worker_leaves_whole_logs(fixture: Fixture, tmp_path: Path) -> None:
    """Through the real LoadGen: the process says its sentence, and LoadGen came to its end."""
    conf = "*.Server.target_qps = 60\n*.Server.min_duration = 1000\n*.Server.min_query_count = 60\n"
    told = job(fixture, tmp_path, conf=conf, scenario="Server", batch=8)
    with ChildProcess(told, tmp_path, entry="tests.harness.failing_child") as child:
        child.wait_for("ready")
        child.go()
        with pytest.raises(Failed, match="the accelerator fell off"):
            child.wait_for("done")
    log = LoadgenLog.read(tmp_path / "mlperf_log_detail.txt")
    assert log.first("result_query_count") >= 60
    assert log.errors == ()
