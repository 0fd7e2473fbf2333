"""Windows: open, mark, close. A closed window is immutable; an open one survives the death of the daemon."""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from powerd import drivers, evidence
from powerd.boottime import boottime_ns
from powerd.clock import ClockModel, Instant, NoTie
from powerd.errors import NotThere, Refused
from powerd.exchange import Exchange
from powerd.model import MeterInfo, Settings
from powerd.store import Store, StoredWindow
from schemas.units import NS_PER_S

WAIT_S = 5.0
"""How long a close waits for the last interval before it answers with state ``closing``."""
GIVE_UP_S = 30.0
"""After so long without the last interval a closing window is closed with what there is."""
LONGEST_S = 7 * 86400
_AROUND = 12
"""Usual intervals before and after a window that the integration looks at."""
_POLL_S = 0.02


class Windows:
    """All windows of one store. Thread safe."""

    def __init__(
        self, store: Store, channels: Callable[[str], tuple[str, ...]], take_fix: Callable[[], None]
    ) -> None:
        """``channels`` names a meter's channels (``NotThere`` if unknown); ``take_fix`` takes a clock fix now."""
        self._store = store
        self._channels = channels
        self._take_fix = take_fix
        self._closing = threading.Lock()

    def open(
        self, name: str, meter: str, labels: Mapping[str, str], ident: str | None = None
    ) -> dict[str, Any]:
        """Open a window; the same id again gives the window that is there.

        Raises ``NotThere`` for an unknown meter, ``Refused`` when its channel is leased or the id is taken.
        """
        channel = self._channels(meter)[0]
        ident = ident or uuid.uuid4().hex
        self._take_fix()
        opened = boottime_ns()
        window = StoredWindow(
            ident, name, meter, channel, labels, "open", self._store.boot_id, opened, None, None
        )
        try:
            self._store.add_window(window)
        except sqlite3.IntegrityError:
            there = self._store.window(ident)
            if there is not None and (there.name, there.meter) == (name, meter):
                return self._describe(there)
            if there is not None:
                raise Refused(
                    f"window id {ident!r} belongs to {there.name!r} on {there.meter}: choose another id"
                ) from None
            holder = next(
                w for w in self._store.windows_in("open") if (w.meter, w.channel) == (meter, channel)
            )
            raise Refused(
                f"channel {channel} of meter {meter} is leased by window {holder.name!r} ({holder.ident}): "
                "close that window first"
            ) from None
        return self._describe(window)

    def mark(self, ident: str, text: str) -> dict[str, Any]:
        """Keep a named instant of an open window."""
        window = self._find(ident)
        if window.state != "open":
            raise Refused(f"window {ident} is {window.state}: only an open window takes marks")
        self._store.add_mark(ident, boottime_ns(), text)
        return self._describe(window)

    def close(self, ident: str, begin_unix_ns: int, end_unix_ns: int, clock: str | None) -> dict[str, Any]:
        """Close a window over ``[begin, end]`` on the client's clock (None: our own UTC).

        Waits for the last interval itself, ``WAIT_S`` at most; the state is then ``closing``. Raises
        ``NotThere``, or ``Refused`` for an empty window, an unknown clock or a window closed otherwise.
        """
        window = self._find(ident)
        request = {"begin_unix_ns": begin_unix_ns, "end_unix_ns": end_unix_ns, "clock": clock}
        if window.request is not None:
            if {k: window.request[k] for k in request} == request:
                return self.settle(ident, WAIT_S)
            raise Refused(f"window {ident} was closed over other instants: it cannot be closed again")
        if end_unix_ns <= begin_unix_ns:
            raise Refused(f"the window would end {begin_unix_ns - end_unix_ns} ns before it begins")
        if end_unix_ns - begin_unix_ns > LONGEST_S * NS_PER_S:
            raise Refused(f"a window of more than {LONGEST_S // 86400} days is refused: check the instants")
        self._take_fix()
        self._ends(window, request)  # refuses an unknown clock before anything is kept
        asked = request | {"requested_boottime_ns": boottime_ns(), "boot_id": self._store.boot_id}
        self._store.update_window(ident, "closing", asked, None)
        return self.settle(ident, WAIT_S)

    def settle(self, ident: str, wait_s: float = 0.0) -> dict[str, Any]:
        """Finish a closing window when its last interval is there; the window as it is then."""
        give_up = boottime_ns() + int(wait_s * NS_PER_S)
        while True:
            window = self._find(ident)
            if window.state != "closing" or self._finish(window):
                return self._describe(self._find(ident))
            if boottime_ns() >= give_up:
                return self._describe(window)
            threading.Event().wait(_POLL_S)

    def settle_all(self) -> None:
        """Finish every closing window whose time has come; called now and then by the service."""
        for window in self._store.windows_in("closing"):
            self._finish(window)

    def get(self, ident: str) -> dict[str, Any]:
        """One window; ``NotThere`` when there is none of this id."""
        return self.settle(ident)

    def all(self, limit: int = 100) -> list[dict[str, Any]]:
        """Windows, newest first."""
        return [self._describe(w) for w in self._store.windows(limit)]

    def is_leased(self, meter: str) -> bool:
        """Whether an open window holds a channel of this meter."""
        return any(w.meter == meter for w in self._store.windows_in("open"))

    def _find(self, ident: str) -> StoredWindow:
        window = self._store.window(ident)
        if window is None:
            raise NotThere(f"there is no window {ident[:80]!r}")
        return window

    def _describe(self, window: StoredWindow) -> dict[str, Any]:
        if window.document is not None:
            document: dict[str, Any] = json.loads(window.document)
            return document
        utc = self._utc(window.boot_id, window.opened_ns, window.opened_ns)
        return {
            "schema": "edgewatt/window/1",
            "id": window.ident,
            "name": window.name,
            "meter": window.meter,
            "channel": window.channel,
            "labels": dict(window.labels),
            "state": window.state,
            "revision": 0,
            "opened_unix_ns": utc.to_remote(window.opened_ns).ns,
        }

    def _utc(self, boot: str, begin_ns: int, end_ns: int) -> ClockModel:
        self._store.writer.flush()
        return ClockModel.from_fixes(self._store.fixes(boot, begin_ns, end_ns))

    def _exchanges(self, clock: str, boot: str) -> list[tuple[int, Exchange]]:
        self._store.writer.flush()
        return [(i, e) for i, e in self._store.exchanges(clock) if e.boot_id == boot]

    def _ends(self, window: StoredWindow, request: Mapping[str, Any]) -> tuple[Instant, Instant, ClockModel]:
        """Both ends on BOOTTIME, and the model they came from."""
        clock = request["clock"]
        if clock is None:
            # Our own UTC may have been set in the meantime: all fixes of the boot since the opening count.
            model = self._utc(window.boot_id, window.opened_ns, boottime_ns())
        else:
            ties = [(i, e.tie()) for i, e in self._exchanges(clock, window.boot_id)]
            model = ClockModel(_numbered(ties))
        try:
            return model.to_local(request["begin_unix_ns"]), model.to_local(request["end_unix_ns"]), model
        except NoTie:
            raise Refused(
                f"clock {str(clock)[:80]!r} was never compared with ours: do a clock exchange first"
            ) from None

    def _finish(self, window: StoredWindow) -> bool:
        """Close for good when the last interval is there or will not come; whether it is closed now."""
        assert window.request is not None
        with self._closing:
            begin, end, model = self._ends(window, window.request)
            self._store.writer.flush()
            here = window.boot_id == self._store.boot_id
            overdue = not here or boottime_ns() > (
                max(window.request["requested_boottime_ns"], end.ns) + int(GIVE_UP_S * NS_PER_S)
            )
            margin = self._margin_ns(window)
            last = self._store.readings(
                window.meter, window.channel, window.boot_id, end.ns, end.ns + margin, limit=1
            )
            if not last and not overdue:
                return False
            if here:
                self._take_fix()
                self._store.writer.flush()
            if self._find(window.ident).state != "closed":
                text = json.dumps(self._document(window, begin, end, model, margin), allow_nan=False)
                self._store.update_window(window.ident, "closed", window.request, text)
        return True

    def _margin_ns(self, window: StoredWindow) -> int:
        settings = [s for boot, _, _, s in self._store.meter_history(window.meter) if boot == window.boot_id]
        return _AROUND * (settings[-1].interval_ns if settings else NS_PER_S)

    def _document(
        self, window: StoredWindow, begin: Instant, end: Instant, model: ClockModel, margin: int
    ) -> dict[str, Any]:
        assert window.request is not None
        rows = self._store.readings(
            window.meter, window.channel, window.boot_id, begin.ns - margin, end.ns + margin
        )
        fixes = self._store.fixes(window.boot_id, begin.ns, end.ns)
        utc = ClockModel.from_fixes(fixes)
        clock = window.request["clock"]
        used = sorted({*begin.ties, *end.ties})
        info, settings = self._in_force(window, begin.ns, end.ns)
        foreign = 0 if clock is None else _offset_ns(utc, model, end.ns)
        facts = evidence.Facts(
            ident=window.ident,
            name=window.name,
            meter=window.meter,
            channel=window.channel,
            labels=window.labels,
            request={k: window.request[k] for k in ("begin_unix_ns", "end_unix_ns", "clock")},
            span=evidence.Span(begin, end, window.opened_ns, window.request["requested_boottime_ns"]),
            utc=utc,
            clock_offset_s=foreign / NS_PER_S,
            clock_source="client exchange" if clock is not None else "system",
            info=info,
            specification=drivers.find(info.driver).specification(info),
            settings=settings,
            runs=self._store.runs(window.boot_id),
            fix_ids=[i for i, _ in fixes] if clock is not None else used,
            exchange_ids=used if clock is not None else [],
            clock_steps=len(model.steps(begin.ns, end.ns)),
            marks=self._store.marks(window.ident),
        )
        return evidence.document(facts, [r.reading for r in rows])

    def _in_force(self, window: StoredWindow, begin: int, end: int) -> tuple[MeterInfo, list[Settings]]:
        """Who measured, and every setting that was in force at some time of the window."""
        history = [
            h for h in self._store.meter_history(window.meter) if h[0] == window.boot_id and h[1] <= end
        ]
        if not history:
            raise Refused(f"meter {window.meter} never answered, so this window has nothing to stand on")
        before = [h for h in history if h[1] <= begin][-1:]
        during = [h for h in history if h[1] > begin]
        found = before + during
        return found[-1][2], [h[3] for h in found]


def _numbered(ties: list[tuple[int, Any]]) -> list[Any]:
    from dataclasses import replace

    from powerd.exchange import narrowest

    return narrowest(replace(tie, ident=ident) for ident, tie in ties)


def _offset_ns(utc: ClockModel, client: ClockModel, at_ns: int) -> int:
    """Our UTC minus the client's clock at an instant of BOOTTIME."""
    return utc.to_remote(at_ns).ns - client.to_remote(at_ns).ns
