"""Other load: what else computes on this machine takes time from the benchmark and power from the wall."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.checks.base import Line, Situation, fail, ok, warn
from harness.machine import text

if TYPE_CHECKING:
    import psutil

SUBJECT = "other load"
WATCH_S = 1.0
QUIET = 0.3
"""Processors in use by others up to which the machine counts as idle."""
BUSY_SHARE = 0.5
"""Share of the machine in use by others from which a run would be spoilt."""


def check(situation: Situation) -> Iterator[Line]:
    """Processors in use over a second, the heaviest process, the load of the last minute."""
    count = os.cpu_count() or 1
    busy, users = watch(WATCH_S)
    heaviest = _heaviest(busy, users)
    minute = text(situation.machine.proc / "loadavg").split()
    waiting = f"; load {minute[0]} over the last minute" if minute else ""
    found = f"{busy:.2f} of {count} processors in use, most by {heaviest}{waiting}"
    wanted = f"less than {QUIET:g} in use by others"
    cure = "end it or wait for its end, then run preflight again"
    if busy > BUSY_SHARE * count:
        yield fail(SUBJECT, found, wanted, cure)
    elif busy > QUIET:
        yield warn(SUBJECT, found, wanted, cure)
    elif minute and float(minute[0]) > count:
        cure = "wait a minute for what has just ended, then run preflight again"
        yield warn(SUBJECT, found, f"a load of at most {count}", cure)
    else:
        yield ok(SUBJECT, found)


def _heaviest(busy: float, users: Sequence[User]) -> str:
    """Who to look for; processes that end within the second, or of another container, cannot be named."""
    if busy > QUIET and sum(u.processors for u in users) < busy / 2:
        return "processes that come and go or cannot be seen from here"
    return str(users[0]) if users else "nobody"


@dataclass(frozen=True, slots=True)
class User:
    """A process that computed, and how many processors it had in use."""

    pid: int
    name: str
    processors: float

    def __str__(self) -> str:
        """For people."""
        return f"{self.name} (process {self.pid}, {self.processors:.2f})"


def watch(seconds: float) -> tuple[float, list[User]]:
    """Processors in use by others than us over some time, and who used them, the heaviest first."""
    import psutil

    mine = os.getpid()
    before = psutil.cpu_times()
    spent = {p: t for p in psutil.process_iter() if p.pid != mine and (t := _spent(p)) is not None}
    begin, own = time.monotonic(), time.process_time()
    time.sleep(seconds)
    length, ours = time.monotonic() - begin, time.process_time() - own
    busy = _busy(psutil.cpu_times()) - _busy(before)
    grown = {p: (now - then) / length for p, then in spent.items() if (now := _spent(p)) is not None}
    users = [User(p.pid, _name(p), share) for p, share in grown.items() if share > 0]
    return max(0.0, (busy - ours) / length), sorted(users, key=lambda u: -u.processors)


def _busy(times: object) -> float:
    """Processor seconds that were neither idle nor waiting; time of guests stands in user time already."""
    return float(sum(getattr(times, n, 0.0) for n in ("user", "nice", "system", "irq", "softirq", "steal")))


def _spent(process: psutil.Process) -> float | None:
    import psutil

    try:
        times = process.cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)


def _name(process: psutil.Process) -> str:
    import psutil

    try:
        return str(process.name())
    except psutil.Error:
        return "a process that has ended"
