"""A day of measuring in moments: the daemon's own parts in a process whose clocks move only when somebody waits.

Run as a program, since the clocks are those of the whole process: ``python -m tests.trips.day FOLDER HOURS``. Prints
one JSON document a simulated hour (memory, what is in the store), and one at the end.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

S = 1_000_000_000
EPOCH_NS = 1_790_000_000 * S
BOOTED_NS = 1_000 * S
WATTS = 100.0
WINDOW_S, FIX_S, FLUSH_S = 600, 5, 60
KEPT_H = 3


class Now:
    """The instant, the same for every clock of the process; a look costs a moment, or nobody would get on."""

    def __init__(self) -> None:
        self.at_ns = BOOTED_NS
        self._lock = threading.Lock()

    def boottime_ns(self, _clock: int = 0) -> int:
        with self._lock:
            self.at_ns += 1_000
            return self.at_ns

    def unix_ns(self) -> int:
        return EPOCH_NS + self.boottime_ns()

    def pass_s(self, seconds: float) -> None:
        with self._lock:
            self.at_ns += max(0, int(seconds * S))


def simulate(now: Now) -> None:
    """Every clock of this process follows ``now``, and waiting on the loop's thread takes no time.

    The meter is the same one every day too: of meters with errors drawn at random, some (3 in 100 of this kind) are
    rightly outside a bar of 95 %.
    """
    random.SystemRandom = lambda: random.Random(1)  # type: ignore[assignment, misc]
    time.clock_gettime_ns = now.boottime_ns
    time.monotonic_ns = now.boottime_ns
    time.time_ns = now.unix_ns
    time.sleep = now.pass_s  # type: ignore[assignment]


class Until(threading.Event):
    """Set from an instant on; waiting for it lets the time pass."""

    def __init__(self, now: Now, end_ns: int) -> None:
        super().__init__()
        self._now, self._end_ns = now, end_ns

    def is_set(self) -> bool:
        return self._now.at_ns >= self._end_ns

    def wait(self, timeout: float | None = None) -> bool:
        self._now.pass_s(timeout or 0.0)
        return self.is_set()


class Day:
    """What happens beside the samples: fixes, a window of ten minutes every hour, a listener, and retention."""

    def __init__(self, service: Any, now: Now, print_row: Any) -> None:
        self._service, self._now, self._print = service, now, print_row
        self._listener = service.feed.listen(lambda: None)
        self._heard = 0
        self._next_fix_ns = self._next_flush_ns = now.at_ns
        self._opened_ns: int | None = None
        self._hour = 0
        self.closed: list[dict[str, Any]] = []

    def sample(self, reading: Any) -> None:
        """The daemon's way of a reading, and what is due by then."""
        self._service._on_reading(reading)
        at = self._now.at_ns
        if at >= self._next_fix_ns:
            self._service.take_fix()
            self._next_fix_ns = at + FIX_S * S
        if at >= self._next_flush_ns:
            self._service.store.writer.flush()
            self._heard += len(self._listener.take().happenings)
            self._next_flush_ns = at + FLUSH_S * S
        self._windows(at)
        if at - BOOTED_NS >= (self._hour + 1) * 3600 * S:
            self._hour += 1
            self._end_of_hour()

    def _windows(self, at: int) -> None:
        windows = self._service.windows
        if self._opened_ns is None and (at - BOOTED_NS) % (3600 * S) < 60 * S:
            windows.open("hourly", "wall", {}, f"window-{len(self.closed)}")
            self._opened_ns = at
        elif self._opened_ns is not None and at - self._opened_ns >= (WINDOW_S + 5) * S:
            begin = EPOCH_NS + self._opened_ns + 2 * S
            self._service.store.writer.flush()
            self.closed.append(windows.close(f"window-{len(self.closed)}", begin, begin + WINDOW_S * S, None))
            self._opened_ns = None

    def _end_of_hour(self) -> None:
        from powerd import retention

        store = self._service.store
        retention.sweep(store, self._now.unix_ns() - KEPT_H * 3600 * S)
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        self._print(
            {
                "hour": self._hour,
                "rss_bytes": pages * os.sysconf("SC_PAGE_SIZE"),
                "samples": self._service.ring.tally("wall").samples,
                "heard": self._heard,
                "waiting": store.state.waiting,
                "lost": store.state.lost,
            }
        )


def main(folder: Path, hours: float) -> None:
    """The day."""
    now = Now()
    simulate(now)
    from powerd import config
    from powerd.acquire import Acquisition
    from powerd.service import Service

    meter = config.parse_meter(
        f"wall=simulated:load:constant:{WATTS:g},interval=1s,voltage_range=300,current_range=1"
    )
    service = Service(config.Config((meter,), folder / "data", "127.0.0.1", 0))
    service.store.begin_run(now.at_ns, now.unix_ns(), "day")
    day = Day(service, now, lambda row: print(json.dumps(row), flush=True))
    loop = Acquisition(
        "wall", meter.driver, meter.port, meter.settings, service.boot_id, day.sample, service._on_event
    )
    service._meters._loops = {"wall": loop}
    loop._stopping = Until(now, BOOTED_NS + int(hours * 3600 * S) + 2 * S)
    loop._reconnect_for_ever()
    service.store.writer.flush()
    rows = [(w["energy_j"], w["energy_u95_j"], w["coverage"], w["reasons"]) for w in day.closed]
    end = {
        "windows": rows,
        "tally": service.ring.tally("wall").samples,
        "bad": service.ring.tally("wall").bad_samples,
    }
    print(json.dumps(end))
    service.store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
