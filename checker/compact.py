"""The few lines that ``--watch`` shows after each judgement: the verdict, what is new, what is cured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from checker.console import console_for, say
from checker.model import Finding, Report
from checker.reports.text import where, write_first_page
from checker.watch import Change
from checker.wording import count, shorten

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 10


def show(report: Report, change: Change, stream: TextIO, *, first: bool) -> None:
    """The first page at the beginning; later one line of what happened and what it changed."""
    if first:
        write_first_page(report, stream)
        stream.flush()
        return
    console = console_for(stream)
    at = f"{datetime.now().astimezone():%H:%M:%S}"
    official = "accept" if report.reference_valid else "refuse"
    verdict = f"{'VALID' if report.valid else 'NOT VALID'}; the official checker would {official} it"
    say(console, f"\n{at} {count(change.files, 'change')}: {verdict}", "green" if report.valid else "red")
    _list(console, "new", change.new)
    _list(console, "cured", change.cured)
    if not change.new and not change.cured:
        say(console, "no finding came or went", indent=3)
    stream.flush()


def _list(console: Console, label: str, rows: Sequence[Finding]) -> None:
    for found in rows[:SHOWN]:
        text = f"{found.severity.value} {found.rule}: {shorten(found.message, 100)} at {where(found)}"
        say(console, text, label=label, indent=3)
    if len(rows) > SHOWN:
        say(console, f"and {len(rows) - SHOWN} more", label=label, indent=3)
