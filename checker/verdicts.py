"""Both verdicts from the same findings.

``valid`` follows the rules as written and our quality rules. ``reference_valid`` is what the official checker of
the round would list: failures at division, submitter, system or benchmark take everything below along, and
where it would end with a traceback nothing is listed at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import lru_cache

from checker.model import Effect, Finding, Place

SKIPPING = (Effect.DIVISION, Effect.SUBMITTER, Effect.SYSTEM, Effect.BENCHMARK)
DEPTHS = {Effect.DIVISION: 1, Effect.SUBMITTER: 2, Effect.SYSTEM: 3, Effect.BENCHMARK: 4}
ENDS_EARLY = ("structure/scenario-dir-known", "structure/benchmark-known", "measurements/dir")
BEFORE_ACCURACY = ("structure/acc-txt", "structure/acc-file-list")


class Verdicts:
    """The verdicts on a tree with these findings. Findings are looked up by place, never searched through."""

    def __init__(self, findings: Sequence[Finding], results: Collection[Place] = ()) -> None:
        """Findings of the whole tree, forgiven ones included; ``results`` are the places of the results."""
        self.findings = findings
        self._at: dict[Place, list[int]] = defaultdict(list)
        for at, found in enumerate(findings):
            self._at[found.place].append(at)
        self._counting = {f.place for f in findings if f.counts and not f.spares_results}
        self._tree_counts = any(f.counts for f in findings)
        failing = [(at, f) for at, f in enumerate(findings) if f.effect.fails]
        self._fails = bool(failing)
        self._stop = next((at for at, f in failing if f.effect is Effect.STOP), None)
        self._skipped = {f.place.cut(DEPTHS[f.effect]) for _, f in failing if f.effect in SKIPPING}
        self._failed = {f.place for _, f in failing if f.effect is Effect.RESULT}
        self._unlisted = self._skipped | self._failed
        self._crash: int | None = None
        self._crash = next((at for at, f in failing if self._ends_it(f)), None)
        lists = [(at, f.place) for at, f in failing if f.effect is Effect.LISTING]
        if self._crash is None and lists:
            fine = {p for place in results if self.reference_valid(place) for p in above(place)}
            self._crash = next((at for at, place in lists if place in fine), None)

    def _ends_it(self, found: Finding) -> bool:
        return found.effect is Effect.LOADING or (found.effect is Effect.CRASH and self._reached(found))

    def _reached(self, crash: Finding) -> bool:
        """Whether the official checker gets as far as this crash."""
        if self._stop is not None or self._skipped.intersection(above(crash.place)):
            return False
        if not crash.place.scenario:
            return True
        here = (self.findings[at] for at in self._at[crash.place])
        before = [f for f in here if f.effect is Effect.RESULT]
        family = _part_of(crash)
        if any(f.rule in ENDS_EARLY for f in before):
            return False
        if family != "measurements" and any(_part_of(f) == "measurements" for f in before):
            return False
        return family != "accuracy" or not any(f.rule in BEFORE_ACCURACY for f in before)

    def reference_valid(self, place: Place) -> bool:
        """Whether the official checker lists the result at ``place``, provided that it has a number."""
        if self._stop is not None or self._crash is not None:
            return False
        return self._unlisted.isdisjoint(above(place))

    def valid(self, place: Place) -> bool:
        """Whether nothing counts against the result at ``place``."""
        return not self._counting.intersection(above(place))

    def tree_valid(self) -> bool:
        """Whether nothing counts anywhere."""
        return not self._tree_counts

    def reference_exits_zero(self) -> bool:
        """Whether the official checker has no failure to report."""
        return not self._fails

    def about(self, place: Place) -> tuple[int, ...]:
        """Indices of the findings about the result at ``place``: those there, those above, and what ends it all."""
        found = {at for p in above(place) for at in self._at.get(p, ())}
        found |= {at for at in (self._stop, self._crash) if at is not None}
        return tuple(sorted(found))


@lru_cache(maxsize=1 << 16)
def above(place: Place) -> tuple[Place, ...]:
    """A place and all that hold it."""
    return tuple(place.cut(depth) for depth in range(len(place.names) + 1))


def _part_of(found: Finding) -> str:
    """Which part of the work on a result a finding belongs to."""
    if found.rule == "structure/readable":
        return "measurements" if "/measurements/" in found.location.path else "accuracy"
    return {"source": "measurements"}.get(found.rule.split("/")[0], found.rule.split("/")[0])
