"""Windows: open, mark, close. A closing window waits for the meter's last interval on a thread of its own."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from powerd.boottime import boottime_ns
from powerd.clock import ClockModel
from powerd.errors import NotThere, PowerdError, Refused
from powerd.evaluation import document, locate
from powerd.ring import Ring
from powerd.store import Store, StoredWindow
from schemas.units import NS_PER_S

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pending:
    """A window that is closing: its end on BOOTTIME of this boot (None: of another), and when it is done."""

    end_ns: int | None
    done: threading.Event = field(default_factory=threading.Event)


WAIT_S = 5.0
"""How long a close request waits for the last interval before it answers ``closing``."""
GIVE_UP_NS = 10 * NS_PER_S
"""After this (or three intervals) no further reading is expected, and the rest is a loss."""
FUTURE_NS = 5 * NS_PER_S


class Conflict(Refused):
    """The channel is leased, the id means another window, or the window is in another state."""


class Windows:
    """All windows of one store. Thread safe."""

    def __init__(self, store: Store, ring: Ring, note_clock: Callable[[], None]) -> None:
        self._store = store
        self._ring = ring
        self._note_clock = note_clock
        self._stopping = threading.Event()
        self._pending: dict[str, _Pending] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._close_loop, name="window-closer", daemon=True)

    def start(self) -> None:
        """Go on with windows that were closing when the daemon ended."""
        with self._lock:
            for window in self._store.windows_in("closing"):
                self._pending[window.ident] = _Pending(self._end_here(window))
        self._thread.start()

    def stop(self) -> None:
        """End the thread; windows that are closing stay so in the store."""
        self._stopping.set()
        self._ring.wake()
        self._thread.join(5.0)

    @property
    def alive(self) -> bool:
        """Whether the thread that closes windows runs."""
        return self._thread.is_alive()

    def open(
        self, ident: str | None, name: str, meter: str, channel: str, labels: Mapping[str, str]
    ) -> StoredWindow:
        """A new window from now on, or the very one that this id already opened. ``Conflict``, ``StoreFailed``."""
        key = ident or uuid.uuid4().hex
        known = self._store.window(key)
        if known is None:
            window = StoredWindow(
                key, name, meter, channel, dict(labels), "open", self._store.boot_id, boottime_ns(), None, None
            )
            self._note_clock()
            try:
                self._store.add_window(window)
            except sqlite3.IntegrityError:
                known = self._store.window(key)
                if known is None:
                    raise self._leased(meter, channel) from None
            else:
                return window
        if (known.name, known.meter, known.channel) != (name, meter, channel):
            raise Conflict(f"window {key!r} exists and is {known.name!r} on {known.meter}: choose another id")
        return known

    def _leased(self, meter: str, channel: str) -> Conflict:
        holder = self.holder(meter, channel)
        what = f"window {holder.ident!r} ({holder.name})" if holder else "another window"
        return Conflict(f"channel {channel} of meter {meter} is leased by {what}: close that one first")

    def holder(self, meter: str, channel: str | None = None) -> StoredWindow | None:
        """The open window on a channel (or on any channel) of a meter."""
        for window in self._store.windows_in("open"):
            if window.meter == meter and channel in (None, window.channel):
                return window
        return None

    def get(self, ident: str) -> StoredWindow:
        """One window; ``NotThere``."""
        window = self._store.window(ident)
        if window is None:
            raise NotThere(f"there is no window {ident[:80]!r}: GET /v1/windows lists them")
        return window

    def mark(self, ident: str, text: str) -> None:
        """Note an instant of an open window. ``NotThere``, ``Conflict``."""
        window = self.get(ident)
        if window.state != "open":
            raise Conflict(f"window {ident!r} is {window.state}; only an open window takes marks")
        self._store.add_mark(ident, boottime_ns(), text)

    def close(self, ident: str, begin_ns: int, end_ns: int, clock: str | None) -> StoredWindow:
        """Ask for the energy of ``[begin, end]`` in the given clock (None: our UTC) and wait up to ``WAIT_S``.

        The window that comes back is closed, or still closing. Closing again with the same request is the
        same question; with another it is a ``Conflict``. ``Refused`` when the stretch makes no sense.
        """
        window = self.get(ident)
        asked = {"begin_unix_ns": begin_ns, "end_unix_ns": end_ns, "clock": clock}
        if window.state != "open":
            if any((window.request or {}).get(k) != v for k, v in asked.items()):
                raise Conflict(f"window {ident!r} is {window.state} already, for another stretch of time")
        else:
            self._begin_closing(window, asked)
        with self._lock:
            pending = self._pending.get(ident)
        if pending is not None:
            pending.done.wait(WAIT_S)
        return self.get(ident)

    def _begin_closing(self, window: StoredWindow, asked: Mapping[str, Any]) -> None:
        now = boottime_ns()
        self._note_clock()
        self._store.writer.flush()
        span = locate(self._store, window, asked, now)
        if self._store.boot_id == window.boot_id and span.end.ns > now + FUTURE_NS + span.end.u95_ns:
            ahead = (span.end.ns - now) / NS_PER_S
            raise Refused(f"the window would end {ahead:.1f} s from now: close it when its end has come")
        request = {**asked, "boot_id": self._store.boot_id, "closed_ns": now}
        self._store.update_window(window.ident, "closing", request, None)
        with self._lock:
            self._pending[window.ident] = _Pending(self._end_here(self.get(window.ident)))
        self._ring.wake()

    def describe(self, window: StoredWindow, utc: ClockModel) -> dict[str, Any]:
        """What the API answers: the document of a closed window, or what is known so far."""
        if window.document is not None:
            closed: dict[str, Any] = json.loads(window.document)
            return closed
        opened = utc.to_remote(window.opened_ns).ns if window.boot_id == self._store.boot_id else None
        return {
            "schema": "edgewatt/window/1",
            "id": window.ident,
            "name": window.name,
            "meter": window.meter,
            "channel": window.channel,
            "labels": dict(window.labels),
            "state": window.state,
            "opened_unix_ns": opened,
        }

    def _end_here(self, window: StoredWindow) -> int | None:
        """The window's end on BOOTTIME of this boot, None when it belongs to an earlier one."""
        if window.boot_id != self._store.boot_id:
            return None
        return locate(self._store, window, window.request or {}, boottime_ns()).end.ns

    def _close_loop(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                waiting = list(self._pending.items())
            for ident, pending in waiting:
                window = self.get(ident)
                if self._complete(window, pending.end_ns):
                    self._try_to_close(window)
            self._ring.wait(0.2 if waiting else 1.0)

    def _try_to_close(self, window: StoredWindow) -> None:
        try:
            self._note_clock()
            self._store.writer.flush()
            text = json.dumps(document(self._store, window, boottime_ns()))
            self._store.update_window(window.ident, "closed", window.request, text)
        except (PowerdError, sqlite3.Error) as error:
            log.error("window %s cannot be closed yet: %s", window.ident, error)
            self._stopping.wait(1.0)
            return
        with self._lock:
            self._pending.pop(window.ident).done.set()

    def _complete(self, window: StoredWindow, end_ns: int | None) -> bool:
        """Whether the sample over the window's end and the one after it are there, or will not come."""
        if end_ns is None:
            return True
        now = boottime_ns()
        latest = self._ring.latest(window.meter, window.channel)
        if latest is None:
            return now > end_ns + GIVE_UP_NS
        if latest.end_ns >= end_ns + latest.interval_ns:
            return True
        return now > end_ns + max(GIVE_UP_NS, 3 * latest.interval_ns)
