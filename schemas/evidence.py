"""Everything that was kept about a stretch of time: its place on the line, readings, settings, losses, energy.

Pure reading: the same facts give the same evidence, in the daemon and in ``mlcheck verify``. The energy is
``schemas.energy.integrate``'s; ``schemas.window_document`` puts it all into words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from schemas import combine
from schemas.budget import BudgetTerm, ClockBounds, budget, of_several
from schemas.clocks import ClockModel, Instant, NoTie
from schemas.energy import EnergyResult, EnergySample, NoSamples, integrate
from schemas.errors import Refused
from schemas.measured import MeterInfo, Quality, Reading, Settings
from schemas.metrology import Specification
from schemas.records import Source, StoredWindow
from schemas.timeline import Timeline
from schemas.units import NS_PER_S

MARGIN_NS = 60 * NS_PER_S
DAY_NS = 86_400 * NS_PER_S
LONGEST_NS = 30 * DAY_NS
Specify = Callable[[MeterInfo], Specification]
_LOSSES = (Quality.OVERRANGE, Quality.NODATA, Quality.GARBLED, Quality.NEGATIVE, Quality.LATE)


@dataclass(frozen=True, slots=True)
class Span:
    """A requested stretch on the window's time line."""

    line: Timeline
    clock: ClockModel | None
    begin: Instant
    end: Instant

    @property
    def u95_ns(self) -> int:
        """Bound of the worse end."""
        return max(self.begin.u95_ns, self.end.u95_ns)


@dataclass(frozen=True, slots=True)
class Part:
    """What one meter contributes: its updates in order, each the sum of ``channels``, and what they come to.

    ``result`` is None, and ``terms`` empty, where no good sample stands for any of the stretch.
    """

    meter: str
    readings: Sequence[Reading]
    channels: Sequence[Sequence[Reading]]
    samples: Sequence[EnergySample]
    info: MeterInfo | None
    settings: Sequence[Settings]
    specification: Specification | None
    result: EnergyResult | None
    terms: tuple[BudgetTerm, ...]

    @property
    def line(self) -> combine.Line:
        """For the sum with others."""
        return combine.Line(self.readings, self.samples, median_low([r.interval_ns for r in self.readings]))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was kept about the stretch. ``readings`` and ``samples`` are the sum of all parts over time."""

    parts: Sequence[Part]
    readings: Sequence[Reading]
    samples: Sequence[EnergySample]
    absent_s: float
    absences: int

    @property
    def info(self) -> MeterInfo | None:
        """Who measured, the first of several."""
        return self.parts[0].info

    @property
    def settings(self) -> list[Settings]:
        """All settings that were in force."""
        return [s for part in self.parts for s in part.settings]


def locate(store: Source, window: StoredWindow, request: Mapping[str, Any], now_ns: int) -> Span:
    """Put the request on the time line; ``Refused`` when it cannot be, with the reason."""
    begin_ns, end_ns, clock = int(request["begin_unix_ns"]), int(request["end_unix_ns"]), request["clock"]
    if not 0 < end_ns - begin_ns <= LONGEST_NS:
        raise Refused(
            f"the window would last {(end_ns - begin_ns) / NS_PER_S:g} s: end_unix_ns must lie after "
            "begin_unix_ns, by 30 days at most"
        )
    latest = now_ns if store.boot_id == window.boot_id else window.opened_ns + LONGEST_NS
    line = Timeline(store, window.boot_id, window.opened_ns - MARGIN_NS, latest)
    model, ties = line.utc, None
    if clock is not None:
        ties = model = line.client(store.exchanges(str(clock)))
    try:
        return Span(line, ties, model.to_local(begin_ns), model.to_local(end_ns))
    except NoTie:
        raise Refused(
            f"clock {str(clock)[:80]!r} was never compared with this machine's: "
            "do POST /v1/clock/exchange first, or close with clock null in this machine's UTC"
        ) from None


def gather(store: Source, window: StoredWindow, span: Span, specify: Specify) -> Evidence:
    """Readings around the stretch in order of their place on the line, and what was known of the meters."""
    parts = [_part(store, meter, channels, span, specify) for meter, channels in window.places]
    readings, samples = parts[0].readings, parts[0].samples
    if len(parts) > 1 and all(part.readings for part in parts):
        readings, samples = combine.joined([part.line for part in parts])
    return Evidence(parts, readings, samples, *_absence(store, span))


def _part(store: Source, meter: str, channels: Sequence[str], span: Span, specify: Specify) -> Part:
    placed = _updates(store, meter, channels, span)
    readings = [combine.summed(update) for _, update in placed]
    samples = [
        EnergySample(at, r.values.power_w or 0.0, _is_good(r), r.end_u95_ns)
        for (at, _), r in zip(placed, readings, strict=True)
    ]
    updates = [update for _, update in placed]
    info, settings = _meter_in_force(store, meter, span)
    specification = None if info is None else specify(info)
    result: EnergyResult | None = None
    terms: tuple[BudgetTerm, ...] = ()
    if readings and specification is not None:
        try:
            usual = median_low([r.interval_ns for r in readings])
            result = integrate(samples, span.begin.ns, span.end.ns, usual)
        except NoSamples:
            pass
        else:
            clock = ClockBounds(span.begin.u95_ns / NS_PER_S, span.end.u95_ns / NS_PER_S)
            terms = budget(readings, result, specification, clock, updates)
    return Part(meter, readings, updates, samples, info, settings, specification, result, terms)


def _updates(
    store: Source, meter: str, channels: Sequence[str], span: Span
) -> list[tuple[int, tuple[Reading, ...]]]:
    """The updates of a meter by their place on the line, each with the readings of its channels."""
    placed: list[tuple[int, int, Reading]] = []
    for boot, begin, end in span.line.boots(span.begin.ns - MARGIN_NS, span.end.ns + MARGIN_NS):
        for channel in channels:
            for stored in store.readings(meter, channel, boot, begin, end):
                placed.append((span.line.place(boot, stored.reading.end_ns), stored.ident, stored.reading))
    placed.sort(key=lambda item: item[:2])
    if len(channels) == 1:
        return [(at, (reading,)) for at, _, reading in placed]
    found: dict[tuple[int, int], dict[str, Reading]] = {}
    for at, _, reading in placed:
        found.setdefault((at, reading.sequence), {})[reading.values.channel] = reading
    return [(at, combine.whole(rows, channels)) for (at, _), rows in found.items()]


def _is_good(reading: Reading) -> bool:
    return reading.values.quality is Quality.GOOD and reading.values.power_w is not None


def _meter_in_force(store: Source, meter: str, span: Span) -> tuple[MeterInfo | None, list[Settings]]:
    """Who measured, and all settings that were in force during the stretch."""
    info: MeterInfo | None = None
    settings: list[Settings] = []
    for boot, since, who, how in store.meter_history(meter):
        try:
            at = span.line.place(boot, since)
        except NoTie:
            continue
        if at > span.end.ns:
            break
        settings = [how] if at <= span.begin.ns else [*settings, how]
        info = who
    return info, settings


def _absence(store: Source, span: Span) -> tuple[float, int]:
    """Seconds of the stretch without a running daemon, and in how many pieces."""
    lives: list[tuple[int, int]] = []
    for boot, _, _ in span.line.boots(span.begin.ns - DAY_NS, span.end.ns + DAY_NS):
        for run in store.runs(boot):
            try:
                lives.append((span.line.place(boot, run.started_ns), span.line.place(boot, run.last_ns)))
            except NoTie:
                continue
    total = pieces = 0
    at = span.begin.ns
    for started, last in [*sorted(lives), (span.end.ns, span.end.ns)]:
        stop = min(started, span.end.ns)
        if lives and stop > at and started != span.end.ns:
            total, pieces = total + stop - at, pieces + 1
        at = max(at, last)
    return total / NS_PER_S, pieces


def energy_of(evidence: Evidence) -> tuple[EnergyResult | None, tuple[BudgetTerm, ...]]:
    """The one meter's result and budget, or those of the sum; None where one of the meters has no result."""
    parts = evidence.parts
    if len(parts) == 1:
        return parts[0].result, parts[0].terms
    results = [part.result for part in parts if part.result is not None]
    if len(results) < len(parts):
        return None, ()
    result = combine.total(results, [part.line for part in parts], evidence.samples)
    return result, of_several({part.meter: part.terms for part in parts})


def losses_in(evidence: Evidence, span: Span) -> dict[str, int]:
    """Updates with their end in the window that are not good, by the name of the loss; of every meter."""
    found: Counter[Quality] = Counter()
    for part in evidence.parts:
        pairs = zip(part.samples, part.readings, strict=True)
        found.update(r.values.quality for s, r in pairs if span.begin.ns < s.end_ns <= span.end.ns)
    return {loss.value: found.get(loss, 0) for loss in _LOSSES}


def inside(evidence: Evidence, span: Span) -> list[tuple[str, Reading]]:
    """Readings of every channel with their end in the window, and whose they are."""
    return [
        (part.meter, reading)
        for part in evidence.parts
        for sample, update in zip(part.samples, part.channels, strict=True)
        if span.begin.ns < sample.end_ns <= span.end.ns
        for reading in update
    ]


def ranges_in(evidence: Evidence, span: Span) -> list[dict[str, Any]]:
    """Ranges within the window and how many samples were on each; of every channel where there are several."""
    counts: Counter[tuple[str, str, float | None, float | None, int | None]] = Counter(
        (meter, v.channel, v.voltage_range_v, v.current_range_a, v.crest_factor)
        for meter, v in ((meter, r.values) for meter, r in inside(evidence, span))
        if v.quality in (Quality.GOOD, Quality.OVERRANGE, Quality.NEGATIVE)
    )
    several = len({(meter, channel) for meter, channel, *_ in counts}) > 1
    return [
        {
            **({"meter": meter, "channel": channel} if several else {}),
            "voltage_range_v": v,
            "current_range_a": a,
            "crest_factor": cf,
            "samples": n,
        }
        for (meter, channel, v, a, cf), n in counts.items()
    ]
