"""Annotations of GitHub Actions: ``::error file=…,line=…,title=…::…`` on standard output.

GitHub shows ten of each kind for a step and drops the others without a word. So the most blocking causes come
first, each once, and the last of the ten counts what is left.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TextIO

from checker.model import Finding, Report, Severity
from checker.reports.base import accepted, firsts_first, printable, repository_path, standing, verdict_line
from checker.wording import count, shorten

FORMAT = "github"
MOST = 10
"""Annotations of one kind that GitHub shows for a step."""
LONGEST = 1000
"""Characters of a message; beyond, nobody reads on in the margin of a page."""
KINDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def write(report: Report, stream: TextIO) -> None:
    """At most ten lines of each kind; the first notice is the verdict."""
    for severity, kind in KINDS.items():
        groups = standing(report, severity)
        number = sum(map(len, groups))
        lines = list(itertools.islice(_lines(report, groups, kind), MOST))
        room = MOST
        if severity is Severity.NOTE:
            stream.write(command("notice", _verdict(report), title="mlcheck") + "\n")
            room -= 1
        if number > room:
            rest = number - room + 1
            text = f"{count(rest, f'more {severity.value}')} of this tree, not shown here: run mlcheck on it"
            lines = [*lines[: room - 1], command(kind, text, title="mlcheck")]
        stream.writelines(line + "\n" for line in lines)


def _lines(report: Report, groups: list[list[Finding]], kind: str) -> Iterator[str]:
    for found, places in firsts_first(groups):
        more = f" (and {places - 1} more)" if places > 1 else ""
        text = f"{shorten(printable(found.message), LONGEST)}{more}\n{found.fix}"
        yield command(kind, text, **_where(report, found), title=found.rule)


def _where(report: Report, found: Finding) -> dict[str, str]:
    at = found.location
    place = {"file": printable(repository_path(report.tree, at.path))}
    if at.line is not None:
        place["line"] = str(at.line)
    return place


def _verdict(report: Report) -> str:
    said = accepted(report)
    return "\n".join(
        [printable(verdict_line(report)), *([said] if said else []), *map(printable, report.remarks)]
    )


def command(kind: str, text: str, **properties: str) -> str:
    """One workflow command on one line."""
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {said}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
