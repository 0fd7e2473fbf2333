"""From a window's request and the stored readings to its document, ``edgewatt/window/1``.

Pure reading: the same facts give the same document, in the daemon and in ``mlcheck verify``.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median_low
from typing import Any

from schemas import __version__, calibration, clock_events, statements
from schemas.budget import BudgetTerm, u95
from schemas.clocks import ClockModel
from schemas.energy import EnergyResult, EnergySample, NoSamples, integrate
from schemas.evidence import (
    Evidence,
    Part,
    Span,
    Specify,
    energy_of,
    gather,
    inside,
    locate,
    losses_in,
    ranges_in,
)
from schemas.measured import Quality
from schemas.records import Source, StoredWindow
from schemas.units import NS_PER_S, exact
from schemas.window_reasons import quality_of, reasons_of

SCHEMA = "edgewatt/window/1"
_NUMBERS = (Quality.GOOD, Quality.NEGATIVE)
"""Qualities of a channel whose power is a number; in a sum a negative one counts like any other."""


def document(store: Source, window: StoredWindow, now_ns: int, specify: Specify) -> dict[str, Any]:
    """The closed window; ``window.request`` holds what the closer asked, ``specify`` knows the accuracy of meters."""
    request = window.request or {}
    span = locate(store, window, request, now_ns)
    evidence = gather(store, window, span, specify)
    result, terms = energy_of(evidence)
    losses = losses_in(evidence, span)
    reasons = reasons_of(window, request, span, evidence, result, losses)
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
        "ranges": ranges_in(evidence, span),
        "clock": _clock(span, request),
        "utc": clock_events.keepers(span.line.fixes, span.begin.ns, span.end.ns),
        "budget": [asdict(t) for t in terms],
        "quality": quality_of(reasons),
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
                energy = _energy_of_channel(own, span, part.line.usual_ns)
            info = None if part.info is None else asdict(part.info)
            rows.append({"meter": meter, "channel": channel, "energy_j": energy, "meter_info": info})
    return {"sources": rows}


def _energy_of_channel(samples: Sequence[EnergySample], span: Span, usual_ns: int) -> float | None:
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
    line = statements.mains([r for _, r in inside(evidence, span)])
    begin_unix_ns = span.line.utc.to_remote(span.begin.ns).ns
    own = None if len(evidence.parts) > 1 else _integrator(evidence.parts[0], span)
    ages = [calibration.age_of(part.info, begin_unix_ns) for part in evidence.parts]
    known = [age for age in ages if age is not None]
    notes = [n for part in evidence.parts for n in _notes(part, begin_unix_ns, len(evidence.parts) > 1)]
    stamps = [s.end_ns for s in evidence.samples]
    happened = clock_events.around(span.line.fixes, span.begin.ns, span.end.ns)
    slewed = [str(event) for event in happened if not event.spoils]
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
