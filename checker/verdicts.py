"""Both verdicts from the same findings.

``valid`` follows the rules as written and our quality rules. ``reference_valid`` is what the official checker of
the round would list: failures at division, submitter, system or benchmark take everything below along, and
where it would end with a traceback nothing is listed at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from checker.model import Effect, Finding, Place

SKIPPING = (Effect.DIVISION, Effect.SUBMITTER, Effect.SYSTEM, Effect.BENCHMARK)
DEPTHS = {Effect.DIVISION: 1, Effect.SUBMITTER: 2, Effect.SYSTEM: 3, Effect.BENCHMARK: 4}
ENDS_EARLY = ("structure/scenario-dir-known", "structure/benchmark-known", "measurements/dir")
BEFORE_ACCURACY = ("structure/acc-txt", "structure/acc-file-list")


class Verdicts:
    """The verdicts on a tree with these findings."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        """Findings of the whole tree, forgiven ones included."""
        self.findings = findings
        failing = [f for f in findings if f.effect.fails]
        self.stop = next((f for f in failing if f.effect is Effect.STOP), None)
        self.skipped = [(f.place.cut(DEPTHS[f.effect]), f) for f in failing if f.effect in SKIPPING]
        self.results_failed = {f.place for f in failing if f.effect is Effect.RESULT}
        crashes = [f for f in failing if f.effect is Effect.CRASH and self._reached(f)]
        self.crash = crashes[0] if crashes else None

    def _reached(self, crash: Finding) -> bool:
        """Whether the official checker gets as far as this crash."""
        if self.stop is not None or any(p.covers(crash.place) for p, _ in self.skipped):
            return False
        if not crash.place.scenario:
            return True
        before = [f for f in self.findings if f.place == crash.place and f.effect is Effect.RESULT]
        family = _part_of(crash)
        if any(f.rule in ENDS_EARLY for f in before):
            return False
        if family != "measurements" and any(_part_of(f) == "measurements" for f in before):
            return False
        return family != "accuracy" or not any(f.rule in BEFORE_ACCURACY for f in before)

    def reference_valid(self, place: Place) -> bool:
        """Whether the official checker lists the result at ``place``, provided that it has a number."""
        if self.stop is not None or self.crash is not None or place in self.results_failed:
            return False
        return not any(p.covers(place) for p, _ in self.skipped)

    def valid(self, place: Place) -> bool:
        """Whether nothing counts against the result at ``place``."""
        return not any(f.counts and not f.spares_results and f.place.covers(place) for f in self.findings)

    def tree_valid(self) -> bool:
        """Whether nothing counts anywhere."""
        return not any(f.counts for f in self.findings)

    def reference_exits_zero(self) -> bool:
        """Whether the official checker has no failure to report."""
        return not any(f.effect.fails for f in self.findings)

    def concerns(self, found: Finding, place: Place) -> bool:
        """Whether a finding says something about the result at ``place``: it is there, above, or ends it all."""
        return found.place.covers(place) or found is self.stop or found is self.crash


def _part_of(found: Finding) -> str:
    """Which part of the work on a result a finding belongs to."""
    if found.rule == "structure/readable":
        return "measurements" if "/measurements/" in found.location.path else "accuracy"
    return {"source": "measurements"}.get(found.rule.split("/")[0], found.rule.split("/")[0])
