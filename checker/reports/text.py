"""The report for people: would it be accepted, what to do and in which order, then the results."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from checker.model import Finding, Report, ResultReport, Severity

if TYPE_CHECKING:
    from rich.console import Console

FORMAT = "text"
PLACES_SHOWN = 3
PLAIN_WIDTH = 110


def write(report: Report, stream: TextIO) -> None:
    """Write the report: with colours on a terminal, plain lines elsewhere."""
    console = console_for(stream)
    for line in _answer(report):
        console.print(line)
    groups = grouped(f for f in report.findings if f.counts)
    if groups:
        console.print("\n[bold]What to do, in this order[/bold]")
    for number, group in enumerate(groups, start=1):
        _write_group(console, f"{number}.", group)
    for severity, title in ((Severity.WARNING, "A reviewer will ask"), (Severity.NOTE, "Good to know")):
        _write_others(console, title, [f for f in report.findings if f.severity is severity])
    forgiven = [f for f in report.findings if f.forgiven]
    if forgiven:
        console.print(f"\n[bold]Forgiven because this is a declared rehearsal[/bold] ({len(forgiven)})")
        for group in grouped(forgiven):
            console.print(f"  {safe(group[0].rule)}: {safe(group[0].message)}{_more(group)}")
    console.print()
    write_table(console, report.results)


def console_for(stream: TextIO) -> Console:
    """A console on a stream: as wide as the terminal, or a fixed width where there is none."""
    from rich.console import Console

    terminal = stream.isatty()
    return Console(
        file=stream,
        width=None if terminal else PLAIN_WIDTH,
        no_color=not terminal or bool(os.environ.get("NO_COLOR")),
        force_terminal=terminal,
        highlight=False,
        soft_wrap=not terminal,
    )


def safe(text: str) -> str:
    """Text from outside for a terminal: control characters spelled out, markup escaped."""
    from rich.markup import escape

    return escape("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text))


def _answer(report: Report) -> Iterator[str]:
    valid = sum(r.valid for r in report.results)
    total = len(report.results)
    yield f"{safe(report.tree)}: round {report.round} ({safe(report.round_reason)})"
    if report.valid:
        yield f"[bold green]VALID[/bold green]: all {total} results keep the rules of the round."
    else:
        errors = report.count(Severity.ERROR)
        yield (
            f"[bold red]NOT VALID[/bold red]: {valid} of {total} results keep the rules; "
            f"{errors} errors to put right."
        )
    listed = sum(r.reference_valid for r in report.results)
    word = "accept" if report.reference_valid else "refuse"
    yield f"The official checker would {word} it; it would list {listed} of {total} results."


def grouped(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings of one cause together: the same rule with the same thing found; the widest place first."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for found in findings:
        key = (found.rule, found.cause, found.found or found.message)
        groups.setdefault(key, []).append(found)
    return sorted(groups.values(), key=lambda g: (_depth(g[0]), g[0].rule, g[0].location.path))


def _depth(found: Finding) -> int:
    return sum(bool(name) for name in found.place.names)


def _more(group: list[Finding]) -> str:
    return f" (and {len(group) - 1} more)" if len(group) > 1 else ""


def _write_group(console: Console, head: str, group: list[Finding]) -> None:
    first = group[0]
    official = "" if first.reference else " [dim](the official checker does not see this)[/dim]"
    console.print(f"\n{head} [red]{safe(first.rule)}[/red]: {safe(first.message)}{official}")
    for found in group[:PLACES_SHOWN]:
        console.print(f"   at     {safe(where(found))}")
    if len(group) > PLACES_SHOWN:
        console.print(f"   and at {len(group) - PLACES_SHOWN} more places")
    if first.wanted:
        console.print(f"   wanted {safe(first.wanted)}")
    console.print(f"   do     {safe(first.fix)}")


def where(found: Finding) -> str:
    """Path, line and pointer of a finding."""
    at = found.location
    line = f":{at.line}" if at.line is not None else ""
    return f"{at.path}{line}{' ' + at.pointer if at.pointer else ''}"


def _write_others(console: Console, title: str, findings: list[Finding]) -> None:
    rows = [f for f in findings if not f.forgiven]
    if rows:
        console.print(f"\n[bold]{title}[/bold] ({len(rows)})")
    for group in grouped(rows):
        console.print(f"  {safe(group[0].rule)}: {safe(group[0].message)}{_more(group)}")
        console.print(f"    at {safe(where(group[0]))}")


def number(value: float) -> str:
    """A figure with at most six significant digits."""
    return f"{value:.6g}"


def write_table(console: Console, results: Iterable[ResultReport]) -> None:
    """One row per result: its numbers and both verdicts."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_edge=False)
    for title in ("result", "metric", "accuracy", "power", "coverage", "verdict", "official"):
        table.add_column(title, overflow="fold")
    for result in results:
        metric, power = result.metric, result.power
        table.add_row(
            safe("/".join((result.place.submitter, *result.place.names[2:4], result.scenario))),
            f"{number(metric.value)} {safe(metric.unit)}" if metric else "-",
            " ".join(f"{safe(a.name)} {number(a.value)}" for a in result.accuracy) or "-",
            f"{number(power.metric.value)} {power.metric.unit}" if power else "-",
            f"{power.coverage:.4f}" if power else "-",
            "[green]valid[/green]" if result.valid else "[red]invalid[/red]",
            "valid" if result.reference_valid else "invalid",
        )
    console.print(table)
