"""PTP by linuxptp: ptp4l follows a grandmaster, phc2sys carries its time to the system clock.

Sources: pmc(8) ``TIME_STATUS_NP`` (``master_offset`` in nanoseconds, ``gmPresent``), over ``/run/ptp4lro``, the socket
for those who only look (linuxptp 4), or ``/run/ptp4l``, which before that was root's alone; phc2sys(8), which clears
the kernel's ``maxerror`` at every correction. The bound is |master offset| plus that error; what PTP cannot see, a path
that is longer one way, is not in it. Confidence: medium: a real ptp4l without a master is tested, one with a master by
a planted answer only.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from powerd import kernel_clock
from powerd.boottime import boottime_ns
from powerd.clocks.base import SourceState, answer_of
from powerd.kernel_clock import KernelClock

RANK = 20
SOCKETS = (Path("/run/ptp4lro"), Path("/run/ptp4l"))
_LINE = re.compile(r"^\s*(\w+)\s+(\S+)\s*$", re.M)


def ask(sockets: tuple[Path, ...] = SOCKETS) -> SourceState | None:
    """What ptp4l says; None where it does not run or tells only root."""
    for path in sockets:
        if path.exists():
            text = answer_of(
                ("pmc", "-u", "-b", "0", "-s", str(path), "-i", _own_socket(), "GET TIME_STATUS_NP")
            )
            state = None if text is None else read(text, kernel_clock.read(), boottime_ns())
            if state is not None:
                return state
    return None


def _own_socket() -> str:
    """Where ptp4l answers to: a place that we may write and that it sees, which a private /tmp is not."""
    given = os.environ.get("RUNTIME_DIRECTORY") or os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return str(Path(given.split(":", maxsplit=1)[0]) / f"powerd-pmc-{os.getpid()}")


def read(text: str, kernel: KernelClock | None, at_ns: int) -> SourceState | None:
    """The state in pmc's answer; None for anything else."""
    values = dict(_LINE.findall(text))
    try:
        offset_ns = int(values["master_offset"])
    except (KeyError, ValueError):
        return None
    master = values.get("gmIdentity", "?")
    if values.get("gmPresent") != "true" or kernel is None or not kernel.synchronised:
        return SourceState("ptp", "not synchronised", False, at_ns)
    bound = abs(offset_ns) / 1e9 + kernel.maximum_error_s
    return SourceState(
        "ptp", f"grandmaster {master}", True, at_ns, bound, -offset_ns / 1e9, kernel.pending_leap
    )
