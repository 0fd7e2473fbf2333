"""From raw stamps to the interval that a reading stands for.

A meter's updates lie on a grid: equidistant by the meter's own clock, which may be off by some 100 ppm. What
we see of an update is the first byte of the answer, less the time of that byte on the wire and the driver's
delay, which is known to within the driver's own uncertainty. Scheduling and buffering only ever make that
instant late, never early, so the follower keeps to the lower envelope: an earlier observation is believed at
once, a later one only as far as the clocks can have drifted apart since. A whole missing interval is a missed
update.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

DRIFT = 200e-6
"""How fast the envelope may rise: twice what a meter's crystal is off (100 ppm)."""
PROMPT_NS = 50_000_000
"""An answer within this (or a quarter interval) of an update was set off by it."""
RELOCK = 32
"""After so many late answers in a row the grid itself has moved, and the least late of them is believed."""
_FLOOR_NS = 200_000


@dataclass(frozen=True, slots=True)
class Update:
    """Where one answer belongs: end of its interval with the half-width that holds it, and losses before it.

    ``missed_ends_ns`` are the ends of the updates between the previous answer and this one.
    """

    end_ns: int
    u95_ns: int
    missed_ends_ns: tuple[int, ...]


class UpdateFollower:
    """Follows the update grid of one meter in ``wait`` or ``push`` timing, one answer after the other."""

    def __init__(self, interval_ns: int, byte_time_ns: int, delay_ns: int, delay_u95_ns: int) -> None:
        if interval_ns <= 0:
            raise ValueError(f"an interval of {interval_ns} ns is none")
        self._interval_ns = interval_ns
        self._shift_ns = byte_time_ns + delay_ns
        self._base_u95_ns = delay_u95_ns + byte_time_ns + _FLOOR_NS
        self._end_ns: int | None = None
        self._since_prompt = 0
        self._least_late_ns = 0
        self._acquiring = True

    def reacquire(self) -> None:
        """The meter was set anew, its grid may have moved: believe the next answer as it comes."""
        self._acquiring = True

    @property
    def next_ask_ns(self) -> int:
        """When to ask next: at once, the meter or the line makes us wait."""
        return 0

    @property
    def next_end_ns(self) -> int | None:
        """About where the next update ends (a quarter interval early, so that a prompt one counts)."""
        return None if self._end_ns is None else self._end_ns + self._interval_ns * 3 // 4

    def follow(self, request_ns: int, first_byte_ns: int, values: Hashable = None) -> Update:
        """The update that an answer stands for, from the instants of its question and its first byte."""
        seen = first_byte_ns - self._shift_ns
        if self._end_ns is None or self._acquiring:
            return self._acquire(seen)
        count, doubt = self._count(self._end_ns, request_ns, seen)
        expected = self._end_ns + count * self._interval_ns
        allowance = int(DRIFT * self._interval_ns * count)
        late = seen - expected
        self._note_lateness(late, allowance, count)
        if self._since_prompt >= RELOCK:
            allowance, self._since_prompt = max(allowance, self._least_late_ns), 0
        end = expected + min(max(late, -self._interval_ns // 4), allowance)
        missed = tuple(end - (count - i) * self._interval_ns for i in range(1, count))
        self._end_ns = end
        # No interval ends after its answer: where the grid had run ahead, the half-width reaches back.
        ahead = max(0, end - seen)
        u95 = self._base_u95_ns + self._unsure_ns() + doubt * self._interval_ns + ahead
        return Update(end, u95, missed)

    def latest_before(self, now_ns: int) -> Update:
        """The update for an answer that could not be read: the last one before ``now_ns``, one on at least."""
        if self._end_ns is None:
            return self.follow(now_ns, now_ns)
        count = max(1, (now_ns - self._shift_ns - self._end_ns) // self._interval_ns)
        first = self._end_ns
        self._end_ns = first + count * self._interval_ns
        self._since_prompt += count
        missed = tuple(first + i * self._interval_ns for i in range(1, count))
        return Update(self._end_ns, self._base_u95_ns + self._unsure_ns(), missed)

    def _acquire(self, seen_ns: int) -> Update:
        """The first answer: it may be late by up to an interval, since an update may have passed before it."""
        before, step = self._end_ns, self._interval_ns
        missed: tuple[int, ...] = ()
        if before is not None:
            seen_ns = max(seen_ns, before + step // 4)
            count = max(1, round((seen_ns - before) / step))
            missed = tuple(seen_ns - (count - i) * step for i in range(1, count))
        self._end_ns, self._since_prompt, self._acquiring = seen_ns, 0, False
        return Update(seen_ns, self._base_u95_ns + step // 2, missed)

    def _note_lateness(self, late_ns: int, allowance_ns: int, count: int) -> None:
        if late_ns <= allowance_ns:
            self._since_prompt = self._least_late_ns = 0
            return
        self._least_late_ns = min(late_ns, self._least_late_ns) if self._since_prompt else late_ns
        self._since_prompt += count

    def _unsure_ns(self) -> int:
        """What drift, and a grid that may have moved, add to the half-width since the last prompt answer."""
        drifted = int(DRIFT * self._interval_ns * self._since_prompt)
        return drifted + (self._least_late_ns if self._since_prompt >= RELOCK // 4 else 0)

    def _count(self, end_ns: int, request_ns: int, seen_ns: int) -> tuple[int, int]:
        """Intervals since the previous answer, and how many of them are in doubt.

        The first byte bounds the count from above: no answer comes before its update. The question bounds it
        from below: the meter answers the latest update that had passed when asked, or else waits for the next
        one. Where the two differ somebody was late; a byte right after an update was set off by that update.
        """
        step = self._interval_ns
        prompt = min(step // 4, PROMPT_NS)
        highest = max(1, (seen_ns - end_ns + prompt // 2) // step)
        lowest = min(highest, max(1, (request_ns - end_ns) // step))
        if highest == lowest:
            return highest, 0
        lateness = seen_ns - end_ns - highest * step
        return (highest if lateness <= prompt else lowest), highest - lowest
