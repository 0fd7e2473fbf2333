"""Energy per query and mean power while a run goes on.

The meter's samples lag behind the counts and the window opens before the run begins, so the count is taken at the
instant that the energy stands for, and only what came after the first such instant within the run is divided.
"""

from __future__ import annotations

from collections import deque

KEPT = 400
"""Counts: more than a minute at four a second."""


class PerQuery:
    """One run in one window. Instants are Unix nanoseconds of this machine."""

    def __init__(self, per_query: int) -> None:
        self._per_query = per_query
        self._counts: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self._base: tuple[float, float, int] | None = None
        self.joules: float | None = None
        self.watts: float | None = None

    def counted(self, at_unix_ns: int, completed: int) -> None:
        """So many samples were completed at this instant."""
        self._counts.append((at_unix_ns, completed))

    def measured(self, at_unix_ns: int, energy_j: float) -> None:
        """The window had so much energy up to this instant; ``joules`` per query and mean ``watts`` follow."""
        done = self._completed_at(at_unix_ns)
        if done is None or done <= 0:
            return
        if self._base is None:
            self._base = (energy_j, done, at_unix_ns)
            return
        gained_j = energy_j - self._base[0]
        if done > self._base[1]:
            self.joules = gained_j / (done - self._base[1]) * self._per_query
        if at_unix_ns > self._base[2]:
            self.watts = gained_j / (at_unix_ns - self._base[2]) * 1e9

    def _completed_at(self, at_unix_ns: int) -> float | None:
        """Between two counts; None outside of what is kept."""
        later: tuple[int, int] | None = None
        for at, completed in reversed(self._counts):
            if at <= at_unix_ns:
                if later is None:
                    return float(completed) if at == at_unix_ns else None
                return completed + (later[1] - completed) * (at_unix_ns - at) / (later[0] - at)
            later = (at, completed)
        return None
