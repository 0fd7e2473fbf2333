"""Keeps an eye on the clock of this machine: takes the fixes, asks who keeps it right, and names what happens to it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from powerd import clocks
from powerd.boottime import boottime_ns
from powerd.clock import ClockFix, ClockModel, Tie, take_fix
from powerd.clocks import SourceState
from schemas import clock_events
from schemas.clock_events import ClockEvent
from schemas.units import NS_PER_S

ASK_EVERY_S = 15.0
KEPT = 5
NEWS_NS = 3600 * NS_PER_S
"""So long an event is a problem; afterwards it stands in the store and in the windows that it touched."""
SLEW_OVER_NS = 60 * NS_PER_S
"""A slew is news once in so long."""


class ClockWatch:
    """Fixes go to ``keep``, what happened to ``on_event`` with its instant on BOOTTIME. Thread safe."""

    def __init__(
        self,
        boot: str,
        keep: Callable[[ClockFix], None],
        on_event: Callable[[int, ClockEvent], None],
        ask: Callable[[], SourceState | None] = clocks.ask,
        take: Callable[[str, SourceState | None], ClockFix] = take_fix,
    ) -> None:
        self._boot = boot
        self._keep = keep
        self._on_event = on_event
        self._ask = ask
        self._take = take
        self._lock = threading.Lock()
        self._last: ClockFix | None = None
        self._keeper: SourceState | None = None
        self._slewed_ns: int | None = None
        self._happened: tuple[tuple[int, ClockEvent], ...] = ()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def keeper(self) -> SourceState | None:
        """Who kept the clock right when it was last asked; None where nobody tells."""
        return self._keeper

    @property
    def last(self) -> ClockFix | None:
        """The newest fix."""
        return self._last

    @property
    def happened(self) -> tuple[ClockEvent, ...]:
        """The events of the last hour that spoil what was being measured, five at most."""
        now = boottime_ns()
        return tuple(event for at, event in self._happened if now - at < NEWS_NS)

    def utc(self) -> ClockModel:
        """UTC by the newest fix; for instants of the last seconds."""
        fix = self._last
        return ClockModel([] if fix is None else [Tie(fix.boottime_ns, fix.utc_ns, fix.u95_ns)])

    def bound_s(self) -> float | None:
        """How far the clock may be off UTC now by its keeper's word."""
        keeper = self._keeper
        return None if keeper is None else keeper.bound_at(boottime_ns())

    def start(self) -> None:
        """Ask the time services now and from now on, on a thread of its own: some are slow to answer."""
        self.ask()
        self._thread = threading.Thread(target=self._run, name="clock-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()

    def ask(self) -> None:
        """Ask the time services once; another one than before is an event."""
        before, self._keeper = self._keeper, self._ask()
        was, now = _named(before), _named(self._keeper)
        if before is not None and was != now:
            self._on_event(boottime_ns(), ClockEvent("clock-source", f"{was} before, {now} now", False))

    def take(self) -> None:
        """Take a fix now, and tell what happened since the one before."""
        fix = self._take(self._boot, self._keeper)
        with self._lock:
            before, self._last = self._last, fix
        self._keep(fix)
        for event in clock_events.events([] if before is None else [before, fix]):
            if event.name == "clock-slew" and not self._is_news(fix.boottime_ns):
                continue
            if event.spoils:
                self._happened = (*self._happened, (fix.boottime_ns, event))[-KEPT:]
            self._on_event(fix.boottime_ns, event)

    def _is_news(self, at_ns: int) -> bool:
        before, self._slewed_ns = self._slewed_ns, at_ns
        return before is None or at_ns - before > SLEW_OVER_NS

    def _run(self) -> None:
        while not self._stopping.wait(ASK_EVERY_S):
            self.ask()


def _named(state: SourceState | None) -> str:
    """``chrony`` or ``nobody``; which server it follows may change and is no news."""
    return state.name if state is not None and state.synchronised else "nobody keeps the clock"
