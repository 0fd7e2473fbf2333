"""Samples that are old enough are removed, except those of windows: what a closed window stands on stays for ever.

So it is with clock fixes, of which a few an hour stay anyway. What became free is given back to the disk.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator

from powerd.clock import ClockModel
from powerd.store import Store, StoredWindow, StoreFailed
from schemas.evidence import MARGIN_NS

log = logging.getLogger(__name__)
EVERY_S = 3600.0
Span = tuple[int, int]
_FAR_NS = 1 << 62


def sweep(store: Store, older_than_unix_ns: int, stopping: threading.Event | None = None) -> int:
    """Remove readings that ended before this instant and belong to no window; how many pieces were looked at.

    Raises ``StoreFailed`` when the store cannot be written; what was removed by then is gone, the rest is as it was.
    """
    windows = store.windows(limit=-1)
    pieces = 0
    for boot in store.boots_in_order():
        fixes = store.fixes_around(boot, older_than_unix_ns, older_than_unix_ns)
        if not fixes:
            continue  # nobody knows when that was
        before_ns = ClockModel.from_fixes(fixes).to_local(older_than_unix_ns).ns
        for begin, end in gaps(kept_clock(store, boot, windows), before_ns):
            store.thin_fixes(boot, begin, end)
        for meter, channel in store.channels_of(boot):
            own = [w for w in windows if any(m == meter and channel in cs for m, cs in w.places)]
            for begin, end in gaps(kept(store, boot, own), before_ns):
                pieces += 1
                while store.remove_readings(meter, channel, boot, begin, end):
                    if stopping is not None and stopping.wait(0.05):  # the writer has other things to do
                        return pieces
    return pieces


def kept(store: Store, boot: str, windows: Iterable[StoredWindow]) -> Iterator[Span]:
    """Stretches on BOOTTIME of ``boot`` that windows stand on, with what is looked at around them."""
    for window in windows:
        if window.state != "closed" or window.request is None:
            # It may still be closed over anything since it was opened, also in later boots.
            yield (window.opened_ns - MARGIN_NS if window.boot_id == boot else 0, _FAR_NS)
            continue
        span = store.span_unix_ns(window.ident)
        fixes = [] if span is None else store.fixes_around(boot, *span)
        if span is not None and fixes:
            utc = ClockModel.from_fixes(fixes)
            begin, end = utc.to_local(span[0]), utc.to_local(span[1])
            yield begin.ns - begin.u95_ns - MARGIN_NS, end.ns + end.u95_ns + MARGIN_NS + 1


def kept_clock(store: Store, boot: str, windows: Iterable[StoredWindow]) -> Iterator[Span]:
    """Stretches of ``boot`` whose clock fixes stay: from the opening of a window to where it was computed."""
    for window in windows:
        request = window.request or {}
        computed = (request.get("computed") or {}).get("boottime_ns", request.get("requested_boottime_ns"))
        if window.boot_id == boot and window.state == "closed" and computed is not None:
            begin = min(window.opened_ns, *(span[0] for span in kept(store, boot, [window])))
            yield begin - 2 * MARGIN_NS, int(computed) + 2 * MARGIN_NS
        else:
            yield from kept(store, boot, [window])


def gaps(spans: Iterable[Span], end_ns: int) -> Iterator[Span]:
    """What is left of everything before ``end_ns`` beside the spans."""
    at = 0
    for begin, end in sorted(spans):
        if begin > at and at < end_ns:
            yield at, min(begin, end_ns)
        at = max(at, end)
    if at < end_ns:
        yield at, end_ns


def run(store: Store, retention_ns: int, stopping: threading.Event, every_s: float = EVERY_S) -> None:
    """Sweep now and then until told to stop; a failure is said and tried again next time."""
    while True:
        try:
            sweep(store, time.time_ns() - retention_ns, stopping)
            while store.vacuum() and not stopping.wait(0.05):
                pass
        except (StoreFailed, sqlite3.Error, TimeoutError) as error:
            log.warning("old samples could not be removed: %s", error)
        if stopping.wait(every_s):
            return
