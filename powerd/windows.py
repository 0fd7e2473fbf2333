"""Windows: open, mark, close. A closed window is immutable; an open one survives the death of the daemon."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from powerd import drivers
from powerd.boottime import boottime_ns
from powerd.clock import ClockModel
from powerd.errors import NotThere, Refused
from powerd.model import Reading
from powerd.running import RunningSum
from powerd.sources import channels_of
from powerd.store import Store, StoredWindow
from schemas import evidence, window_document
from schemas.records import AsOf
from schemas.units import NS_PER_S

WAIT_S = 5.0
"""How long a close waits for the last interval before it answers with state ``closing``."""
GIVE_UP_NS = 30 * NS_PER_S
"""After so long (or three intervals) without the last interval, a window is closed with what there is."""
FUTURE_NS = 5 * NS_PER_S
"""A close request may come this much before the window's end."""
_POLL_S = 0.02


class Conflict(Refused):
    """The channel is leased, the id means another window, or the window is in another state."""


class Windows:
    """All windows of one store. Thread safe."""

    def __init__(
        self,
        store: Store,
        channels: Callable[[str], tuple[str, ...]],
        take_fix: Callable[[], None],
        latest: Callable[[str, str], Reading | None],
        on_change: Callable[[dict[str, Any]], None] = lambda window: None,
        limits: Callable[[Reading], Sequence[tuple[str, float]]] = lambda reading: (),
    ) -> None:
        """``channels`` names a meter's channels (``NotThere`` if unknown); ``take_fix`` takes a clock fix now.

        ``latest`` gives the newest reading of a meter's channel since the daemon started; ``on_change`` is told
        of every window that is opened, marked, closing or closed; ``limits`` knows how far a reading may be wrong.
        """
        self._store = store
        self._channels = channels
        self._take_fix = take_fix
        self._latest = latest
        self._on_change = on_change
        self._limits = limits
        self._opening = threading.Lock()
        self._closing = threading.Lock()
        self._ends: dict[str, int | None] = {}
        self._running: dict[str, RunningSum] = {}
        self._held: dict[tuple[str, str], str] = {}

    def resume(self) -> None:
        """Go on with the windows that were open when the daemon ended."""
        for window in self._store.windows_in("open"):
            if window.boot_id == self._store.boot_id:
                self._hold(window)
                for meter, channel in _channels_of(window):
                    rows = self._store.readings(
                        meter, channel, window.boot_id, window.opened_ns, boottime_ns()
                    )
                    for row in rows:
                        self.note(row.reading)

    def note(self, reading: Reading) -> None:
        """Take a reading into the running energy of the window that holds its channel."""
        holder = self._held.get((reading.meter, reading.values.channel))
        running = None if holder is None else self._running.get(holder)
        if running is not None:
            running.add(reading, self._limits(reading))

    def holder(self, meter: str, channel: str) -> str | None:
        """The id of the window that is open on this channel and not closing."""
        ident = self._held.get((meter, channel))
        return ident if ident in self._running else None

    def _hold(self, window: StoredWindow) -> None:
        """The channels of a window are its own from now on."""
        places = _channels_of(window)
        self._running[window.ident] = RunningSum(window.opened_ns, places)
        for place in places:
            self._held[place] = window.ident

    def open(
        self, name: str, meter: str, labels: Mapping[str, str], ident: str | None = None
    ) -> dict[str, Any]:
        """Open a window; the same id again gives the window that is there.

        ``meter`` may name channels and several meters (``powerd.sources``). Raises ``NotThere`` for an unknown meter,
        ``Refused`` for a channel that it has not, ``Conflict`` when a channel is leased or the id is taken.
        """
        channel = channels_of(meter, self._channels)
        key = ident or uuid.uuid4().hex
        self._take_fix()
        window = StoredWindow(
            key, name, meter, channel, labels, "open", self._store.boot_id, boottime_ns(), None, None
        )
        with self._opening:
            there = self._store.window(key)
            if there is None:
                self._must_be_free(window)
                self._store.add_window(window)
                self._hold(window)
                return self._tell(window)
        if (there.name, there.meter) != (name, meter):
            raise Conflict(f"window id {key!r} belongs to {there.name!r} on {there.meter}: choose another id")
        return self._describe(there)

    def _must_be_free(self, window: StoredWindow) -> None:
        """``Conflict`` when an open window holds one of the channels."""
        wanted = set(_channels_of(window))
        for other in self._store.windows_in("open"):
            for meter, channel in _channels_of(other):
                if (meter, channel) in wanted:
                    who = f"window {other.name!r} ({other.ident})"
                    raise Conflict(
                        f"channel {channel} of meter {meter} is leased by {who}: close that window first"
                    )

    def mark(self, ident: str, text: str) -> dict[str, Any]:
        """Keep a named instant of an open window. ``NotThere``, ``Conflict``."""
        window = self._find(ident)
        if window.state != "open":
            raise Conflict(f"window {ident} is {window.state}: only an open window takes marks")
        self._store.add_mark(ident, boottime_ns(), text)
        return self._tell(window)

    def close(
        self,
        ident: str,
        begin_unix_ns: int,
        end_unix_ns: int,
        clock: str | None,
        idle: str | None = None,
    ) -> dict[str, Any]:
        """Close a window over ``[begin, end]`` on the client's clock (None: our own UTC).

        ``idle`` names a closed window of the same channel, above whose power the net energy is given.
        Waits for the last interval itself, ``WAIT_S`` at most; the state is then ``closing``. Closing again
        over the same stretch is the same question. Raises ``NotThere``; ``Conflict`` for another stretch;
        ``Refused`` for a stretch that makes no sense or a clock that was never compared.
        """
        request = {"begin_unix_ns": begin_unix_ns, "end_unix_ns": end_unix_ns, "clock": clock}
        with self._closing:
            window = self._find(ident)
            if window.request is None:
                self._begin_closing(window, {**request, "idle": self._idle(window, idle)})
            elif any(window.request[k] != v for k, v in request.items()):
                raise Conflict(f"window {ident} was closed over other instants: it cannot be closed again")
        return self.settle(ident, WAIT_S)

    def _idle(self, window: StoredWindow, idle: str | None) -> dict[str, Any] | None:
        """What is known of the idle window; ``Refused`` when it is none to compare with."""
        if idle is None:
            return None
        found = self._find(idle)
        document = json.loads(found.document) if found.document is not None else {}
        if (found.meter, found.channel) != (window.meter, window.channel):
            raise Refused(f"idle window {idle} is one of {found.meter}: name one of {window.meter}")
        if document.get("average_w") is None:
            raise Refused(f"idle window {idle} has no mean power: close it first, or name another")
        names = ("sha256", "average_w", "average_u95_w")
        return {"window": idle, **{name: document[name] for name in names}}

    def _begin_closing(self, window: StoredWindow, request: Mapping[str, Any]) -> None:
        now = boottime_ns()
        self._take_fix()
        self._store.writer.flush()
        end = evidence.locate(self._store, window, request, now).end
        here = window.boot_id == self._store.boot_id
        if here and end.ns > now + FUTURE_NS + end.u95_ns:
            ahead_s = (end.ns - now) / NS_PER_S
            raise Refused(f"the window would end {ahead_s:.1f} s from now: close it when its end has come")
        asked = {**request, "requested_boottime_ns": now, "boot_id": self._store.boot_id}
        self._store.update_window(window.ident, "closing", asked, None)
        self._ends[window.ident] = end.ns if here else None
        self._running.pop(window.ident, None)
        for place in _channels_of(window):
            if self._held.get(place) == window.ident:
                del self._held[place]
        self._tell(self._find(window.ident))

    def settle(self, ident: str, wait_s: float = 0.0) -> dict[str, Any]:
        """Finish a closing window when its last interval is there; the window as it is then."""
        give_up = boottime_ns() + int(wait_s * NS_PER_S)
        window = self._find(ident)
        while window.state == "closing" and not self._finish(window) and boottime_ns() < give_up:
            threading.Event().wait(_POLL_S)
        return self._describe(self._find(ident))

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
        return any(meter == own for w in self._store.windows_in("open") for own, _ in w.places)

    def _find(self, ident: str) -> StoredWindow:
        window = self._store.window(ident)
        if window is None:
            raise NotThere(f"there is no window {ident[:80]!r}: `powerd windows` lists them")
        return window

    def _tell(self, window: StoredWindow) -> dict[str, Any]:
        """Say that a window changed; the window as it is."""
        described = self._describe(window)
        self._on_change(described)
        return described

    def _describe(self, window: StoredWindow) -> dict[str, Any]:
        if window.document is not None:
            document: dict[str, Any] = json.loads(window.document)
            return document
        utc = ClockModel.from_fixes(self._store.fixes(window.boot_id, window.opened_ns, window.opened_ns))
        known = {
            "schema": window_document.SCHEMA,
            "id": window.ident,
            "name": window.name,
            "meter": window.meter,
            "channel": window.channel,
            "labels": dict(window.labels),
            "state": window.state,
            "revision": 0,
            **window_document.opened(utc, window),
        }
        running = self._running.get(window.ident)
        so_far = None if running is None else running.so_far()
        return known if so_far is None else known | {"so_far": asdict(so_far)}

    def _finish(self, window: StoredWindow) -> bool:
        """Close for good when the last interval is there or will not come; whether it is closed now."""
        with self._closing:
            if self._find(window.ident).state == "closed":
                return True
            if not self._complete(window):
                return False
            self._take_fix()
            self._store.writer.flush()
            moment = self._store.moment(boottime_ns())
            body = window_document.document(
                AsOf(self._store, moment), window, moment.boottime_ns, drivers.specification
            )
            text = json.dumps(body, allow_nan=False)
            # What was known then is what it is computed from again; later fixes and exchanges are not part of it.
            request = {**(window.request or {}), "computed": asdict(moment)}
            self._store.update_window(window.ident, "closed", request, text)
            self._ends.pop(window.ident, None)
            self._on_change(body)
        return True

    def _complete(self, window: StoredWindow) -> bool:
        """Whether the sample over the window's end and the one after it are there, or will not come."""
        if window.ident not in self._ends:
            self._ends[window.ident] = self._end_here(window)
        end_ns = self._ends[window.ident]
        if end_ns is None:
            return True
        return all(self._is_past(place, end_ns) for place in _channels_of(window))

    def _is_past(self, place: tuple[str, str], end_ns: int) -> bool:
        latest = self._latest(*place)
        if latest is not None and latest.end_ns >= end_ns + latest.interval_ns:
            return True
        patience = GIVE_UP_NS if latest is None else max(GIVE_UP_NS, 3 * latest.interval_ns)
        return boottime_ns() > end_ns + patience

    def _end_here(self, window: StoredWindow) -> int | None:
        """The window's end on BOOTTIME of this boot, None when it belongs to an earlier one."""
        if window.boot_id != self._store.boot_id:
            return None
        self._store.writer.flush()
        return evidence.locate(self._store, window, window.request or {}, boottime_ns()).end.ns


def _channels_of(window: StoredWindow) -> list[tuple[str, str]]:
    """Every meter and channel that a window measures with."""
    return [(meter, channel) for meter, channels in window.places for channel in channels]
