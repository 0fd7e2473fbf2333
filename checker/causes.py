"""Findings put together by what is behind them, in the order in which one would put them right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checker.model import Finding
from checker.rules import all_rules

UNOFFICIAL = "power/unofficial"
FIRST = "rehearsal"
"""Family of the findings that a run without ``--rehearsal`` takes away together with what follows from them."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Findings of one rule, with those of other rules that only follow from them."""

    findings: tuple[Finding, ...]
    follows: tuple[Cause, ...] = ()

    @property
    def first(self) -> Finding:
        """The finding that stands for all."""
        return self.findings[0]

    @property
    def messages(self) -> list[str]:
        """What is said, each text once."""
        return list(dict.fromkeys(f.message for f in self.findings))

    @property
    def reference(self) -> bool:
        """Whether the official checker fails on it too."""
        return any(f.reference for f in self.findings)


def causes(findings: Iterable[Finding], all_findings: Sequence[Finding]) -> list[Cause]:
    """The findings by rule; those on the official power flow stand behind the one that says it was not used.

    ``all_findings`` are those of the whole report: the cause may be there as a note only.
    """
    elsewhere = {f.place for f in all_findings if f.rule == UNOFFICIAL}
    lead: dict[tuple[str, str], list[Finding]] = {}
    follow: dict[tuple[str, str], list[Finding]] = {}
    for found in findings:
        about = all_rules().get(found.rule)
        behind = about is not None and about.official_power_only and found.place in elsewhere
        (follow if behind else lead).setdefault((found.rule, found.cause), []).append(found)
    behind_it = _sorted(follow)
    if (UNOFFICIAL, "") not in lead:
        return [*_sorted(lead), *behind_it]
    return [Cause(c.findings, tuple(behind_it) if c.first.rule == UNOFFICIAL else ()) for c in _sorted(lead)]


def _sorted(groups: dict[tuple[str, str], list[Finding]]) -> list[Cause]:
    return sorted((Cause(tuple(g)) for g in groups.values()), key=_order)


def _order(cause: Cause) -> tuple[int, int, bool, int, str, str]:
    """The widest place first, then what a rehearsal brought along, then another power flow, then the rest; of
    like ones what shows most often."""
    first = cause.first
    depth = sum(bool(name) for name in first.place.names)
    family = 0 if first.rule.startswith(FIRST) else 1 if first.rule == UNOFFICIAL else 2
    return (depth, family, not cause.reference, -len(cause.findings), first.rule, first.cause)
