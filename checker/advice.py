"""What to do before the deadline, said in sentences that every form of the report for people shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checker.causes import Cause, causes
from checker.model import Report, Severity
from checker.open_moves import Move, movable
from checker.reruns import ALL, COMPLIANCE, PERFORMANCE, Rerun, reruns, total_seconds
from checker.wording import count, duration, listing


@dataclass(frozen=True, slots=True)
class Advice:
    """The causes in the order in which to put them right, the runs to make, what open would take."""

    causes: tuple[Cause, ...]
    reruns: tuple[Rerun, ...]
    moves: tuple[Move, ...]


def advise(report: Report) -> Advice:
    """Everything that there is to do."""
    found = causes((f for f in report.findings if f.counts), report.findings)
    return Advice(tuple(found), reruns(report), movable(report))


def own_verdict(report: Report, found: tuple[Cause, ...]) -> str:
    """The verdict by the rules, with what it leaves aside."""
    total, valid = len(report.results), share(sum(r.valid for r in report.results), report)
    if not report.valid:
        errors = count(report.count(Severity.ERROR), "error")
        return (
            f"NOT VALID: {valid} {'keeps' if total == 1 else 'keep'} the rules; "
            f"{errors} to put right, from {count(len(found), 'cause')}."
        )
    keep = "the one result keeps" if total == 1 else f"all {total} results keep"
    aside = list(_aside(report))
    if any(f.forgiven for f in report.findings):
        return f"VALID as a rehearsal: {keep} the other rules; {', '.join(aside)}. No real submission."
    if aside:
        return f"VALID apart from what was accepted: {keep} the other rules; {', '.join(aside)}."
    return f"VALID: {keep} the rules of the round."


def _aside(report: Report) -> Iterator[str]:
    """How many findings do not count, and why."""
    rows = (
        (sum(f.forgiven for f in report.findings), "forgiven"),
        (sum(f.waived for f in report.findings), "waived"),
        (sum(f.known for f in report.findings), "known from the baseline"),
    )
    for number, how in rows:
        if number:
            yield f"{count(number, 'finding is', 'findings are')} {how}"


def aside(report: Report) -> str:
    """One sentence about findings that do not count; empty when all do."""
    said = ", ".join(_aside(report))
    return f"Not counted: {said}." if said else ""


def official_verdict(report: Report) -> str:
    """What the official checker would do."""
    listed = sum(r.reference_valid for r in report.results)
    word = "accept" if report.reference_valid else "refuse"
    return f"The official checker would {word} it; it would list {share(listed, report)}."


def share(some: int, report: Report) -> str:
    """``2 of 3 results``."""
    total = len(report.results)
    if total == 1:
        return "the one result" if some else "no result"
    return f"{some} of {total} results"


def runs_title(rows: tuple[Rerun, ...]) -> str:
    """How many runs there are to make and how long they take together."""
    seconds, unknown = total_seconds(rows)
    of = f", and {unknown} of unknown length" if unknown else ""
    return f"Runs to make ({len(rows)}): about {duration(seconds)} of measuring{of}"


def rerun_line(rerun: Rerun) -> str:
    """One entry: where, which runs, how long, why."""
    time = "of unknown length" if rerun.seconds is None else f"about {duration(rerun.seconds)}"
    where = " ".join(("/".join(rerun.place.names[:4]), rerun.place.scenario))
    return f"{where}: {_what(rerun)}, {time} ({listing(rerun.reasons, 2)})"


def _what(rerun: Rerun) -> str:
    power = " with power" if rerun.power else ""
    if rerun.mode == ALL:
        return f"all runs{power}"
    if rerun.mode == COMPLIANCE:
        return listing(rerun.tests)
    return f"the {rerun.mode} run{power}" if rerun.mode == PERFORMANCE else f"the {rerun.mode} run"


def move_line(move: Move) -> str:
    """One benchmark that open would take."""
    return f"{'/'.join(move.place.names[:4])} {', '.join(move.scenarios)} ({listing(move.rules, 3)})"


def multitude(cause: Cause) -> str:
    """How often a cause shows, where it is more than once: ``3 places``, or ``2 findings`` at one place."""
    number = places(cause)
    if number > 1:
        return f"{number} places"
    return f"{len(cause.findings)} findings" if len(cause.findings) > 1 else ""


def places(cause: Cause) -> int:
    """In how many places a cause shows."""
    return len({(f.location.path, f.location.line, f.location.pointer) for f in cause.findings})
