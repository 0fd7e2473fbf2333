"""Whether work may be shared out over processes, over how many, and work that is done beside other work."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator


def cores() -> int:
    """Processors that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def may_fork() -> bool:
    """Whether a fork is safe: where other threads run it may leave their locks closed, and only Linux vouches for its
    libraries."""
    return sys.platform == "linux" and threading.active_count() == 1


@contextlib.contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Do something of which only the outside shows, such as writing a file, while the block runs: in a fork of this
    process, or before the block where there cannot be one. What goes wrong in the fork is not told."""
    try:
        child = os.fork() if may_fork() and cores() > 1 else -1
    except OSError:  # no more processes
        child = -1
    if child < 0:
        work()
    elif child == 0:
        try:
            gc.disable()
            work()
        finally:
            os._exit(0)
    try:
        yield
    finally:
        if child > 0:
            with contextlib.suppress(ChildProcessError):  # where nobody is told of children that end
                os.waitpid(child, 0)
