"""A change log as text, Markdown or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from typing import TextIO

from checker.console import console_for, say
from checker.history.diff import ChangeLog, document, lines
from checker.reports.markdown import plain

HEADS = {
    "added": "Added",
    "removed": "Removed",
    "invalidated": "Invalidated",
    "restored": "Valid again",
    "modified": "Modified",
    "preview": "Preview systems of the old round",
}


def text(log: ChangeLog, stream: TextIO) -> None:
    """For people at a terminal."""
    console = console_for(stream)
    say(console, _title(log), style="bold")
    for kind, found in groupby(log.changes, key=lambda c: c.kind):
        changes = list(found)
        console.print()
        say(console, f"{HEADS[kind]}: {len(changes)}", style="bold")
        for change in changes:
            say(console, change.where, indent=2, style="yellow" if change.severity == "warning" else "")
            for line in lines(change):
                say(console, line, indent=6)
            if change.reason:
                say(console, f"reason: {change.reason}", indent=6)


def markdown(log: ChangeLog, stream: TextIO) -> None:
    """For a page or a comment; names from outside are escaped."""
    stream.write(f"# {plain(_title(log))}\n")
    for kind, found in groupby(log.changes, key=lambda c: c.kind):
        changes = list(found)
        stream.write(f"\n## {HEADS[kind]} ({len(changes)})\n\n")
        for change in changes:
            said = [plain(line) for line in lines(change)]
            said += [f"reason: {plain(change.reason)}"] if change.reason else []
            stream.write("\n".join([f"- {plain(change.where)}", *(f"  - {line}" for line in said)]) + "\n")


def as_json(log: ChangeLog, stream: TextIO) -> None:
    """For programs: ``edgewatt/diff/1``."""
    json.dump(document(log), stream, indent=1, allow_nan=False, ensure_ascii=True)
    stream.write("\n")


def _title(log: ChangeLog) -> str:
    number = len(log.changes)
    said = "nothing changed" if not number else "1 change" if number == 1 else f"{number} changes"
    return f"From {log.old} ({log.old_round}) to {log.new} ({log.new_round}): {said}"


FORMS: dict[str, Callable[[ChangeLog, TextIO], None]] = {"text": text, "json": as_json, "markdown": markdown}
