"""From stored rows to a closed window's document ``edgewatt/window/1``: energy, error bar, losses, verdict.

Pure: rows and clock models in, a document out. What it needs of the store is handed in by ``powerd.windows``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from powerd.budget import BudgetTerm, budget, u95
from powerd.clock import ClockModel, Instant
from powerd.model import MeterInfo, Quality, Reading, Settings
from powerd.store import Run
from schemas.energy import EnergyResult, EnergySample, NoSamples, integrate
from schemas.metrology import Specification
from schemas.units import NS_PER_S, UnixNs, format_rfc3339

GOOD_COVERAGE = 0.998
BAD_COVERAGE = 0.99
BOUNDED_CLOCK_S = 0.5
"""A clock that may be off by more says nothing useful about which samples belong to a run."""


@dataclass(frozen=True, slots=True)
class Span:
    """The window on BOOTTIME, each end with the half-width that holds it and the ties used."""

    begin: Instant
    end: Instant
    opened_ns: int
    close_requested_ns: int

    @property
    def clock_u95_ns(self) -> int:
        """The wider of the two ends."""
        return max(self.begin.u95_ns, self.end.u95_ns)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything about a window that is not a sample."""

    ident: str
    name: str
    meter: str
    channel: str
    labels: Mapping[str, str]
    request: Mapping[str, Any]
    span: Span
    utc: ClockModel
    clock_offset_s: float
    clock_source: str
    info: MeterInfo
    specification: Specification
    settings: Sequence[Settings]
    runs: Sequence[Run]
    fix_ids: Sequence[int]
    exchange_ids: Sequence[int]
    clock_steps: int
    marks: Sequence[tuple[int, str]]


def document(facts: Facts, readings: Sequence[Reading]) -> dict[str, Any]:
    """The closed window. ``readings`` are of one channel, in order of their end, some before and after it."""
    rows = _in_order(readings)
    span = facts.span
    begin, end = span.begin.ns, span.end.ns
    result: EnergyResult | None
    try:
        interval = _interval_ns(facts.settings, rows)
        result = integrate([_energy_sample(r) for r in rows], begin, end, interval)
    except NoSamples:
        result = None
    terms = () if result is None else budget(rows, result, facts.specification, span.clock_u95_ns)
    bad = _bad_samples(rows, begin, end)
    reasons = _reasons(facts, result, bad)
    body = _identity(facts, rows) | _figures(result, terms, begin, end, bad)
    body |= {
        "ranges": _ranges(rows, result),
        "clock": {
            "offset_s": facts.clock_offset_s,
            "u95_s": span.clock_u95_ns / NS_PER_S,
            "source": facts.clock_source,
            "fixes": list(facts.fix_ids),
            "exchanges": list(facts.exchange_ids),
        },
        "budget": [t.to_document() for t in terms],
        "quality": _quality(facts, result, bad),
        "reasons": reasons,
        "marks": [{"unix_ns": facts.utc.to_remote(at).ns, "text": text} for at, text in facts.marks],
    }
    return body | {"sha256": digest(body)}


def digest(body: Mapping[str, Any]) -> str:
    """SHA-256 of a document without its own digest, in canonical JSON."""
    plain = {k: v for k, v in body.items() if k != "sha256"}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _in_order(readings: Sequence[Reading]) -> list[Reading]:
    """By end of interval; of two answers for the same end the good one stays."""
    kept: list[Reading] = []
    for reading in sorted(readings, key=lambda r: (r.end_ns, r.values.quality is not Quality.GOOD)):
        if not kept or reading.end_ns > kept[-1].end_ns:
            kept.append(reading)
    return kept


def _energy_sample(reading: Reading) -> EnergySample:
    power = reading.values.power_w
    good = reading.values.quality is Quality.GOOD and power is not None and math.isfinite(power)
    return EnergySample(reading.end_ns, power if good and power is not None else 0.0, good)


def _interval_ns(settings: Sequence[Settings], rows: Sequence[Reading]) -> int:
    if rows:
        return rows[len(rows) // 2].interval_ns
    return settings[-1].interval_ns if settings else NS_PER_S


def _bad_samples(rows: Sequence[Reading], begin: int, end: int) -> dict[str, int]:
    counts = {q.value: 0 for q in Quality if q is not Quality.GOOD}
    for reading in rows:
        if reading.values.quality is not Quality.GOOD and begin < reading.end_ns < end + reading.interval_ns:
            counts[reading.values.quality.value] += 1
    return counts


def _identity(facts: Facts, rows: Sequence[Reading]) -> dict[str, Any]:
    begin, end = (facts.utc.to_remote(i.ns).ns for i in (facts.span.begin, facts.span.end))
    return {
        "schema": "edgewatt/window/1",
        "id": facts.ident,
        "name": facts.name,
        "meter": facts.meter,
        "channel": facts.channel,
        "meter_info": {
            "driver": facts.info.driver,
            "maker": facts.info.maker,
            "model": facts.info.model,
            "serial": facts.info.serial,
            "firmware": facts.info.firmware,
        },
        "labels": dict(facts.labels),
        "state": "closed",
        "revision": 1,
        "simulated": facts.info.simulated or any(r.simulated for r in rows),
        "requested": dict(facts.request),
        "begin_unix_ns": begin,
        "end_unix_ns": end,
        "begin": format_rfc3339(UnixNs(begin), 6),
        "end": format_rfc3339(UnixNs(end), 6),
    }


def _figures(
    result: EnergyResult | None,
    terms: Sequence[BudgetTerm],
    begin: int,
    end: int,
    bad: Mapping[str, int],
) -> dict[str, Any]:
    duration = (end - begin) / NS_PER_S
    names = ("energy_j", "energy_u95_j", "energy_low_j", "energy_high_j", "measured_j", "bridged_j",
             "average_w", "average_u95_w", "min_w", "max_w")  # fmt: skip
    figures: dict[str, Any] = {"duration_s": duration} | dict.fromkeys(names)
    if result is None:
        return figures | {"samples": 0, "bad_samples": dict(bad), "coverage": 0.0, "max_gap_s": duration}
    error = u95(terms)
    figures |= {
        "energy_j": result.energy_j,
        "energy_u95_j": error,
        "energy_low_j": result.energy_j - error,
        # Over range the meter says "at least": how much more it was, nobody knows.
        "energy_high_j": None if bad["overrange"] else result.energy_j + error,
        "measured_j": result.measured_j,
        "bridged_j": result.bridged_j,
        "average_w": result.average_w,
        "average_u95_w": error / duration,
        "min_w": result.min_w,
        "max_w": result.max_w,
        "samples": result.samples,
        "bad_samples": dict(bad),
        "coverage": result.coverage,
        "max_gap_s": result.max_gap_s,
    }
    return figures


def _ranges(rows: Sequence[Reading], result: EnergyResult | None) -> list[dict[str, Any]]:
    counts: dict[tuple[float | None, float | None], int] = {}
    for reading, weight in zip(rows, result.weights_ns if result else (), strict=bool(result)):
        if weight:
            key = (reading.values.voltage_range_v, reading.values.current_range_a)
            counts[key] = counts.get(key, 0) + 1
    return [{"voltage_v": v, "current_a": a, "samples": n} for (v, a), n in counts.items()]


def _is_auto(settings: Sequence[Settings]) -> bool:
    return any(s.voltage_range_v is None or s.current_range_a is None for s in settings)


def _outside_s(span: Span) -> float:
    early = span.opened_ns - span.begin.ns - span.begin.u95_ns
    late = span.end.ns - span.close_requested_ns - span.end.u95_ns
    return max(early, late, 0) / NS_PER_S


def _without_daemon_s(facts: Facts) -> float:
    begin, end = facts.span.begin.ns, facts.span.end.ns
    off = 0
    for a, b in zip(facts.runs, facts.runs[1:], strict=False):
        off += max(0, min(end, b.started_ns) - max(begin, a.last_ns))
    return off / NS_PER_S


def _reasons(facts: Facts, result: EnergyResult | None, bad: Mapping[str, int]) -> list[str]:
    """Why the quality is not ``good``; each begins with a name that programs may look for."""
    found = []
    coverage = result.coverage if result else 0.0
    if result is None:
        found.append("no-samples: no good sample lies in the window")
    elif coverage < GOOD_COVERAGE:
        found.append(
            f"coverage: {coverage:.4f} of the window lies within good samples, wanted {GOOD_COVERAGE}"
        )
    off = _without_daemon_s(facts)
    if off > 0:
        found.append(f"without-daemon: powerd did not run for {off:.3f} s of the window")
    if result is not None and coverage < GOOD_COVERAGE:
        found.append(f"gap: the longest time between two good samples is {result.max_gap_s:.3f} s")
    found += [f"{name}: {count} samples" for name, count in bad.items() if count]
    if _is_auto(facts.settings):
        found.append("auto-range: the range was not fixed")
    if facts.span.clock_u95_ns > BOUNDED_CLOCK_S * NS_PER_S:
        found.append(
            f"clock: its bound is {facts.span.clock_u95_ns / NS_PER_S:.3f} s, wanted {BOUNDED_CLOCK_S} s"
        )
    if facts.clock_steps:
        found.append(f"clock-step: a clock was set {facts.clock_steps} times around the window")
    outside = _outside_s(facts.span)
    if outside > 0:
        found.append(f"outside-session: {outside:.3f} s lie before the opening or after the closing request")
    return found


def _quality(facts: Facts, result: EnergyResult | None, bad: Mapping[str, int]) -> str:
    unbounded = facts.span.clock_u95_ns > BOUNDED_CLOCK_S * NS_PER_S
    if result is None or result.coverage < BAD_COVERAGE or bad["overrange"] or unbounded:
        return "bad"
    outside = _outside_s(facts.span) > 0
    if result.coverage < GOOD_COVERAGE or _is_auto(facts.settings) or facts.clock_steps or outside:
        return "degraded"
    return "good"
