"""How a program runs: over how many processes its work may be shared out, and how often circles are collected."""

from __future__ import annotations

import os
import sys
import threading

SELDOM = (200_000, 20, 20)
"""When the collector of circles runs: what judges leaves few circles behind and lets go of much."""


def cores() -> int:
    """Processors that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def may_fork() -> bool:
    """Whether a fork is safe: where other threads run it may leave their locks closed, and only Linux vouches for its
    libraries."""
    return sys.platform == "linux" and threading.active_count() == 1
