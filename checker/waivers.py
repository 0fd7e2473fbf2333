"""Waivers: findings that somebody accepts, with a reason and until a day. They stay in the report, marked.

The file is TOML, one ``[[waiver]]`` each (``schemas/files/waivers.schema.json``)::

    [[waiver]]
    rule = "structure/space-names"          # a rule, or a family as "power/*"
    path = "closed/Bench/code/**"           # glob on the finding's path; a directory covers all below it
    scope = "closed/Bench/*/resnet50"       # division/submitter/system/benchmark/scenario, from the left
    reason = "names of a third-party archive, agreed with the review committee"
    expires = 2026-12-31
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from checker.aliases import matches
from checker.choice import known_rule, near
from checker.model import Finding, Place
from schemas.documents import load, violations
from schemas.errors import UserError
from schemas.toml_file import read_toml


@dataclass(frozen=True)
class Waiver:
    """One waiver. ``number`` is its place in the file, from 1; empty ``path`` and ``scope`` mean anywhere."""

    number: int
    rule: str
    reason: str
    expires: date
    path: str = ""
    scope: str = ""

    @cached_property
    def _path(self) -> re.Pattern[str]:
        return re.compile(_glob(self.path.strip("/")) + r"(?:/.*)?\Z", re.DOTALL)

    def covers(self, found: Finding) -> bool:
        """Whether it is about a finding."""
        if not matches(found.rule, self.rule):
            return False
        if self.path and not self._path.match(found.location.path):
            return False
        return not self.scope or _inside(found.place, self.scope)

    @property
    def name(self) -> str:
        """How people recognise it."""
        where = self.path or self.scope
        return f"waiver {self.number} ({self.rule}{' at ' + where if where else ''})"


def _inside(place: Place, scope: str) -> bool:
    """Whether a place lies in a scope, whose names may hold stars."""
    wanted = scope.strip("/").split("/")
    return len(wanted) <= len(place.names) and all(
        name and fnmatchcase(name, pattern) for name, pattern in zip(place.names, wanted, strict=False)
    )


_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _glob(pattern: str) -> str:
    """A glob as a regular expression: a star stays in its directory, two of them do not."""
    pattern = re.sub(r"(?:\*\*/)+", "**/", pattern)  # each more would multiply the ways to look for it
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return "".join(_WILD.get(part, re.escape(part)) for part in parts)


def read(path: Path) -> tuple[Waiver, ...]:
    """The waivers of a file; UserError that names every mistake in it."""
    document = read_toml(path, "--waivers", "name a TOML file of [[waiver]]")
    plain = _plain(document)
    wrong = list(dict.fromkeys(_mistakes(plain)))
    if wrong:
        raise UserError(f"--waivers {path}: {'; '.join(wrong)}")
    rows = plain.get("waiver", [])
    for number, row in enumerate(rows, start=1):
        known_rule(row["rule"], f"--waivers {path}, waiver {number}")
    return tuple(
        Waiver(number, **{**row, "expires": date.fromisoformat(row["expires"])})
        for number, row in enumerate(rows, start=1)
    )


def _plain(value: Any) -> Any:
    """TOML values as JSON has them: dates as text."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value


def _mistakes(document: Mapping[str, Any]) -> Iterator[str]:
    for violation in violations("waivers", document):
        _, *parts = violation.pointer.split("/")
        at = f"waiver {int(parts[1]) + 1}" if len(parts) > 1 and parts[1].isdigit() else "the file"
        if violation.keyword == "additionalProperties":
            yield from _unknown_keys(at, document, parts)
        elif violation.keyword == "required":
            yield f"{at} has no {violation.wanted}"
        else:
            yield f"{at}: {'/'.join(parts[2:]) or 'waiver'} is {violation.found}, wanted {violation.wanted}"
    for number, row in enumerate(_rows(document), start=1):
        expires = row.get("expires")
        if isinstance(expires, str) and not _is_date(expires):
            yield f"waiver {number}: expires is {expires!r:.40}, wanted a day as 2026-12-31"


def _unknown_keys(at: str, document: Mapping[str, Any], parts: Sequence[str]) -> Iterator[str]:
    schema = load("waivers")
    own, known = document, schema["properties"]
    if len(parts) > 1:
        own, known = document[parts[0]][int(parts[1])], schema["$defs"]["waiver"]["properties"]
    for key in own:
        if key not in known:
            yield f"{at} has an unknown key {key!r}, did you mean {near(key, list(known))[0]}?"


def _rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = document.get("waiver")
    return [r for r in rows if isinstance(r, dict)] if isinstance(rows, list) else []


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def waive(
    findings: Sequence[Finding], waivers: Sequence[Waiver], *, today: date | None = None, whole: bool = True
) -> tuple[list[Finding], list[str]]:
    """The findings with the waived ones marked, and what is to be said about the waivers.

    A waiver holds up to and with its last day. ``whole``: every rule and the whole tree were judged, so that
    a waiver without a finding is one too many.
    """
    day = today or datetime.now(UTC).date()
    alive = [w for w in waivers if w.expires >= day]
    used: set[int] = set()
    marked = []
    for found in findings:
        covering = next((w for w in alive if w.covers(found)), None)
        if covering is not None:
            used.add(covering.number)
            found = replace(found, waived=True, waiver=covering.reason)  # noqa: PLW2901
        marked.append(found)
    return marked, list(_remarks(waivers, day, used, whole=whole))


def _remarks(waivers: Sequence[Waiver], day: date, used: set[int], *, whole: bool) -> Iterator[str]:
    for waiver in waivers:
        if waiver.expires < day:
            yield f"{waiver.name} expired on {waiver.expires.isoformat()}: what it covered counts again"
        elif whole and waiver.number not in used:
            yield f"{waiver.name} covers no finding: take it out"
