"""The ledger keeps the reason of each change after publication, as the public page's change log does.

The file is TOML (``schemas/files/ledger.schema.json``), one ``[[change]]`` each::

    [[change]]
    kind = "invalidated"                       # optional: a kind of change, any when it is left out
    place = "closed/Bench/*/resnet50/Offline"  # names from the division down; they may hold *
    reason = "the audit found another model"
    date = 2026-09-01                          # optional
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from checker.history.diff import Change, ChangeLog
from schemas.documents import violations
from schemas.errors import UserError
from schemas.toml_file import LARGEST, read_toml


@dataclass(frozen=True, slots=True)
class Reason:
    """One entry of a ledger."""

    place: str
    reason: str
    kind: str = ""
    on: date | None = None

    def covers(self, change: Change) -> bool:
        """Whether it is about a change."""
        names = self.place.strip("/").split("/")
        return (
            self.kind in ("", change.kind)
            and len(names) <= len(change.place)
            and all(fnmatchcase(a, b) for a, b in zip(change.place, names, strict=False))
        )

    @property
    def text(self) -> str:
        """The reason with its day."""
        return f"{self.on}: {self.reason}" if self.on else self.reason


def read(path: Path) -> tuple[Reason, ...]:
    """A ledger; UserError with every mistake when it is none."""
    document = read_toml(path, "the ledger", "name a TOML file of [[change]], see `mlcheck diff --draft`")
    plain = {
        key: [{k: str(v) if isinstance(v, date) else v for k, v in row.items()} if isinstance(row, dict) else row
              for row in value] if isinstance(value, list) else value
        for key, value in document.items()
    }  # fmt: skip
    wrong = [f"{v.pointer or 'the file'}: {v.message}" for v in violations("ledger", plain)]
    if wrong:
        raise UserError(f"the ledger {path} is not as wanted: {'; '.join(wrong[:5])}")
    return tuple(
        Reason(row["place"], row["reason"], row.get("kind", ""), row.get("date"))
        for row in document.get("change", ())
    )


def explained(log: ChangeLog, reasons: Sequence[Reason]) -> ChangeLog:
    """The changes with the reason of the last entry that covers each."""
    found = []
    for change in log.changes:
        own = [r.text for r in reasons if r.covers(change)]
        found.append(replace(change, reason=own[-1]) if own else change)
    return replace(log, changes=tuple(found))


def draft(log: ChangeLog) -> str:
    """Entries for the changes that have no reason yet, to be filled in; empty without any."""
    rows = [
        f'[[change]]\nkind = "{c.kind}"\nplace = {_toml(c.where)}\nreason = ""\n'
        for c in log.changes
        if not c.reason
    ]
    return "\n".join(rows)


def too_long(text: str) -> str:
    """What a draft that no command will read is to become; empty for one that can be read."""
    size = len(text.encode("utf-8", "backslashreplace"))
    if size <= LARGEST:
        return ""
    return (
        f"it is {size} bytes long, and a ledger of at most {LARGEST} is read; put entries of one reason together with "
        "* in their places"
    )


def _toml(text: str) -> str:
    """A TOML string; what it may not hold is escaped."""
    signs = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(signs.get(c, c if c.isprintable() else f"\\U{ord(c):08x}") for c in text) + '"'
