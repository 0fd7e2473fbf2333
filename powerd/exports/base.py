"""What every form of export is made from: a closed window and its samples, one usual interval around included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from powerd.boottime import boottime_ns
from powerd.clock import Instant
from powerd.errors import NotThere
from powerd.model import Reading
from powerd.signing import Signer
from powerd.store import Store, StoredWindow
from powerd.windows import Conflict
from schemas import evidence
from schemas.units import NS_PER_S

_PAGE_NS = 1800 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Export:
    """A closed window's document and its samples in order, each with the end of its interval in UTC.

    ``signer`` gives the daemon's key or raises ``Refused``; ``store`` and ``stored`` are for forms that need more.
    """

    window: Mapping[str, Any]
    samples: Iterator[tuple[Instant, Reading]]
    store: Store
    stored: StoredWindow
    signer: Callable[[], Signer]


def gather(store: Store, window: Mapping[str, Any], signer: Callable[[], Signer]) -> Export:
    """The samples of a window; ``Conflict`` when it is not closed yet."""
    if window["state"] != "closed":
        raise Conflict(f"window {window['id']} is {window['state']}: close it, then export it")
    stored = store.window(str(window["id"]))
    if stored is None:
        raise NotThere(f"there is no window {window['id']!r}: `powerd windows` lists them")
    span = evidence.locate(store, stored, stored.request or {}, boottime_ns())
    return Export(window, _samples(store, stored, span), store, stored, signer)


def _places(window: StoredWindow) -> list[tuple[str, str]]:
    return [(meter, channel) for meter, channels in window.places for channel in channels]


def _samples(store: Store, window: StoredWindow, span: evidence.Span) -> Iterator[tuple[Instant, Reading]]:
    around = _usual_ns(store, window, span)
    several = len(window.places) > 1
    stretches = span.line.boots(span.begin.ns - around, span.end.ns + around)
    for boot, begin, end in sorted(stretches, key=lambda s: span.line.model(s[0]).to_remote(s[1]).ns):
        utc = span.line.model(boot)
        for reading in _pages(store, window, boot, begin, end):
            yield utc.to_remote(reading.end_ns), _named(reading) if several else reading


def _named(reading: Reading) -> Reading:
    """With the meter before its channel, for windows of several meters."""
    channel = f"{reading.meter}/{reading.values.channel}"
    return replace(reading, values=replace(reading.values, channel=channel))


def _usual_ns(store: Store, window: StoredWindow, span: evidence.Span) -> int:
    """The usual interval: that of the first sample in the window, a second without any."""
    for boot, begin, end in span.line.boots(span.begin.ns, span.end.ns):
        found = [store.readings(*place, boot, begin, end, limit=1) for place in _places(window)]
        if any(found):
            return max(rows[0].reading.interval_ns for rows in found if rows)
    return NS_PER_S


def _pages(store: Store, window: StoredWindow, boot: str, begin: int, end: int) -> Iterator[Reading]:
    """Page by page, each read on the thread that asks for it: a week of samples never lies in memory."""
    at = begin
    while at <= end:
        upto = min(at + _PAGE_NS, end)
        rows = [row for place in _places(window) for row in store.readings(*place, boot, at, upto)]
        for row in sorted(rows, key=lambda r: (r.reading.end_ns, r.ident)):
            yield row.reading
        at = upto + 1
