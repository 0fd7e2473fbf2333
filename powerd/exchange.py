"""The four-timestamp exchange: how a client's clock stands to ours, with a bound that it cannot argue with.

The client notes t1, we note t2 at arrival and t3 at the answer, the client notes t4. Whatever the network did,
our clock minus the client's lies within half the path delay (t4 - t1) - (t3 - t2) of
((t2 - t1) + (t3 - t4)) / 2. A negative delay cannot be and is refused.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock

from powerd.clock import both_clocks
from powerd.errors import Refused
from schemas.clocks import ClockModel, Exchange, Tie, narrowest

__all__ = ["ClientTie", "Exchange", "Exchanges", "check", "narrowest"]
PENDING_LIMIT = 256
PENDING_NS = 30_000_000_000
CLOCKS_LIMIT = 1000
_STEP_WITHIN_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class ClientTie:
    """What is known of one client's clock now. ``offset_s`` is our UTC minus the client's clock."""

    clock: str
    offset_s: float
    u95_s: float
    drift_ppm: float | None
    exchanges: int


def check(exchange: Exchange) -> None:
    """``Refused`` when the four stamps cannot be true."""
    if exchange.delay_ns < 0:
        raise Refused(
            f"the path delay of this exchange is {exchange.delay_ns} ns; a negative delay cannot be: "
            "t1 must be taken before sending and t4 after receiving, on the same clock"
        )
    if abs((exchange.t4_ns - exchange.t1_ns) - exchange.elapsed_ns) > _STEP_WITHIN_NS:
        raise Refused("your clock was set between t1 and t4: do the exchange again")


class Exchanges:
    """Exchanges under way and what they said, per client clock. Thread safe, bounded."""

    def __init__(self, boot: str, keep: Callable[[Exchange], None]) -> None:
        self._boot = boot
        self._keep = keep
        self._lock = Lock()
        self._pending: OrderedDict[str, Exchange] = OrderedDict()
        self._ties: OrderedDict[str, list[Tie]] = OrderedDict()
        self._counts: dict[str, int] = {}

    def begin(self, clock: str | None, t1_ns: int, t1_mono_ns: int | None) -> tuple[str, Exchange]:
        """First half: returns the exchange id and the exchange with t2 and t3."""
        local2, utc2, _ = both_clocks()
        ident = uuid.uuid4().hex
        name = clock if clock else f"clock-{ident[:12]}"
        local3, utc3, _ = both_clocks()
        exchange = Exchange(name, self._boot, t1_ns, utc2, local2, utc3, local3, 0, t1_mono_ns, None)
        with self._lock:
            while self._pending and (
                len(self._pending) >= PENDING_LIMIT
                or local2 - next(iter(self._pending.values())).t2_boottime_ns > PENDING_NS
            ):
                self._pending.popitem(last=False)
            self._pending[ident] = exchange
        return ident, exchange

    def finish(self, clock: str, ident: str, t4_ns: int, t4_mono_ns: int | None) -> ClientTie:
        """Second half; ``Refused`` for an unknown exchange, another clock or impossible stamps."""
        with self._lock:
            begun = self._pending.pop(ident, None)
        if begun is None:
            raise Refused(f"exchange {ident[:40]!r} is not under way (30 s at most): begin a new one")
        if begun.clock != clock:
            raise Refused(f"exchange {ident} belongs to clock {begun.clock!r}, not to {clock[:80]!r}")
        done = replace(begun, t4_ns=t4_ns, t4_mono_ns=t4_mono_ns)
        check(done)
        self._keep(done)
        with self._lock:
            ties = self._ties.setdefault(clock, [])
            ties[:] = narrowest([*ties, done.tie()])[-CLOCKS_LIMIT:]
            self._ties.move_to_end(clock)
            self._counts[clock] = self._counts.get(clock, 0) + 1
            while len(self._ties) > CLOCKS_LIMIT:
                self._counts.pop(self._ties.popitem(last=False)[0], None)
            return self._describe(clock, done.t3_boottime_ns)

    def _describe(self, clock: str, now_ns: int) -> ClientTie:
        """What the exchanges so far say of now: the narrowest of the latest, and drift since it was taken."""
        model = ClockModel(self._ties[clock])
        local, utc, half = both_clocks()
        found = model.to_remote(max(now_ns, local))
        offset = (utc - local) - (found.ns - max(now_ns, local))
        return ClientTie(
            clock, offset / 1e9, (found.u95_ns + half) / 1e9, model.drift_ppm(), self._counts[clock]
        )
