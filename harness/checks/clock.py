"""The clock: LoadGen takes durations and the power window from it. It is read only, never set.

Source of the kernel's own opinion: adjtimex(2) with ``modes`` 0, which answers TIME_ERROR while nobody keeps
the clock right.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator

from harness.checks.base import Line, Situation, ok, warn
from harness.machine import Machine

SUBJECT = "clock"
TIME_ERROR = 5
WORDS = 64
"""``struct timex`` is shorter than this many longs on every Linux."""
MAXIMUM_ERROR = 3
"""Its fourth word: the largest error that the kernel allows for, in microseconds."""


def check(situation: Situation) -> Iterator[Line]:
    """Whether somebody keeps it right."""
    synchronised, error_s = state(situation.machine)
    if synchronised is None:
        wanted = "a synchronised clock"
        yield warn(SUBJECT, "the system does not tell", wanted, "look at chrony or ntpd by hand")
    elif synchronised:
        error = "" if error_s is None else f", error at most {1e3 * error_s:.3g} ms"
        yield ok(SUBJECT, f"synchronised{error}")
    else:
        cure = "start chrony or systemd-timesyncd and wait; a step in a run voids it, and stamps must be UTC"
        yield warn(SUBJECT, "not synchronised", "a clock that is kept right", cure)


def state(machine: Machine) -> tuple[bool | None, float | None]:
    """Whether the clock is kept right (None: not told), and its largest error in seconds."""
    if machine.is_this_one and sys.platform.startswith("linux"):
        words = (ctypes.c_long * WORDS)()
        try:
            answer = ctypes.CDLL(None, use_errno=True).adjtimex(words)
        except AttributeError:
            answer = -1
        if answer >= 0 and answer != TIME_ERROR:
            return True, words[MAXIMUM_ERROR] / 1e6
        if answer == TIME_ERROR:
            return False, None
    folder = machine.run / "systemd/timesync"
    if folder.is_dir():
        return (folder / "synchronized").exists(), None
    return None, None
