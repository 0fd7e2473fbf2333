"""Marks the findings that a declared rehearsal excuses. They stay in the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from checker.model import Finding
from checker.rehearsal import excuses, only_too_short
from checker.result import Result
from checker.rules import all_rules
from checker.run import Run

VALIDITY = "performance/validity"


def forgive(findings: Sequence[Finding], results: Sequence[Result]) -> list[Finding]:
    """The same findings, with ``forgiven`` set where the run record of the result excuses them."""
    reasons = {r.place: (r, excuses(r)) for r in results if r.run_record.present}
    return [
        replace(f, forgiven=True) if f.place in reasons and _excused(f, *reasons[f.place]) else f
        for f in findings
    ]


def _excused(found: Finding, result: Result, reasons: frozenset[str]) -> bool:
    about = all_rules()[found.cause or found.rule]
    if not found.excusable or not reasons.intersection(about.forgiven_by):
        return False
    if about.id == VALIDITY:
        run = _run_at(result, found.location.path)
        return run is not None and only_too_short(run, reasons)
    return True


def _run_at(result: Result, path: str) -> Run | None:
    runs = [result.run, *result.compliance_runs.values()]
    return next((r for r in runs if r.log.path == path), None)
