"""The report for people: would it be accepted, what to do and in which order, then the results."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from checker.causes import Cause, causes
from checker.model import Finding, Report, ResultReport, Severity
from checker.wording import count, shorten

if TYPE_CHECKING:
    from rich.console import Console

FORMAT = "text"
REASONS = 4
"""Reasons that the first lines name."""
SHOWN = 3
"""Places and messages of one cause that are written out."""
PLAIN_WIDTH = 400
"""Width where there is no terminal: lines are not broken, so that they can be searched."""
LABEL = 10
NARROW = 110
"""Up to this width the table breaks the names of results in three."""


def write(report: Report, stream: TextIO) -> None:
    """Write the report: with colours on a terminal, plain lines elsewhere."""
    console = console_for(stream)
    found = causes((f for f in report.findings if f.counts), report.findings)
    _answer(console, report, found)
    if found:
        _say(console, "\nWhat to do, in this order", style="bold")
    for number, cause in enumerate(found, start=1):
        _cause(console, f"{number}.", cause)
    for severity, title in ((Severity.WARNING, "A reviewer will ask"), (Severity.NOTE, "Good to know")):
        _others(console, title, report, severity)
    _forgiven(console, report)
    console.print()
    write_table(console, report.results)


def console_for(stream: TextIO) -> Console:
    """A console on a stream: as wide as the terminal and coloured unless ``NO_COLOR`` is set, else plain."""
    from rich.console import Console

    terminal = stream.isatty()
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    return Console(
        file=stream,
        width=None if terminal else PLAIN_WIDTH,
        color_system=None if plain else "auto",
        force_terminal=terminal,
        highlight=False,
    )


def safe(text: str) -> str:
    """Text from outside for a terminal: control characters spelled out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _say(
    console: Console, text: str, style: str = "", label: str = "", indent: int = 0, pad: int = LABEL
) -> None:
    """One paragraph, with a label before it and broken to the width of a terminal."""
    from rich.text import Text

    head = " " * indent + (label.ljust(pad - 1) + " " if label else "")
    for part in text.split("\n"):
        lines = textwrap.wrap(safe(part), max(20, console.width - len(head)), break_on_hyphens=False) or [""]
        for line in lines:
            console.print(Text(head) + Text(line, style), soft_wrap=True)
            head = " " * len(head)


def _answer(console: Console, report: Report, found: list[Cause]) -> None:
    """The first lines: would it be accepted, by whom not, and why."""
    _say(console, f"{report.tree}: round {report.round} ({report.round_reason})")
    _say(console, _own_verdict(report, found), "bold green" if report.valid else "bold red")
    listed = sum(r.reference_valid for r in report.results)
    word = "accept" if report.reference_valid else "refuse"
    _say(console, f"The official checker would {word} it; it would list {_share(listed, report)}.")
    both, ours = [c for c in found if c.reference], [c for c in found if not c.reference]
    others = (f for f in report.findings if f.reference and not f.counts)
    theirs = causes(others, report.findings)
    for label, rows in (("Both refuse it", both), ("Only mlcheck refuses it", ours),
                        ("Only the official checker refuses it", theirs)):  # fmt: skip
        if rows:
            _say(console, f"{label}: {_because(rows)}.")


def _own_verdict(report: Report, found: list[Cause]) -> str:
    total, valid = len(report.results), _share(sum(r.valid for r in report.results), report)
    forgiven = sum(f.forgiven for f in report.findings)
    if not report.valid:
        errors = count(report.count(Severity.ERROR), "error")
        return (
            f"NOT VALID: {valid} {'keeps' if total == 1 else 'keep'} the rules; "
            f"{errors} to put right, from {count(len(found), 'cause')}."
        )
    keep = "the one result keeps" if total == 1 else f"all {total} results keep"
    if forgiven:
        spared = count(forgiven, "finding is", "findings are")
        return f"VALID as a rehearsal: {keep} the other rules; {spared} forgiven. No real submission."
    return f"VALID: {keep} the rules of the round."


def _share(some: int, report: Report) -> str:
    total = len(report.results)
    if total == 1:
        return "the one result" if some else "no result"
    return f"{some} of {total} results"


def _because(rows: list[Cause]) -> str:
    said = [shorten(_bare(r.first), 80) for r in rows[:REASONS]]
    return "; ".join(said) + (f"; and {len(rows) - REASONS} more" if len(rows) > REASONS else "")


def _bare(found: Finding) -> str:
    """The message without what is wanted, where that is said apart."""
    return found.message.removesuffix(f", wanted {found.wanted}")


def _cause(console: Console, head: str, cause: Cause) -> None:
    first = cause.first
    console.print()
    _say(console, f"{first.rule}: {shorten(first.message)}", "red", label=head, pad=3)
    for message in cause.messages[1 : SHOWN + 1]:
        _say(console, shorten(message), label="also", indent=3)
    if len(cause.messages) > SHOWN + 1:
        _say(console, f"{len(cause.messages) - SHOWN - 1} findings more of this rule", label="also", indent=3)
    places = list(dict.fromkeys(where(f) for f in cause.findings))
    for place in places[:SHOWN]:
        _say(console, place, label="at", indent=3)
    if len(places) > SHOWN:
        _say(console, f"{len(places) - SHOWN} more places", label="and at", indent=3)
    if first.wanted and first.wanted not in first.message and len(cause.messages) == 1:
        _say(console, shorten(first.wanted), label="wanted", indent=3)
    if not cause.reference:
        _say(console, "by mlcheck alone; the official checker does not look at it", label="seen", indent=3)
    for other in cause.follows:
        more = f" (and {len(other.findings) - 1} more)" if len(other.findings) > 1 else ""
        _say(
            console, f"{other.first.rule}: {shorten(other.first.message, 130)}{more}", label="hence", indent=3
        )
    _say(console, first.fix, "bold", label="do", indent=3)


def where(found: Finding) -> str:
    """Path, line and pointer of a finding."""
    at = found.location
    line = f":{at.line}" if at.line is not None else ""
    return f"{at.path}{line}{' ' + at.pointer if at.pointer else ''}"


def _others(console: Console, title: str, report: Report, severity: Severity) -> None:
    rows = [f for f in report.findings if f.severity is severity and not f.forgiven]
    if rows:
        _say(console, f"\n{title} ({len(rows)})", style="bold")
    for cause in causes(rows, report.findings):
        more = f" (and {len(cause.findings) - 1} more)" if len(cause.findings) > 1 else ""
        _say(console, f"{cause.first.rule}: {shorten(cause.first.message)}{more}", indent=3)
        _say(console, where(cause.first), label="at", indent=6)


def _forgiven(console: Console, report: Report) -> None:
    """What was forgiven, each with what the real run must have."""
    rows = [f for f in report.findings if f.forgiven]
    if rows:
        title = "Forgiven because this is a declared rehearsal"
        _say(console, f"\n{title} ({len(rows)}); the real run must have what stands below each", style="bold")
    for said, wanted, places in _merged(rows):
        more = f" (in {places} places)" if places > 1 else ""
        _say(console, f"{said}{more}", indent=3)
        _say(console, shorten(wanted), label="real run:", indent=6)


def _merged(rows: Iterable[Finding]) -> Iterator[tuple[str, str, int]]:
    """Text, demand and number of places of findings that say the same."""
    groups: dict[tuple[str, str], int] = {}
    for found in rows:
        key = (f"{found.rule}: {shorten(_bare(found))}", found.wanted or found.fix)
        groups[key] = groups.get(key, 0) + 1
    for (said, wanted), places in groups.items():
        yield said, wanted, places


def _name(result: ResultReport, width: int) -> str:
    """Submitter, system, benchmark and scenario, on three lines where there is little room."""
    system, benchmark = result.place.names[2:4]
    between = "/" if width > NARROW else "/\n"
    first = safe(f"{result.place.submitter}/{system}")
    return between.join((first, safe(benchmark), safe(result.scenario)))


def number(value: float) -> str:
    """A figure with at most six significant digits."""
    return f"{value:.6g}"


def write_table(console: Console, results: Iterable[ResultReport]) -> None:
    """One row per result: its numbers and both verdicts."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_edge=False)
    for title in ("result", "metric", "accuracy", "power", "coverage", "verdict", "official"):
        table.add_column(title, overflow="fold")
    for result in results:
        metric, power = result.metric, result.power
        table.add_row(
            Text(_name(result, console.width)),
            Text(f"{number(metric.value)} {safe(metric.unit)}" if metric else "-"),
            Text(" ".join(f"{safe(a.name)} {number(a.value)}" for a in result.accuracy) or "-"),
            f"{number(power.metric.value)} {power.metric.unit}" if power else "-",
            f"{power.coverage:.4f}" if power else "-",
            Text("valid", "green") if result.valid else Text("invalid", "red"),
            "valid" if result.reference_valid else "invalid",
        )
    console.print(table)
