"""A load that can be switched: every processor of this machine busy, or none of ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_SPIN = "import os, sys\nwhile os.getppid() == int(sys.argv[1]):\n    for _ in range(200000): pass\n"
"""Ends by itself when whoever started it is gone; while stopped it takes nothing."""


class Load(Protocol):
    """Something that can be switched."""

    def switch(self, on: bool) -> None:
        """On or off, in effect on return."""


class Burner:
    """Processes that spin, stopped and continued by signals: switching takes far less than a millisecond."""

    def __init__(self, count: int) -> None:
        command = [sys.executable, "-I", "-S", "-c", _SPIN, str(os.getpid())]
        nowhere = subprocess.DEVNULL
        self._processes = [
            subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere) for _ in range(count)
        ]
        self.switch(False)

    def switch(self, on: bool) -> None:
        """Continue or stop all of them."""
        for process in self._processes:
            process.send_signal(signal.SIGCONT if on else signal.SIGSTOP)

    def close(self) -> None:
        """End them."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()


@contextmanager
def burner() -> Iterator[Burner]:
    """One spinning process a processor, ended on leaving."""
    made = Burner(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    try:
        yield made
    finally:
        made.close()
