"""Watches the wall clock while LoadGen runs.

LoadGen takes latencies, duration and power window from CLOCK_REALTIME: a step of some seconds fakes so many
seconds of load and stays VALID. Nothing in its logs shows this, so it is watched from outside: the
difference of CLOCK_REALTIME and CLOCK_MONOTONIC_RAW is looked at several times a second, and the kernel is asked
to report each time that the clock is set (``harness.clockset``), which catches a step taken back between two
looks. Where the kernel cannot be asked, the looks remain.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.clockset import SetWatch, timer
from harness.results import ClockEvidence
from schemas.units import UnixNs, format_rfc3339

LARGEST_STEP_NS = 1_000_000
LARGEST_SLEW_PPM = 500.0
INTERVAL_S = 0.2
TRIES = 5


@dataclass(frozen=True, slots=True)
class Look:
    """All clocks at one moment; ``width_ns`` is how long looking took."""

    realtime_ns: int
    raw_ns: int
    monotonic_ns: int
    boottime_ns: int
    width_ns: int


def look() -> Look:
    """The tightest of a few looks: the process may be put aside between two clocks."""
    return min((_look_once() for _ in range(TRIES)), key=lambda found: found.width_ns)


def _look_once() -> Look:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    realtime = time.clock_gettime_ns(time.CLOCK_REALTIME)
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    return Look(
        realtime_ns=realtime,
        raw_ns=(before + after) // 2,
        monotonic_ns=time.clock_gettime_ns(time.CLOCK_MONOTONIC),
        boottime_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME),
        width_ns=after - before,
    )


class ClockWatch:
    """Looks at the clocks from entering the context to leaving it."""

    def __init__(
        self,
        interval_s: float = INTERVAL_S,
        *,
        open_timer: Callable[[], int | None] = timer,
        read: Callable[[int, int], bytes] = os.read,
    ) -> None:
        """``open_timer`` gives the descriptor by which the kernel reports, or None; ``read`` reads it."""
        self._interval_s = interval_s
        self._sets: list[int] = []
        self._set_watch = SetWatch(self._sets.append, open_timer=open_timer, read=read)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="clockwatch", daemon=True)
        self._first = self._last = look()
        self._largest_step_ns = 0
        self._looks = 1

    def __enter__(self) -> ClockWatch:
        self._first = self._last = look()
        self._set_watch.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._see(look())
        self._set_watch.stop()

    def evidence(self) -> ClockEvidence:
        """How the clock went, once the context was left."""
        found = evidence(self._first, self._last, self._largest_step_ns, self._looks)
        return replace(found, sets_unix_ns=tuple(self._sets), kernel_reports=self._set_watch.active)

    def _watch(self) -> None:
        while not self._ended.wait(self._interval_s):
            self._see(look())

    def _see(self, now: Look) -> None:
        self._largest_step_ns = max(self._largest_step_ns, step_ns(self._last, now))
        self._last = now
        self._looks += 1


def step_ns(before: Look, after: Look) -> int:
    """How far the wall clock jumped between two looks, beyond what slewing and looking explain."""
    elapsed = after.raw_ns - before.raw_ns
    change = abs((after.realtime_ns - before.realtime_ns) - elapsed)
    slewed = int(elapsed * LARGEST_SLEW_PPM / 1e6)
    return max(0, change - slewed - (before.width_ns + after.width_ns) // 2)


def evidence(first: Look, last: Look, largest_step_ns: int, looks: int) -> ClockEvidence:
    """The summary of a watch."""
    elapsed = last.raw_ns - first.raw_ns
    gained = (last.realtime_ns - first.realtime_ns) - elapsed
    asleep = (last.boottime_ns - first.boottime_ns) - (last.monotonic_ns - first.monotonic_ns)
    return ClockEvidence(
        begin_unix_ns=UnixNs(first.realtime_ns),
        end_unix_ns=UnixNs(last.realtime_ns),
        elapsed_raw_ns=elapsed,
        elapsed_boottime_ns=last.boottime_ns - first.boottime_ns,
        largest_step_ns=largest_step_ns,
        slew_ppm=gained / elapsed * 1e6 if elapsed else 0.0,
        suspended_ns=asleep,
        looks=looks,
    )


def objection(found: ClockEvidence) -> str | None:
    """Why the clock voids a run, as one sentence; None when it does not."""
    if found.largest_step_ns > LARGEST_STEP_NS:
        return (
            f"the wall clock stepped by {found.largest_step_ns / 1e6:.1f} ms during the run, and LoadGen measures "
            "with that clock; stop whatever sets the clock (NTP, chrony, a hypervisor) and run again"
        )
    if found.sets_unix_ns:
        times = len(found.sets_unix_ns)
        return (
            f"the wall clock was set {'once' if times == 1 else f'{times} times'} during the run, first at "
            f"{format_rfc3339(UnixNs(found.sets_unix_ns[0]))}, and how far it was away in between cannot be known; "
            "stop whatever sets the clock (NTP, chrony, a hypervisor) and run again"
        )
    if abs(found.slew_ppm) > LARGEST_SLEW_PPM:
        return (
            f"the wall clock ran {found.slew_ppm:+.0f} ppm off the processor's clock, more than "
            f"{LARGEST_SLEW_PPM:.0f} ppm; let the clock settle and run again"
        )
    if abs(found.suspended_ns) > LARGEST_STEP_NS:
        return (
            f"the machine was suspended for {found.suspended_ns / 1e9:.1f} s during the run; "
            "switch suspend off and run again"
        )
    return None
