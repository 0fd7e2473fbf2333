"""What keeps a window from being good, and how good it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median_low
from typing import Any

from schemas import clock_events
from schemas.energy import EnergyResult
from schemas.evidence import Evidence, Span, ranges_in
from schemas.records import StoredWindow
from schemas.timeline import steps_between
from schemas.units import NS_PER_S

GOOD_COVERAGE = 0.998
BAD_COVERAGE = 0.99


def reasons_of(
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
    happened = clock_events.around(span.line.fixes, span.begin.ns, span.end.ns)
    reasons += [str(event) for event in happened if event.spoils]
    clients = [("client", span.clock)] if span.clock is not None else []
    for name, step in steps_between(clients, span.begin.ns, span.end.ns):
        reasons.append(f"clock-step: the {name} clock was set by {step.by_ns / NS_PER_S:+.3f} s")
    closed_ns = span.line.place(str(request["boot_id"]), int(request["requested_boottime_ns"]))
    if span.begin.ns < window.opened_ns - span.begin.u95_ns or span.end.ns > closed_ns + span.end.u95_ns:
        reasons.append("outside-session")
    return reasons


def _range_reasons(evidence: Evidence, span: Span) -> list[str]:
    ranges = ranges_in(evidence, span)
    if any(s.voltage_range_v is None or s.current_range_a is None for s in evidence.settings):
        return ["auto-range: the meter chose its ranges itself"]
    most = max(Counter((r.get("meter"), r.get("channel")) for r in ranges).values(), default=0)
    if most > 1:
        return [f"range-changed: {most} ranges within the window"]
    return []


def quality_of(reasons: Sequence[str]) -> str:
    """``good`` without any reason, ``bad`` where the energy cannot be relied on, ``degraded`` between."""
    names = {r.split(":", 1)[0] for r in reasons}
    if names & {"no-samples", "overrange", "clock-unbounded"}:
        return "bad"
    low = next((r for r in reasons if r.startswith("coverage:")), None)
    if low is not None and float(low.split()[1].rstrip(",")) < BAD_COVERAGE:
        return "bad"
    return "degraded" if reasons else "good"
