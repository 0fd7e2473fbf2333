"""From one clock to another, with a bound: BOOTTIME to UTC by clock fixes.

Everything is stored on CLOCK_BOOTTIME. Every few seconds a ``ClockFix`` notes what UTC was at an instant of it.
A ``ClockModel`` is a row of such ties between a local and a remote clock; it goes both ways by interpolation and
says how far it may be off. Between two ties a remote clock that only drifts runs monotonically against the
local one, so the change of its offset bounds the error; beyond the last tie it may drift by ``MAX_DRIFT``.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_DRIFT = 500e-6
"""Share by which two clocks may run apart; the kernel slews no faster than 500 ppm (adjtimex)."""
MIN_U95_NS = 1_000
WANDER = 200e-6
"""Share by which a clock may run off between two ties and be back at the second: two crystals off by 100 ppm each, or
one that is slewed as fast."""
BURST_NS = 2_000_000_000
"""Of exchanges that lie so close together the narrowest stands for all; drift adds a millisecond at most."""
STEP_NS = 2_000_000
"""A change of offset beyond both bounds, drift and this is a step: somebody set the clock."""


@dataclass(frozen=True, slots=True)
class ClockFix:
    """What the system clock showed at one instant of CLOCK_BOOTTIME; ``u95_ns`` is the half-width that holds it.

    ``source`` keeps that clock right (``system`` where nobody is known to), to ``utc_bound_ns`` by its own word.
    ``asleep_ns`` is how long the machine was suspended since its boot, ``raw_ns`` CLOCK_MONOTONIC_RAW, which nobody
    slews, ``leap`` +1 or -1 when a leap second is to come. None: not known.
    """

    boot_id: str
    boottime_ns: int
    utc_ns: int
    u95_ns: int
    source: str = "system"
    utc_bound_ns: int | None = None
    asleep_ns: int | None = None
    raw_ns: int | None = None
    leap: int = 0


@dataclass(frozen=True, slots=True)
class Tie:
    """One simultaneous look at two clocks. ``ident`` is where it is kept (0 when it is not)."""

    local_ns: int
    remote_ns: int
    u95_ns: int
    ident: int = 0

    @property
    def offset_ns(self) -> int:
        """Remote minus local."""
        return self.remote_ns - self.local_ns


@dataclass(frozen=True, slots=True)
class Instant:
    """An instant on the other clock, the half-width that holds it, and the ties that it rests on."""

    ns: int
    u95_ns: int
    ties: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody set the remote clock by ``by_ns`` between two ties (local instants)."""

    from_ns: int
    to_ns: int
    by_ns: int


class NoTie(ValueError):
    """Nothing is known about the other clock."""


def is_step(before: Tie, after: Tie) -> bool:
    """Whether the remote clock was set between two ties, beyond what bounds and drift explain."""
    drift = MAX_DRIFT * (after.local_ns - before.local_ns)
    return abs(after.offset_ns - before.offset_ns) > before.u95_ns + after.u95_ns + drift + STEP_NS


def _step_either_way(a: Tie, b: Tie) -> bool:
    return is_step(a, b) if a.local_ns <= b.local_ns else is_step(b, a)


class ClockModel:
    """Ties in order of the local clock; immutable."""

    def __init__(self, ties: Iterable[Tie]) -> None:
        self._ties = sorted(ties, key=lambda t: t.local_ns)
        self._locals = [t.local_ns for t in self._ties]

    @classmethod
    def from_fixes(cls, fixes: Iterable[tuple[int, ClockFix]]) -> ClockModel:
        """From numbered fixes of one boot."""
        return cls(Tie(f.boottime_ns, f.utc_ns, f.u95_ns, ident) for ident, f in fixes)

    @property
    def ties(self) -> Sequence[Tie]:
        """All ties, in order of the local clock."""
        return self._ties

    def to_remote(self, local_ns: int) -> Instant:
        """What the remote clock showed at a local instant; ``NoTie`` without ties."""
        offset, u95, used = self._offset(bisect.bisect_right(self._locals, local_ns), local_ns)
        return Instant(local_ns + offset, u95, used)

    def to_local(self, remote_ns: int) -> Instant:
        """When the remote clock showed this; ``NoTie`` without ties.

        A clock that was set back showed some instants twice: the earliest counts, and the bound holds them all.
        """
        found = [self._local_in(after, remote_ns) for after in self._segments(remote_ns)]
        first = min(found, key=lambda i: i.ns)
        apart = max(i.ns for i in found) - first.ns
        return Instant(first.ns, first.u95_ns + apart, first.ties)

    def _local_in(self, after: int, remote_ns: int) -> Instant:
        """The local instant by the stretch before tie number ``after``."""
        if 0 < after < len(self._ties):
            a, b = self._ties[after - 1], self._ties[after]
            span = b.remote_ns - a.remote_ns
            share = (remote_ns - a.remote_ns) / span if span else 0.0
            local = a.local_ns + round(share * (b.local_ns - a.local_ns))
        else:
            edge = self._ties[0] if after == 0 else self._ties[-1]
            local = remote_ns - edge.offset_ns
        offset, u95, used = self._offset(after, local)
        return Instant(remote_ns - offset, u95, used)

    def _segments(self, remote_ns: int) -> list[int]:
        """Numbers of the ties after ``remote_ns``; 0 or the number of ties beyond the ends."""
        if not self._ties:
            raise NoTie("this clock was never compared")
        inside = [
            index + 1
            for index, (a, b) in enumerate(itertools.pairwise(self._ties))
            if a.remote_ns <= remote_ns <= b.remote_ns
        ]
        return inside or [0 if remote_ns < self._ties[0].remote_ns else len(self._ties)]

    def _offset(self, after: int, local_ns: int) -> tuple[int, int, tuple[int, ...]]:
        """Offset at a local instant before tie number ``after``, its half-width, and the ties used.

        A tie farther off may say more than the nearest one, where that was taken over a slower line.
        """
        if not self._ties:
            raise NoTie("this clock was never compared")
        known = []
        if 0 < after < len(self._ties):
            a, b = self._ties[after - 1], self._ties[after]
            between = self._between(a, b, local_ns)
            if is_step(a, b):
                return between
            known.append(between)
        known += self._from(reversed(self._ties[:after]), local_ns)
        known += self._from(self._ties[after:], local_ns)
        return min(known, key=lambda found: found[1])

    @staticmethod
    def _between(a: Tie, b: Tie, local_ns: int) -> tuple[int, int, tuple[int, ...]]:
        """By a straight line between two ties."""
        span = b.local_ns - a.local_ns
        share = (local_ns - a.local_ns) / span if span else 0.0
        change = b.offset_ns - a.offset_ns
        nearest = min(local_ns - a.local_ns, b.local_ns - local_ns)
        drift = min(abs(change) + round(WANDER * nearest), round(MAX_DRIFT * nearest))
        wander = abs(change) if is_step(a, b) else abs(drift)
        return a.offset_ns + round(share * change), max(a.u95_ns, b.u95_ns) + wander, (a.ident, b.ident)

    @staticmethod
    def _from(away: Iterable[Tie], local_ns: int) -> list[tuple[int, int, tuple[int, ...]]]:
        """By what each tie on one side and drift since then say; those are left out that cannot say more."""
        found: list[tuple[int, int, tuple[int, ...]]] = []
        before: Tie | None = None
        for tie in away:
            drift = round(MAX_DRIFT * abs(local_ns - tie.local_ns))
            if before is not None and (drift >= min(f[1] for f in found) or _step_either_way(before, tie)):
                break
            found.append((tie.offset_ns, tie.u95_ns + drift, (tie.ident,)))
            before = tie
        return found

    def steps(self, begin_ns: int, end_ns: int) -> tuple[Step, ...]:
        """Every step of the remote clock that touches the local interval."""
        return tuple(
            Step(a.local_ns, b.local_ns, b.offset_ns - a.offset_ns)
            for a, b in itertools.pairwise(self._ties)
            if b.local_ns >= begin_ns and a.local_ns <= end_ns and is_step(a, b)
        )

    def drift_ppm(self) -> float | None:
        """How much faster the remote clock runs than the local one, over all ties; None below one second."""
        if len(self._ties) < 2:
            return None
        a, b = self._ties[0], self._ties[-1]
        span = b.local_ns - a.local_ns
        return 1e6 * (b.offset_ns - a.offset_ns) / span if span >= 1_000_000_000 else None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange; t1 and t4 on the client's clock, t2 and t3 on UTC and on BOOTTIME of this machine."""

    clock: str
    boot_id: str
    t1_ns: int
    t2_ns: int
    t2_boottime_ns: int
    t3_ns: int
    t3_boottime_ns: int
    t4_ns: int = 0
    t1_mono_ns: int | None = None
    t4_mono_ns: int | None = None

    @property
    def elapsed_ns(self) -> int:
        """Time between t1 and t4, by the client's monotonic clock where it gave one."""
        if self.t1_mono_ns is not None and self.t4_mono_ns is not None:
            return self.t4_mono_ns - self.t1_mono_ns
        return self.t4_ns - self.t1_ns

    @property
    def delay_ns(self) -> int:
        """Path delay, both ways."""
        return self.elapsed_ns - (self.t3_boottime_ns - self.t2_boottime_ns)

    @property
    def offset_ns(self) -> int:
        """Our UTC minus the client's clock."""
        return ((self.t2_ns - self.t1_ns) + (self.t3_ns - self.t4_ns)) // 2

    def tie(self) -> Tie:
        """BOOTTIME of this machine (local) against the client's clock (remote)."""
        local = (self.t2_boottime_ns + self.t3_boottime_ns) // 2
        remote = (self.t1_ns + self.t4_ns) // 2
        return Tie(local, remote, max(MIN_U95_NS, (self.delay_ns + 1) // 2))


def narrowest(ties: Iterable[Tie]) -> list[Tie]:
    """Ties in order of time without those that a narrower one within ``BURST_NS`` stands for.

    Where a clock was set within a burst, both sides stay.
    """
    kept: list[Tie] = []
    for tie in sorted(ties, key=lambda t: t.u95_ns):
        at = bisect.bisect_right(kept, tie.local_ns, key=lambda t: t.local_ns)
        near = [t for t in kept[max(0, at - 1) : at + 1] if abs(t.local_ns - tie.local_ns) < BURST_NS]
        if not near or any(_step_either_way(t, tie) for t in near):
            kept.insert(at, tie)
    return kept
