"""Trials whose outcome only counts when the machine let them run.

Tests with meters keep to times of a tenth of a second. On a machine that does other things too, a process is now and
then not run for that long, and then an answer is late, which is what the programs must say, and not what the test
asks. A trial that fails while that happened is made anew, from its meter on; one that fails on a calm machine fails.
"""

from __future__ import annotations

import functools
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

PERIOD_S = 0.01
BEARABLE_S = 0.06
"""How long a process may be kept waiting in a trial that counts: an answer to a meter's driver may take as long."""
TRIES = 4

Outcome = TypeVar("Outcome")


class Pulse:
    """A thread that sleeps and sees how much later it woke: a context; ``worst_s`` is the longest so far."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def _beat(self) -> None:
        before = time.monotonic()
        while not self._ended.wait(PERIOD_S):
            now = time.monotonic()
            self.worst_s = max(self.worst_s, now - before - PERIOD_S)
            before = now

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def calmly(trial: Callable[[], Outcome], *errors: type[Exception]) -> Outcome:
    """The trial's outcome; it makes all that it needs itself. ``errors``: what may fail besides assertions."""
    for left in reversed(range(TRIES)):
        with Pulse() as pulse:
            try:
                return trial()
            except (AssertionError, *errors):
                if not left or pulse.worst_s < BEARABLE_S:
                    raise
    raise AssertionError


def when_calm(test: Callable[[Path], None]) -> Callable[[Path], None]:
    """A test that is one trial in a folder: each try gets a new one."""

    @functools.wraps(test)
    def tried(tmp_path: Path) -> None:
        calmly(lambda: test(Path(tempfile.mkdtemp(dir=tmp_path))))

    return tried
