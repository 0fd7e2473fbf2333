"""From polls to updates, for meters that hold their last update and answer at once.

A poll says little: the value may be as old as the meter's whole interval. Two polls with different values say more:
between them an update ended. Such an instant, and every further one, narrows the phase of the meter's updates to the
stretch in which all of them agree; between changes the stretch widens by as much as the interval is in doubt, which
the same instants narrow too. Polls lie closer than updates, and not at a whole share of them, so that their phase
against the updates wanders. Equal values say nothing by themselves: they are a repeat while the same update stands, and
an update of its own once the phase says that one must have passed. Repeats are dropped.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from powerd.stamping import DRIFT, Update

POLLS_PER_UPDATE = 4.382
"""No simple fraction, so that the polls' phase wanders evenly over the update."""
_FLOOR_NS = 200_000
_LONGEST_COUNT = 500
"""Updates after which counting begins anew, so that a slow change of the meter's clock is followed."""


@dataclass(frozen=True, slots=True)
class PollTiming:
    """How a meter is to be polled.

    ``tolerance`` is how far its update interval may differ from the one it is said to have (share of it),
    ``shortest_ns`` the time between two questions that it needs.
    """

    tolerance: float = DRIFT
    shortest_ns: int = 0


class PollFollower:
    """Follows the updates of one meter in ``poll`` timing, one answer after the other."""

    def __init__(
        self,
        interval_ns: int,
        byte_time_ns: int,
        delay_ns: int,
        delay_u95_ns: int,
        timing: PollTiming | None = None,
    ) -> None:
        if interval_ns <= 0:
            raise ValueError(f"an interval of {interval_ns} ns is none")
        timing = timing or PollTiming()
        self._interval_ns = interval_ns
        self._byte_time_ns = byte_time_ns
        self._delay_ns = delay_ns
        self._base_u95_ns = delay_u95_ns + _FLOOR_NS
        self._interval = _Interval(interval_ns, timing.tolerance)
        self._shortest_ns = timing.shortest_ns
        self._asked_ns: int | None = None
        self._values: Hashable = None
        self._edge: tuple[int, int] | None = None
        self._end_ns: int | None = None

    @property
    def next_ask_ns(self) -> int:
        """When to ask next; 0 for at once."""
        if self._asked_ns is None:
            return 0
        about_ns = (self._interval.shortest_ns + self._interval.longest_ns) // 2
        return self._asked_ns + max(self._shortest_ns, int(about_ns / POLLS_PER_UPDATE))

    def reacquire(self) -> None:
        """The meter was set anew, its updates may have moved."""
        self._edge = self._asked_ns = None
        self._interval.forget()

    def follow(self, request_ns: int, first_byte_ns: int, values: Hashable = None) -> Update | None:
        """The update that an answer stands for; None for one that was handed on already.

        ``request_ns`` and ``first_byte_ns`` bound the instant at which the meter took its values.
        """
        seen_ns = max(request_ns, first_byte_ns - self._byte_time_ns)
        before, self._asked_ns = self._asked_ns, request_ns
        changed, self._values = values != self._values, values
        # The update that is held now ended within the last interval before it was taken.
        youngest = request_ns - self._interval.longest_ns
        if before is None or self._edge is None:
            return self._emit((youngest, seen_ns), self._since(seen_ns))
        if changed:
            return self._changed((max(before, youngest), seen_ns))
        return self._unchanged(request_ns, seen_ns, youngest)

    def latest_before(self, now_ns: int) -> Update | None:
        """An answer that could not be read costs nothing: the meter still holds the update, and is asked again."""
        return None

    def _changed(self, seen: tuple[int, int]) -> Update:
        """An update ended within ``seen``: how many later it is than the last one, and where both agree."""
        assert self._edge is not None
        count = max(1, -((self._edge[1] - seen[0]) // self._interval.longest_ns))
        low, high = self._predict(count)
        both = max(low, seen[0]), min(high, seen[1])
        if both[0] > both[1]:  # the updates have moved: believe what was seen
            self._interval.forget()
            return self._emit(seen, self._since(seen[1]))
        if self._predict(count + 1)[0] > seen[1]:
            self._interval.learn(both, count)
        else:  # it may have been one more: nothing is learned from this
            self._interval.lose_count()
        return self._emit(both, count)

    def _unchanged(self, request_ns: int, seen_ns: int, youngest: int) -> Update | None:
        """The same values: a repeat, unless an update must have passed since."""
        assert self._edge is not None
        sure = (request_ns - self._edge[1]) // self._interval.longest_ns
        if sure < 1:
            return None
        self._interval.lose_count()
        low, high = self._predict(sure)
        if self._predict(sure + 1)[0] > seen_ns:
            low = max(low, youngest)
        if low > high or high - low > self._interval_ns:
            low, high = youngest, seen_ns
        return self._emit((low, high), sure)

    def _emit(self, edge: tuple[int, int], count: int) -> Update:
        """Hand on the update whose end was seen within ``edge``, ``count`` updates after the last one."""
        self._edge = edge
        half = (edge[1] - edge[0] + 1) // 2
        end = edge[0] + half - self._delay_ns
        u95 = self._base_u95_ns + half
        missed: tuple[int, ...] = ()
        if self._end_ns is not None:
            earliest = self._end_ns + self._interval_ns // 4
            u95 += max(0, earliest - end)
            end = max(end, earliest)
            step = (end - self._end_ns) // count
            missed = tuple(end - (count - i) * step for i in range(1, count))
        self._end_ns = end
        return Update(end, u95, missed)

    def _since(self, seen_ns: int) -> int:
        """Updates since the last one by time alone."""
        if self._end_ns is None:
            return 1
        return max(1, round((seen_ns - self._delay_ns - self._end_ns) / self._interval_ns - 0.5))

    def _predict(self, count: int) -> tuple[int, int]:
        """Where the update ``count`` after the last one ends."""
        assert self._edge is not None
        return (
            self._edge[0] + count * self._interval.shortest_ns,
            self._edge[1] + count * self._interval.longest_ns,
        )


class _Interval:
    """Between which bounds the meter's true interval lies: first what is said of it, then what was seen.

    Two updates that were seen n apart bound the interval by the stretches in which they ended. It never gets narrower
    than two clocks can drift against each other.
    """

    def __init__(self, interval_ns: int, tolerance: float) -> None:
        self._said = round(interval_ns * (1 - tolerance)), round(interval_ns * (1 + tolerance))
        self._drift_ns = min(round(interval_ns * DRIFT), (self._said[1] - self._said[0]) // 2)
        self.shortest_ns, self.longest_ns = self._said
        self._first: tuple[int, int] | None = None
        self._count = 0

    def forget(self) -> None:
        """The meter was set anew or moved: only what is said of it holds."""
        self.shortest_ns, self.longest_ns = self._said
        self.lose_count()

    def lose_count(self) -> None:
        """How many updates have passed is no longer sure."""
        self._first = None

    def learn(self, edge: tuple[int, int], count: int) -> None:
        """An update ended within ``edge``, ``count`` after the one before."""
        self._count += count
        if self._first is None or self._count > _LONGEST_COUNT:
            self._first, self._count = edge, 0
            return
        low = -((self._first[1] - edge[0]) // self._count)
        high = (edge[1] - self._first[0]) // self._count
        shortest, longest = max(self.shortest_ns, low), min(self.longest_ns, high)
        if shortest > longest:
            self.forget()
            return
        wider = max(0, 2 * self._drift_ns - (longest - shortest))
        self.shortest_ns = max(self._said[0], shortest - (wider + 1) // 2)
        self.longest_ns = min(self._said[1], longest + (wider + 1) // 2)
