"""A snapshot as one plain line, for logs and pipes."""

from __future__ import annotations

from harness.live.state import Snapshot
from harness.live.text import fixed, printable, quantity, watts


def line(snapshot: Snapshot) -> str:
    """Scenario, run, seconds, time left, samples; with power watts, energy per query and coverage."""
    facts = _progress(snapshot) if snapshot.running else [snapshot.now]
    number = "" if snapshot.number is None else f" ({snapshot.number} of {snapshot.runs})"
    return printable(f"{snapshot.scenario} {snapshot.label}{number}: {', '.join(facts + _power(snapshot))}")


def _progress(snapshot: Snapshot) -> list[str]:
    count = snapshot.count
    rate = "" if count.rate_per_s is None else f" ({fixed(count.rate_per_s)}/s)"
    left = [] if count.left_s is None else [f"{count.left_s:.0f} s left"]
    return [f"{count.elapsed_s:.0f} s", *left, f"{count.completed} samples{rate}"]


def _power(snapshot: Snapshot) -> list[str]:
    power = snapshot.power
    if power is None:
        return []
    if power.problem is not None:
        return [power.problem]
    facts = [watts(power.power_w)] if power.power_w is not None else []
    energy = power.energy
    if energy is not None and snapshot.running:
        if energy.per_query_j is not None:
            facts.append(f"{quantity(energy.per_query_j, 'J')} per {snapshot.unit} so far")
        facts.append(f"coverage {energy.coverage:.4f}")
    return [*facts, *power.alarms[:1]]
