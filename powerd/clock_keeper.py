"""Notes a clock fix every two seconds, and says when somebody set the system clock."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from powerd.clock import ClockFix, ClockModel, Tie, is_step, take_fix
from schemas.units import NS_PER_S

EVERY_S = 2.0
_KEPT = 2048


class ClockKeeper:
    """A thread that takes fixes; ``note`` takes one at once. Thread safe."""

    def __init__(
        self, boot: str, keep: Callable[[ClockFix], None], tell: Callable[[int, str, str], None]
    ) -> None:
        self._boot = boot
        self._keep = keep
        self._tell = tell
        self._lock = threading.Lock()
        self._ties: deque[Tie] = deque(maxlen=_KEPT)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        """Take the first fix at once, then go on."""
        self.note()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join(5.0)

    @property
    def alive(self) -> bool:
        """Whether fixes are being taken."""
        return self._thread.is_alive()

    def note(self) -> None:
        """Take a fix now and keep it."""
        fix = take_fix(self._boot)
        tie = Tie(fix.boottime_ns, fix.utc_ns, fix.u95_ns)
        with self._lock:
            before = self._ties[-1] if self._ties else None
            self._ties.append(tie)
        self._keep(fix)
        if before is not None and is_step(before, tie):
            by_s = (tie.offset_ns - before.offset_ns) / NS_PER_S
            self._tell(tie.local_ns, "clock-step", f"somebody set the system clock by {by_s:+.3f} s")

    def model(self) -> ClockModel:
        """BOOTTIME to UTC by the latest fixes."""
        with self._lock:
            return ClockModel(self._ties)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            self.note()
