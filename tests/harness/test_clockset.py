"""The kernel's word that the clock was set: a descriptor that says so, and the real timer on a quiet clock.

No test sets the clock of the machine: a stand-in for reading the descriptor answers as the kernel does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import sys
import time
from collections.abc import Iterator

import pytest

from harness.clockset import SetWatch, timer
from harness.clockwatch import ClockWatch, objection


class Kernel:
    """A descriptor that becomes readable on ``say`` and whose reading fails with the error that was said."""

    def __init__(self) -> None:
        self.fd, self._write = os.pipe()
        self._answers: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def say(self, error: int | None) -> None:
        self._answers.put(error)
        os.write(self._write, b"x")

    def read(self, fd: int, size: int) -> bytes:
        os.read(fd, 1)
        error = self._answers.get_nowait()
        if error is not None:
            raise OSError(error, os.strerror(error))
        return b"x" * size

    def close(self) -> None:
        os.close(self._write)


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    found = Kernel()
    yield found
    found.close()


def test_each_cancellation_is_one_event_with_its_time(kernel: Kernel) -> None:
    events: queue.SimpleQueue[int] = queue.SimpleQueue()
    watch = SetWatch(events.put, open_timer=lambda: kernel.fd, read=kernel.read)
    watch.start()
    before = time.time_ns()
    for error in (errno.ECANCELED, errno.EAGAIN, errno.ECANCELED):
        kernel.say(error)
    times = [events.get(timeout=10) for _ in range(2)]
    watch.stop()
    assert before <= times[0] <= times[1] <= time.time_ns()
    assert events.empty(), "nothing to read is no event"


@pytest.mark.parametrize("end", [None, errno.EBADF])
def test_a_timer_that_ends_otherwise_is_no_event(kernel: Kernel, end: int | None) -> None:
    events: list[int] = []
    watch = SetWatch(events.append, open_timer=lambda: kernel.fd, read=kernel.read)
    watch.start()
    kernel.say(end)
    with contextlib.suppress(BrokenPipeError):  # it may have stopped listening already
        kernel.say(errno.ECANCELED)
    watch.stop()
    assert events == []


def test_a_set_clock_voids_a_run_although_no_look_saw_a_step(kernel: Kernel) -> None:
    watching = ClockWatch(open_timer=lambda: kernel.fd, read=kernel.read)
    with watching:
        kernel.say(errno.ECANCELED)
        deadline = time.monotonic() + 10
        while not watching.evidence().sets_unix_ns and time.monotonic() < deadline:
            time.sleep(0.005)
    found = watching.evidence()
    assert found.largest_step_ns < 1_000_000
    assert len(found.sets_unix_ns) == 1
    assert found.to_json()["sets_unix_ns"] == list(found.sets_unix_ns)
    said = str(objection(found))
    assert "was set once during the run" in said
    assert "\n" not in said


def test_without_the_kernel_the_looks_remain() -> None:
    with ClockWatch(0.01, open_timer=lambda: None) as watching:
        time.sleep(0.1)
    found = watching.evidence()
    assert not found.kernel_reports
    assert found.looks > 4
    assert objection(found) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the timer is Linux's")
def test_real_timer_is_silent_while_nobody_sets_the_clock() -> None:
    fd = timer()
    assert fd is not None
    with pytest.raises(BlockingIOError):
        os.read(fd, 8)
    os.close(fd)
    before = len(os.listdir("/proc/self/fd"))
    with ClockWatch(0.02) as watching:
        time.sleep(0.2)
    found = watching.evidence()
    assert found.kernel_reports
    assert found.sets_unix_ns == ()
    assert objection(found) is None
    assert len(os.listdir("/proc/self/fd")) == before, "every descriptor is closed"
