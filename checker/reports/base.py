"""What several forms of the report share: order of findings, paths as a repository sees them, clean text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from checker.causes import causes
from checker.model import Finding, Report, Severity
from checker.wording import count

WORKSPACE = "GITHUB_WORKSPACE"
"""Where GitHub has checked the repository out; elsewhere the working directory stands for it."""


def standing(report: Report, severity: Severity) -> list[list[Finding]]:
    """Findings of a severity that nobody took out of the count, cause by cause, the most blocking first."""
    rows = [f for f in report.findings if f.severity is severity and f.stands]
    found = causes(rows, report.findings)
    return [list(c.findings) + [f for other in c.follows for f in other.findings] for c in found]


def verdict_line(report: Report) -> str:
    """Both verdicts in one sentence."""
    own = "valid" if report.valid else "not valid"
    official = "accept" if report.reference_valid else "refuse"
    counts = ", ".join(
        count(report.count(severity), severity.value) for severity in Severity if report.count(severity)
    )
    said = f" ({counts})" if counts else ""
    return f"{report.tree} is {own} for round {report.round}{said}; the official checker would {official} it"


def accepted(report: Report) -> str:
    """How many findings do not count, and why; empty when all count."""
    rows = (
        (sum(f.forgiven for f in report.findings), "forgiven"),
        (sum(f.waived for f in report.findings), "waived"),
        (sum(f.known for f in report.findings), "known from the baseline"),
    )
    said = [f"{number} {how}" for number, how in rows if number]
    return f"{', '.join(said)}" if said else ""


def repository_path(tree: str, path: str) -> str:
    """A path of the tree as the repository around it names it; as it was given when it lies elsewhere."""
    if not tree:
        return path
    start = _tree_in_repository(tree, os.environ.get(WORKSPACE) or ".", os.getcwd())
    return (start / path if path not in ("", ".") else start).as_posix()


@lru_cache(maxsize=8)
def _tree_in_repository(tree: str, workspace: str, _working_directory: str) -> Path:
    """Where the repository has the tree; asked of the file system once, not for every finding."""
    try:
        return Path(tree).resolve().relative_to(Path(workspace).resolve())
    except (ValueError, OSError, RuntimeError):
        return Path(tree)


def spelled(text: str, forbidden: str = "") -> str:
    """Text in which lone surrogates (bytes of names that are no text) and ``forbidden`` are spelled out."""
    if not forbidden and text.isascii():
        return text
    return "".join(_spell(c) if "\ud800" <= c <= "\udfff" or c in forbidden else c for c in text)


def _spell(char: str) -> str:
    return ascii(char)[1:-1]


def printable(text: str) -> str:
    """Text on one line without control characters: they are spelled out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _spell(c) for c in text)


def firsts_first(groups: list[list[Finding]]) -> Iterator[tuple[Finding, int]]:
    """The first finding of each cause with the number of all of them, then the others (number 0)."""
    yield from ((group[0], len(group)) for group in groups)
    yield from ((found, 0) for group in groups for found in group[1:])
