"""From a window's request and the stored readings to its document, ``edgewatt/window/1``.

Pure reading: the same facts give the same document, in the daemon and in ``mlcheck verify``. The energy is
``schemas.energy.integrate``'s.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median_low
from typing import Any

from schemas import __version__, calibration, statements
from schemas.budget import BudgetTerm, ClockBounds, budget, u95
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
class Evidence:
    """Everything that was kept about the stretch."""

    readings: Sequence[Reading]
    samples: Sequence[EnergySample]
    info: MeterInfo | None
    settings: Sequence[Settings]
    absent_s: float
    absences: int


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


def gather(store: Source, window: StoredWindow, span: Span) -> Evidence:
    """Readings around the stretch in order of their place on the line, and what was known of the meter."""
    placed: list[tuple[int, int, Reading]] = []
    for boot, begin, end in span.line.boots(span.begin.ns - MARGIN_NS, span.end.ns + MARGIN_NS):
        for stored in store.readings(window.meter, window.channel, boot, begin, end):
            placed.append((span.line.place(boot, stored.reading.end_ns), stored.ident, stored.reading))
    placed.sort(key=lambda item: item[:2])
    samples = [EnergySample(at, r.values.power_w or 0.0, _is_good(r)) for at, _, r in placed]
    info, settings = _meter_in_force(store, window.meter, span)
    absent_s, absences = _absence(store, span)
    return Evidence([r for _, _, r in placed], samples, info, settings, absent_s, absences)


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
    evidence = gather(store, window, span)
    specification = None if evidence.info is None else specify(evidence.info)
    result, terms = _energy(evidence, span, specification)
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
        "simulated": any(r.simulated for r in evidence.readings)
        or (evidence.info is not None and evidence.info.simulated),
        **_instants(span, request),
        **_joules(result, terms, losses),
        "bad_samples": losses,
        "ranges": _ranges(evidence, span),
        "clock": _clock(span, request),
        "budget": [asdict(t) for t in terms],
        "quality": _quality(reasons),
        "reasons": reasons,
        **_statements(evidence, span, result, specification, u95(terms)),
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


def _energy(
    evidence: Evidence, span: Span, specification: Specification | None
) -> tuple[EnergyResult | None, tuple[BudgetTerm, ...]]:
    if not evidence.readings or specification is None:
        return None, ()
    usual = median_low([r.interval_ns for r in evidence.readings])
    try:
        result = integrate(evidence.samples, span.begin.ns, span.end.ns, usual)
    except NoSamples:
        return None, ()
    clock = ClockBounds(span.begin.u95_ns / NS_PER_S, span.end.u95_ns / NS_PER_S)
    return result, budget(evidence.readings, result, specification, clock)


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


def _statements(
    evidence: Evidence,
    span: Span,
    result: EnergyResult | None,
    specification: Specification | None,
    u95_j: float,
) -> dict[str, Any]:
    """What is said beside the energy, and notes on what surrounds the measurement."""
    stamps = [s.end_ns for s in evidence.samples]
    one = None
    if result is not None and specification is not None:
        one = statements.one_percent(evidence.readings, result, specification, u95_j)
    line = statements.mains(_inside(evidence, span))
    begin_unix_ns = span.line.utc.to_remote(span.begin.ns).ns
    return {
        "official": statements.official(evidence.readings, stamps, span.begin.ns, span.end.ns),
        "one_percent": one,
        "mains": line,
        "calibration_age_days": calibration.age_of(evidence.info, begin_unix_ns),
        "notes": [*calibration.notes(evidence.info, begin_unix_ns), *statements.mains_notes(line)],
    }


def _losses(evidence: Evidence, span: Span) -> dict[str, int]:
    """Readings with their end in the window that are not good, by the name of the loss."""
    found = Counter(r.values.quality for r in _inside(evidence, span))
    return {loss.value: found.get(loss, 0) for loss in _LOSSES}


def _inside(evidence: Evidence, span: Span) -> list[Reading]:
    pairs = zip(evidence.samples, evidence.readings, strict=True)
    return [r for s, r in pairs if span.begin.ns < s.end_ns <= span.end.ns]


def _ranges(evidence: Evidence, span: Span) -> list[dict[str, Any]]:
    counts: Counter[tuple[float | None, float | None, int | None]] = Counter(
        (r.values.voltage_range_v, r.values.current_range_a, r.values.crest_factor)
        for r in _inside(evidence, span)
        if r.values.quality in (Quality.GOOD, Quality.OVERRANGE, Quality.NEGATIVE)
    )
    return [
        {"voltage_range_v": v, "current_range_a": a, "crest_factor": cf, "samples": n}
        for (v, a, cf), n in counts.items()
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
    }
    if span.clock is not None:
        ours = span.line.utc.drift_ppm()
        theirs = span.clock.drift_ppm()
        clock["offset_s"] = (at_end.ns - int(request["end_unix_ns"])) / NS_PER_S
        clock["drift_ppm"] = None if ours is None or theirs is None else theirs - ours
        clock["exchanges"] = sorted({*span.begin.ties, *span.end.ties})
    return clock


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
    if evidence.readings and span.u95_ns > median_low([r.interval_ns for r in evidence.readings]):
        reasons.append(f"clock-unbounded: the window's ends are known to {span.u95_ns / NS_PER_S:.3f} s only")
    clocks = [("system", span.line.utc)] + ([("client", span.clock)] if span.clock is not None else [])
    for name, step in steps_between(clocks, span.begin.ns, span.end.ns):
        reasons.append(f"clock-step: the {name} clock was set by {step.by_ns / NS_PER_S:+.3f} s")
    closed_ns = span.line.place(str(request["boot_id"]), int(request["requested_boottime_ns"]))
    if span.begin.ns < window.opened_ns - span.begin.u95_ns or span.end.ns > closed_ns + span.end.u95_ns:
        reasons.append("outside-session")
    return reasons


def _range_reasons(evidence: Evidence, span: Span) -> list[str]:
    ranges = _ranges(evidence, span)
    if any(s.voltage_range_v is None or s.current_range_a is None for s in evidence.settings):
        return ["auto-range: the meter chose its ranges itself"]
    if len(ranges) > 1:
        return [f"range-changed: {len(ranges)} ranges within the window"]
    return []


def _quality(reasons: Sequence[str]) -> str:
    names = {r.split(":", 1)[0] for r in reasons}
    if names & {"no-samples", "overrange", "clock-unbounded"}:
        return "bad"
    low = next((r for r in reasons if r.startswith("coverage:")), None)
    if low is not None and float(low.split()[1].rstrip(",")) < BAD_COVERAGE:
        return "bad"
    return "degraded" if reasons else "good"
