"""From a window's request and the stored readings to its document, ``edgewatt/window/1``.

Pure reading: the same facts give the same document, in the daemon and in ``mlcheck verify``. The energy is
``schemas.energy.integrate``'s.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median_low
from typing import Any

from schemas import __version__, calibration, clock_events, combine, statements
from schemas.budget import BudgetTerm, ClockBounds, budget, of_several, u95
from schemas.clock_events import ClockEvent
from schemas.clocks import ClockModel, Instant, NoTie
from schemas.energy import EnergyResult, EnergySample, NoSamples, integrate
from schemas.errors import Refused
from schemas.measured import MeterInfo, Quality, Reading, Settings
from schemas.metrology import Specification
from schemas.records import Source, StoredWindow
from schemas.timeline import Timeline, steps_between
from schemas.units import NS_PER_S, exact

SCHEMA = "edgewatt/window/1"
MARGIN_NS = 60 * NS_PER_S
GOOD_COVERAGE = 0.998
BAD_COVERAGE = 0.99
DAY_NS = 86_400 * NS_PER_S
LONGEST_NS = 30 * DAY_NS
Specify = Callable[[MeterInfo], Specification]
_NUMBERS = (Quality.GOOD, Quality.NEGATIVE)
"""Qualities of a channel whose power is a number; in a sum a negative one counts like any other."""
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
        EnergySample(at, r.values.power_w or 0.0, _is_good(r))
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


def document(store: Source, window: StoredWindow, now_ns: int, specify: Specify) -> dict[str, Any]:
    """The closed window; ``window.request`` holds what the closer asked, ``specify`` knows the accuracy of meters."""
    request = window.request or {}
    span = locate(store, window, request, now_ns)
    evidence = gather(store, window, span, specify)
    result, terms = _energy(evidence)
    losses = _losses(evidence, span)
    reasons = _reasons(window, request, span, evidence, result, losses)
    body = {
        "schema": SCHEMA,
        "id": window.ident,
        "name": window.name,
        "meter": window.meter,
        "channel": window.channel,
        "labels": dict(window.labels),
        "state": "closed",
        "revision": 1,
        "simulated": any(r.simulated for part in evidence.parts for r in part.readings)
        or any(part.info is not None and part.info.simulated for part in evidence.parts),
        **_instants(span, request),
        **_joules(result, terms, losses),
        "bad_samples": losses,
        "ranges": _ranges(evidence, span),
        "clock": _clock(span, request),
        "budget": [asdict(t) for t in terms],
        "quality": _quality(reasons),
        "reasons": reasons,
        **_statements(evidence, span, result, u95(terms)),
        "idle": None
        if result is None
        else statements.net_of_idle(
            request.get("idle"), result.energy_j, u95(terms), (span.end.ns - span.begin.ns) / NS_PER_S
        ),
        "marks": [
            {"unix_ns": ns, "time": exact(ns), "text": text}
            for ns, text in ((span.line.utc.to_remote(at).ns, text) for at, text in store.marks(window.ident))
        ],
        **opened(span.line.utc, window),
        "meter_info": None if evidence.info is None else asdict(evidence.info),
        "settings": [asdict(s) for s in evidence.settings],
        **_sources(window, evidence, span),
        "daemon": {"name": "powerd", "version": __version__},
        "requested": {key: request.get(key) for key in ("begin_unix_ns", "end_unix_ns", "clock")},
    }
    return body | {"sha256": digest(body)}


def opened(utc: ClockModel, window: StoredWindow) -> dict[str, Any]:
    """When the window was opened, in UTC."""
    at = utc.to_remote(window.opened_ns).ns
    return {"opened_unix_ns": at, "opened": exact(at)}


def digest(body: Mapping[str, Any]) -> str:
    """SHA-256 over the document without its ``sha256``: JSON with sorted keys and no white space, UTF-8."""
    rest = {k: v for k, v in body.items() if k != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(window: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    """Paths of what a window's document says otherwise than one computed again, each with both values.

    Numbers of floating point may differ by rounding, as other processors and libraries round (1 in 10^9); the version
    of the program and the hash are left out.
    """
    found: list[str] = []
    for key in window:
        if key not in ("daemon", "sha256", "revision"):
            _compare(key, window[key], again.get(key), found)
    return found


def _compare(path: str, a: Any, b: Any, found: list[str]) -> None:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in {**a, **b}:
            _compare(f"{path}/{key}", a.get(key), b.get(key), found)
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        for index, (x, y) in enumerate(zip(a, b, strict=True)):
            _compare(f"{path}/{index}", x, y, found)
    elif not _alike(a, b):
        found.append(f"{path}: {_text(a)} in the window, {_text(b)} computed again")


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float | int):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return type(a) is type(b) and bool(a == b)


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:79] + "…"


def _energy(evidence: Evidence) -> tuple[EnergyResult | None, tuple[BudgetTerm, ...]]:
    """The one meter's result and budget, or those of the sum; None where one of the meters has no result."""
    parts = evidence.parts
    if len(parts) == 1:
        return parts[0].result, parts[0].terms
    results = [part.result for part in parts if part.result is not None]
    if len(results) < len(parts):
        return None, ()
    result = combine.total(results, [part.line for part in parts], evidence.samples)
    return result, of_several({part.meter: part.terms for part in parts})


def _sources(window: StoredWindow, evidence: Evidence, span: Span) -> dict[str, Any]:
    """Where a window has several channels or meters: what each of them is and measured."""
    if len(window.places) == 1 and len(window.places[0][1]) == 1:
        return {}
    rows = []
    for part, (meter, channels) in zip(evidence.parts, window.places, strict=True):
        for index, channel in enumerate(channels):
            energy = None
            if part.result is not None:
                rows_w = [update[index].values for update in part.channels]
                own = [
                    EnergySample(s.end_ns, v.power_w or 0.0, v.power_w is not None and v.quality in _NUMBERS)
                    for s, v in zip(part.samples, rows_w, strict=True)
                ]
                energy = _energy_of(own, span, part.line.usual_ns)
            info = None if part.info is None else asdict(part.info)
            rows.append({"meter": meter, "channel": channel, "energy_j": energy, "meter_info": info})
    return {"sources": rows}


def _energy_of(samples: Sequence[EnergySample], span: Span, usual_ns: int) -> float | None:
    try:
        return integrate(samples, span.begin.ns, span.end.ns, usual_ns).energy_j
    except NoSamples:
        return None


def _instants(span: Span, request: Mapping[str, Any]) -> dict[str, Any]:
    """Begin and end in UTC of this machine; as asked where the request was in it."""
    if span.clock is None:
        begin, end = int(request["begin_unix_ns"]), int(request["end_unix_ns"])
    else:
        begin = span.line.utc.to_remote(span.begin.ns).ns
        end = span.line.utc.to_remote(span.end.ns).ns
    return {
        "begin_unix_ns": begin,
        "end_unix_ns": end,
        "begin": exact(begin),
        "end": exact(end),
        "duration_s": (span.end.ns - span.begin.ns) / NS_PER_S,
    }


def _joules(
    result: EnergyResult | None, terms: Sequence[BudgetTerm], losses: Mapping[str, int]
) -> dict[str, Any]:
    if result is None:
        names = ("energy_j", "energy_u95_j", "energy_low_j", "energy_high_j", "measured_j", "bridged_j",
                 "average_w", "average_u95_w", "min_w", "max_w", "max_gap_s")  # fmt: skip
        return {**dict.fromkeys(names), "samples": 0, "coverage": 0.0}
    error = u95(terms)
    duration = (result.end_ns - result.begin_ns) / NS_PER_S
    return {
        "energy_j": result.energy_j,
        "energy_u95_j": error,
        "energy_low_j": result.energy_j - error,
        # Over range the meter only says "more than": nothing bounds the energy from above.
        "energy_high_j": None if losses[Quality.OVERRANGE.value] else result.energy_j + error,
        "measured_j": result.measured_j,
        "bridged_j": result.bridged_j,
        "average_w": result.average_w,
        "average_u95_w": error / duration,
        "min_w": result.min_w,
        "max_w": result.max_w,
        "samples": result.samples,
        "coverage": result.coverage,
        "max_gap_s": result.max_gap_s,
    }


def _statements(evidence: Evidence, span: Span, result: EnergyResult | None, u95_j: float) -> dict[str, Any]:
    """What is said beside the energy, and notes on what surrounds the measurement."""
    one = None
    if result is not None:
        above = sum(
            statements.samples_above(part.channels, part.result, part.specification)
            for part in evidence.parts
            if part.result is not None and part.specification is not None
        )
        one = statements.one_percent(above, result.energy_j, u95_j)
    line = statements.mains([r for _, r in _inside(evidence, span)])
    begin_unix_ns = span.line.utc.to_remote(span.begin.ns).ns
    own = None if len(evidence.parts) > 1 else _integrator(evidence.parts[0], span)
    ages = [calibration.age_of(part.info, begin_unix_ns) for part in evidence.parts]
    known = [age for age in ages if age is not None]
    notes = [n for part in evidence.parts for n in _notes(part, begin_unix_ns, len(evidence.parts) > 1)]
    slewed = [str(event) for event in _clock_events(span) if not event.spoils]
    stamps = [s.end_ns for s in evidence.samples]
    return {
        "official": statements.official(evidence.readings, stamps, span.begin.ns, span.end.ns),
        "one_percent": one,
        "mains": line,
        "integrator": own,
        "calibration_age_days": max(known) if len(known) == len(ages) else None,
        "notes": [*notes, *slewed, *statements.mains_notes(line), *statements.integrator_notes(own)],
    }


def _integrator(part: Part, span: Span) -> dict[str, Any] | None:
    """The meter's own integrator against the samples of its channels; None where it did not run all the time."""
    rows = [
        (sample, update)
        for sample, update in zip(part.samples, part.channels, strict=True)
        if span.begin.ns < sample.end_ns <= span.end.ns
        and all(r.values.integrator_j is not None for r in update)
    ]
    if len(rows) < 2:
        return None
    counted = [math.fsum(r.values.integrator_j or 0.0 for r in update) for _, update in rows]
    if any(b < a for a, b in itertools.pairwise(counted)):
        return None  # it was started anew within the window
    begin, end = rows[0][0].end_ns, rows[-1][0].end_ns
    usual = median_low([r.interval_ns for r in part.readings])
    try:
        result = integrate(part.samples, begin, end, usual)
    except (NoSamples, ValueError):
        return None
    return statements.integrator(counted[-1] - counted[0], result, usual)


def _notes(part: Part, unix_ns: int, named: bool) -> list[str]:
    """Notes on one meter, with its name where there are several."""
    found = (note.partition(": ") for note in calibration.notes(part.info, unix_ns))
    return [f"{name}: {part.meter + ': ' if named else ''}{detail}" for name, _, detail in found]


def _losses(evidence: Evidence, span: Span) -> dict[str, int]:
    """Updates with their end in the window that are not good, by the name of the loss; of every meter."""
    found: Counter[Quality] = Counter()
    for part in evidence.parts:
        pairs = zip(part.samples, part.readings, strict=True)
        found.update(r.values.quality for s, r in pairs if span.begin.ns < s.end_ns <= span.end.ns)
    return {loss.value: found.get(loss, 0) for loss in _LOSSES}


def _inside(evidence: Evidence, span: Span) -> list[tuple[str, Reading]]:
    """Readings of every channel with their end in the window, and whose they are."""
    return [
        (part.meter, reading)
        for part in evidence.parts
        for sample, update in zip(part.samples, part.channels, strict=True)
        if span.begin.ns < sample.end_ns <= span.end.ns
        for reading in update
    ]


def _ranges(evidence: Evidence, span: Span) -> list[dict[str, Any]]:
    """Ranges within the window and how many samples were on each; of every channel where there are several."""
    counts: Counter[tuple[str, str, float | None, float | None, int | None]] = Counter(
        (meter, v.channel, v.voltage_range_v, v.current_range_a, v.crest_factor)
        for meter, v in ((meter, r.values) for meter, r in _inside(evidence, span))
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


def _clock(span: Span, request: Mapping[str, Any]) -> dict[str, Any]:
    """How the ends were found: our UTC minus the client's clock at the end, bound, ids of what was used."""
    at_end = span.line.utc.to_remote(span.end.ns)
    fixes = {*span.line.utc.to_remote(span.begin.ns).ties, *at_end.ties}
    clock: dict[str, Any] = {
        "id": request.get("clock"),
        "source": "system" if span.clock is None else "client exchange",
        "offset_s": 0.0,
        "u95_s": span.u95_ns / NS_PER_S,
        "drift_ppm": None,
        "fixes": sorted(fixes),
        "exchanges": [],
        "utc": _keeper(span),
    }
    if span.clock is not None:
        ours = span.line.utc.drift_ppm()
        theirs = span.clock.drift_ppm()
        clock["offset_s"] = (at_end.ns - int(request["end_unix_ns"])) / NS_PER_S
        clock["drift_ppm"] = None if ours is None or theirs is None else theirs - ours
        clock["exchanges"] = sorted({*span.begin.ties, *span.end.ties})
    return clock


def _clock_events(span: Span) -> list[ClockEvent]:
    """What happened to our clock from the last fix before the window to the first one after it."""
    fixes = span.line.fixes
    first = max((f.boottime_ns for f in fixes if f.boottime_ns <= span.begin.ns), default=span.begin.ns)
    last = min((f.boottime_ns for f in fixes if f.boottime_ns >= span.end.ns), default=span.end.ns)
    return list(clock_events.events([f for f in fixes if first <= f.boottime_ns <= last]))


def _keeper(span: Span) -> dict[str, Any]:
    """Who kept our clock right, and how far it may have been off UTC in the worst moment; None where nobody knows."""
    inside = [f for f in span.line.fixes if span.begin.ns <= f.boottime_ns <= span.end.ns]
    around = inside or [min(span.line.fixes, key=lambda f: abs(f.boottime_ns - span.end.ns))]
    bounds = [f.utc_bound_ns for f in around]
    known = [b for b in bounds if b is not None]
    worst = max(known) / NS_PER_S if len(known) == len(bounds) else None
    return {"sources": sorted({f.source for f in around}), "bound_s": worst}


def _reasons(
    window: StoredWindow,
    request: Mapping[str, Any],
    span: Span,
    evidence: Evidence,
    result: EnergyResult | None,
    losses: Mapping[str, int],
) -> list[str]:
    """Everything that keeps the window from being good, each ``name`` or ``name: detail``."""
    reasons: list[str] = []
    if result is None:
        reasons.append("no-samples: no good sample stands for any part of the window")
    elif result.coverage < GOOD_COVERAGE:
        lost = (1 - result.coverage) * (result.end_ns - result.begin_ns) / NS_PER_S
        reasons.append(f"coverage: {result.coverage:.5f}, {lost:.3f} s without a good sample")
    if evidence.absences:
        times = "once" if evidence.absences == 1 else f"{evidence.absences} times"
        reasons.append(f"daemon-absent: {evidence.absent_s:.3f} s without powerd ({times})")
    reasons += [f"{name}: {count} samples" for name, count in losses.items() if count]
    reasons += _range_reasons(evidence, span)
    if any(
        p.readings and span.u95_ns > median_low([r.interval_ns for r in p.readings]) for p in evidence.parts
    ):
        reasons.append(f"clock-unbounded: the window's ends are known to {span.u95_ns / NS_PER_S:.3f} s only")
    reasons += [str(event) for event in _clock_events(span) if event.spoils]
    clients = [("client", span.clock)] if span.clock is not None else []
    for name, step in steps_between(clients, span.begin.ns, span.end.ns):
        reasons.append(f"clock-step: the {name} clock was set by {step.by_ns / NS_PER_S:+.3f} s")
    closed_ns = span.line.place(str(request["boot_id"]), int(request["requested_boottime_ns"]))
    if span.begin.ns < window.opened_ns - span.begin.u95_ns or span.end.ns > closed_ns + span.end.u95_ns:
        reasons.append("outside-session")
    return reasons


def _range_reasons(evidence: Evidence, span: Span) -> list[str]:
    ranges = _ranges(evidence, span)
    if any(s.voltage_range_v is None or s.current_range_a is None for s in evidence.settings):
        return ["auto-range: the meter chose its ranges itself"]
    most = max(Counter((r.get("meter"), r.get("channel")) for r in ranges).values(), default=0)
    if most > 1:
        return [f"range-changed: {most} ranges within the window"]
    return []


def _quality(reasons: Sequence[str]) -> str:
    names = {r.split(":", 1)[0] for r in reasons}
    if names & {"no-samples", "overrange", "clock-unbounded"}:
        return "bad"
    low = next((r for r in reasons if r.startswith("coverage:")), None)
    if low is not None and float(low.split()[1].rstrip(",")) < BAD_COVERAGE:
        return "bad"
    return "degraded" if reasons else "good"
