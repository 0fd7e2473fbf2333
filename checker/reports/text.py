"""The report for people: would it be accepted, what to do and in which order, then the details and the results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from checker.advice import (
    Advice,
    advise,
    aside,
    move_line,
    multitude,
    official_verdict,
    own_verdict,
    rerun_line,
    runs_title,
)
from checker.causes import Cause, causes
from checker.console import console_for, say
from checker.model import Finding, Report, Severity
from checker.sources import source_of
from checker.table import write_table
from checker.wording import count, shorten

if TYPE_CHECKING:
    from rich.console import Console

FORMAT = "text"
REASONS = 4
"""Reasons that the first lines name."""
SHOWN = 3
"""Places and messages of one cause that are written out."""
HEADLINE = 100
"""Characters of a message on the first page."""
LISTED = 12
"""Causes, runs and results of which the first page tells one by one."""


def write(report: Report, stream: TextIO) -> None:
    """Write the report: with colours on a terminal, plain lines elsewhere."""
    console = console_for(stream)
    advice = advise(report)
    _answer(console, report, advice)
    _to_do(console, advice)
    _details(console, report, advice)
    console.print()
    write_table(console, report.results)


def write_first_page(report: Report, stream: TextIO) -> None:
    """The answer and what to do, without details."""
    console = console_for(stream)
    advice = advise(report)
    _answer(console, report, advice)
    _to_do(console, advice)


def _answer(console: Console, report: Report, advice: Advice) -> None:
    """The first lines: would it be accepted, by whom not, and why."""
    say(console, f"{report.tree}: round {report.round} ({report.round_reason})")
    say(console, own_verdict(report, advice.causes), "bold green" if report.valid else "bold red")
    say(console, official_verdict(report))
    both = [c for c in advice.causes if c.reference]
    ours = [c for c in advice.causes if not c.reference]
    theirs = causes((f for f in report.findings if f.reference and not f.counts), report.findings)
    for label, rows in (("Both refuse it", both), ("Only mlcheck refuses it", ours),
                        ("Only the official checker refuses it", theirs)):  # fmt: skip
        if rows:
            say(console, f"{label}: {_because(rows)}.")
    if not report.valid and aside(report):
        say(console, aside(report))
    for remark in report.remarks:
        say(console, f"{remark}.")
    if report.cached_results:
        known = f"{report.cached_results} of {count(len(report.results), 'result')}"
        say(console, f"Known from before, their files unchanged: {known}; --no-cache judges them again.")


def _because(rows: list[Cause]) -> str:
    said = [shorten(_bare(r.first), 80) for r in rows[:REASONS]]
    return "; ".join(said) + (f"; and {len(rows) - REASONS} more" if len(rows) > REASONS else "")


def _bare(found: Finding) -> str:
    """The message without what is wanted, where that is said apart."""
    return found.message.removesuffix(f", wanted {found.wanted}")


def _to_do(console: Console, advice: Advice) -> None:
    """What to do in order, the runs that it takes, and what open would take as it is."""
    if advice.causes:
        say(console, "\nWhat to do, in this order", style="bold")
    for at, cause in enumerate(advice.causes[:LISTED], start=1):
        many = multitude(cause)
        more = f", {many}" if many else ""
        said = f"{shorten(_bare(cause.first), HEADLINE)} ({cause.first.rule}{more})"
        say(console, said, "red", label=f"{at:2}", pad=3, indent=1)
        say(console, cause.first.fix, indent=4)
    _left(console, len(advice.causes), "cause", "all stand below")
    if advice.reruns:
        say(console, f"\n{runs_title(advice.reruns)}", style="bold")
    for rerun in advice.reruns[:LISTED]:
        say(console, rerun_line(rerun), indent=4, hang=2)
    _left(console, len(advice.reruns), "entry", "--rerun FILE writes all of them", "entries")
    if advice.moves:
        say(console, "\nCould move to the open division as it is", style="bold")
        for move in advice.moves[:LISTED]:
            say(console, move_line(move), indent=4, hang=2)
        _left(console, len(advice.moves), "benchmark", "see the table")
        say(console, _HOW_TO_MOVE, indent=4)


_HOW_TO_MOVE = (
    "Move results and measurements into open/<submitter>, with the code and a copy of the system description whose "
    "division says open."
)


def _left(console: Console, number: int, one: str, where: str, many: str = "") -> None:
    if number > LISTED:
        say(
            console,
            f"and {count(number - LISTED, 'more ' + one, 'more ' + many if many else '')}; {where}",
            indent=4,
        )


def _details(console: Console, report: Report, advice: Advice) -> None:
    if advice.causes:
        say(console, "\nDetails", style="bold")
    for number, cause in enumerate(advice.causes, start=1):
        _cause(console, f"{number}.", cause, report.round)
    for severity, title in ((Severity.WARNING, "A reviewer will ask"), (Severity.NOTE, "Good to know")):
        rows = [f for f in report.findings if f.severity is severity and f.stands]
        _others(console, title, rows, report, cure=severity is Severity.WARNING)
    _others(console, "Waived", [f for f in report.findings if f.waived], report)
    known = [f for f in report.findings if f.known and not f.waived]
    _others(console, "Known from the baseline", known, report)
    _forgiven(console, report)


def _cause(console: Console, head: str, cause: Cause, round_name: str) -> None:
    first = cause.first
    console.print()
    say(console, f"{first.rule}: {shorten(first.message)}", "red", label=head, pad=3)
    messages = cause.messages
    for message in messages[1 : SHOWN + 1]:
        say(console, shorten(message), label="also", indent=3)
    if len(messages) > SHOWN + 1:
        say(console, f"{len(messages) - SHOWN - 1} findings more of this rule", label="also", indent=3)
    where_ = list(dict.fromkeys(where(f) for f in cause.findings))
    for place in where_[:SHOWN]:
        say(console, place, label="at", indent=3)
    if len(where_) > SHOWN:
        say(console, f"{len(where_) - SHOWN} more places", label="and at", indent=3)
    if len(messages) == 1:
        for label, text in (("found", first.found), ("wanted", first.wanted)):
            if text and text not in first.message:
                say(console, shorten(text), label=label, indent=3)
    say(console, source_of(first, round_name), label="source", indent=3)
    if not cause.reference:
        say(console, "by mlcheck alone; the official checker does not look at it", label="seen", indent=3)
    for other in cause.follows:
        more = f" (and {len(other.findings) - 1} more)" if len(other.findings) > 1 else ""
        said = f"{other.first.rule}: {shorten(other.first.message, 130)}{more}"
        say(console, said, label="hence", indent=3)
    say(console, first.fix, "bold", label="do", indent=3)


def where(found: Finding) -> str:
    """Path, line and pointer of a finding."""
    at = found.location
    line = f":{at.line}" if at.line is not None else ""
    return f"{at.path}{line}{' ' + at.pointer if at.pointer else ''}"


def _others(console: Console, title: str, rows: list[Finding], report: Report, *, cure: bool = False) -> None:
    """Findings that decide nothing, cause by cause, with what to do or the reason of a waiver."""
    if rows:
        say(console, f"\n{title} ({len(rows)})", style="bold")
    for cause in causes(rows, report.findings):
        more = f" (and {len(cause.findings) - 1} more)" if len(cause.findings) > 1 else ""
        say(console, f"{cause.first.rule}: {shorten(cause.first.message)}{more}", indent=3)
        say(console, where(cause.first), label="at", indent=6)
        for reason in dict.fromkeys(f.waiver for f in cause.findings if f.waived):
            say(console, reason, label="because", indent=6)
        if cure:
            say(console, cause.first.fix, label="do", indent=6)


def _forgiven(console: Console, report: Report) -> None:
    """What was forgiven, each with what the real run must have."""
    rows = [f for f in report.findings if f.forgiven]
    if rows:
        title = "Forgiven because this is a declared rehearsal"
        say(console, f"\n{title} ({len(rows)}); the real run must have what stands below each", style="bold")
    for said, wanted, places_ in _merged(rows):
        more = f" (in {places_} places)" if places_ > 1 else ""
        say(console, f"{said}{more}", indent=3)
        say(console, shorten(wanted), label="real run:", indent=6)


def _merged(rows: Iterable[Finding]) -> Iterator[tuple[str, str, int]]:
    """Text, demand and number of places of findings that say the same."""
    groups: dict[tuple[str, str], int] = {}
    for found in rows:
        key = (f"{found.rule}: {shorten(_bare(found))}", found.wanted or found.fix)
        groups[key] = groups.get(key, 0) + 1
    for (said, wanted), places_ in groups.items():
        yield said, wanted, places_
