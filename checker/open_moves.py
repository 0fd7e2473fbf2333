"""Results that could move to the open division as they are: those whose only errors are ones that open relaxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from checker.aliases import matches
from checker.model import Finding, Place, Report
from checker.verdicts import above

RELAXED = (
    "structure/benchmark-known", "structure/required-scenarios", "structure/server-or-interactive",
    "structure/scenario-dir-known", "system/network-mode", "system/sut-name", "accuracy/target",
    "accuracy/upper-limit", "accuracy/hash", "accuracy/endpoint-score", "calibration/*",
    "compliance/*",
)  # fmt: skip
"""Rules that the open division does not have, in every round."""
RELAXED_UNTIL = {
    "accuracy/log-truncated": "v5.1",
    "accuracy/loadgen-errors": "v5.1",
    "accuracy/dataset-size": "v5.1",
    "structure/extra-accuracy-files": "v5.1",
    "measurements/equal-issue-conf": "v4.1",
    "performance/equal-issue": "v5.1",
}
"""Rules that it does not have up to a round."""
RELAXED_SINCE = {"performance/offline-samples": "v6.0"}


@dataclass(frozen=True, slots=True)
class Move:
    """A benchmark with the scenarios that could move, and the rules that they break where they are."""

    place: Place
    scenarios: tuple[str, ...]
    rules: tuple[str, ...]


def movable(report: Report) -> tuple[Move, ...]:
    """What could move, benchmark by benchmark. What is wrong above a system is to be put right anyway."""
    rows: dict[Place, tuple[list[str], list[str]]] = {}
    at: dict[Place, list[Finding]] = defaultdict(list)
    for found in report.findings:
        if found.counts and found.place.system:
            at[found.place].append(found)
    for result in report.results:
        against = [f for place in above(result.place) for f in at.get(place, ())]
        if result.place.division == "open" or not against:
            continue
        if all(relaxed(f, report.round) for f in against):
            scenarios, rules = rows.setdefault(result.place.cut(4), ([], []))
            scenarios.append(result.scenario)
            rules += [f.rule for f in against]
    return tuple(
        Move(place, tuple(names), tuple(sorted(set(rules)))) for place, (names, rules) in rows.items()
    )


def relaxed(found: Finding, round_name: str) -> bool:
    """Whether the open division of a round does without the rule of a finding."""
    if _any(found.rule, RELAXED):
        return True
    until, since = RELAXED_UNTIL.get(found.rule), RELAXED_SINCE.get(found.rule)
    if until is not None:
        return _number(round_name) <= _number(until)
    return since is not None and _number(since) <= _number(round_name)


def _any(rule: str, names: Sequence[str]) -> bool:
    return any(matches(rule, name) for name in names)


def _number(round_name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in round_name.removeprefix("v").split("."))
