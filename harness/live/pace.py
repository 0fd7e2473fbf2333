"""How fast a run goes and how long it will still take, from what it counted. Seconds on one clock."""

from __future__ import annotations

from collections import deque

from harness.expected import Expected
from harness.live.state import Count

RECENT_S = 10.0
TRACE_EVERY_S = 1.0
TRACE_LENGTH = 400


class Pace:
    """One run. It begins with the last count before the first completed sample: loading is no part of it."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self._loaded = self._completed = 0
        self._begin_s = 0.0
        self._recent: deque[tuple[float, int]] = deque()
        self._traced = (0.0, 0)
        self._trace: deque[float] = deque(maxlen=TRACE_LENGTH)

    def see(self, now_s: float, loaded: int, completed: int) -> None:
        """Take a count."""
        if completed == 0 or not self._recent:
            self._begin_s, self._traced = now_s, (now_s, completed)
            self._recent.clear()
        self._loaded, self._completed = loaded, completed
        self._recent.append((now_s, completed))
        while len(self._recent) > 2 and now_s - self._recent[1][0] >= RECENT_S:
            self._recent.popleft()
        if now_s - self._traced[0] >= TRACE_EVERY_S:
            self._trace.append((completed - self._traced[1]) / (now_s - self._traced[0]))
            self._traced = (now_s, completed)

    @property
    def begin_s(self) -> float | None:
        """When the run itself began; None before the first completed sample."""
        return self._begin_s if self._completed else None

    def mean_per_s(self) -> float | None:
        """Samples per second over the whole run."""
        if not self._completed or self._recent[-1][0] <= self._begin_s:
            return None
        return self._completed / (self._recent[-1][0] - self._begin_s)

    def count(self, now_s: float) -> Count:
        """How it stands at ``now_s``."""
        elapsed_s = max(0.0, now_s - self._begin_s) if self._completed else 0.0
        return Count(
            loaded=self._loaded,
            completed=self._completed,
            wanted=self._expected.samples,
            exact=self._expected.exact,
            elapsed_s=elapsed_s,
            left_s=self._left_s(elapsed_s) if self._completed else None,
            rate_per_s=self._recent_per_s(),
            mean_per_s=self.mean_per_s(),
            trace_per_s=tuple(self._trace),
        )

    def _recent_per_s(self) -> float | None:
        if not self._completed:
            return None
        (begin_s, before), (end_s, after) = self._recent[0], self._recent[-1]
        return (after - before) / (end_s - begin_s) if end_s > begin_s else None

    def _left_s(self, elapsed_s: float) -> float | None:
        whole = estimate_s(self._expected, self.mean_per_s())
        return None if whole is None else max(0.0, whole - elapsed_s)


def estimate_s(expected: Expected, mean_per_s: float | None) -> float | None:
    """How long a run takes at this rate: its time, its samples, or the longer of the two; None where unknown."""
    by_count = expected.samples / mean_per_s if expected.samples is not None and mean_per_s else None
    if expected.exact:
        return by_count
    known = [x for x in (by_count, expected.duration_s) if x is not None]
    return max(known) if known else None
