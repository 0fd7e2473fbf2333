"""Changes of a tree that a machine can make safely, and the record of what was done.

A change is planned first and only then made: each says what the file held before, so that a file that has
become another in the meantime is left alone. Every file that is rewritten is kept beside the record.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checker.reading import LARGEST_ACCURACY_LOG, digest
from schemas import __version__
from schemas.documents import violations
from schemas.errors import UserError

SCHEMA = "edgewatt/changes/1"


@dataclass(frozen=True, slots=True)
class Content:
    """What identifies the bytes of a file."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Content:
        """That of bytes in memory."""
        return cls(len(data), hashlib.sha256(data).hexdigest())

    @classmethod
    def read(cls, path: Path, limit: int = LARGEST_ACCURACY_LOG) -> Content:
        """That of a file, read piece by piece; OSError when it cannot be, ``TooLarge`` above the limit."""
        found = digest(path, "sha256", limit)
        return cls(found.size, found.hex)

    def document(self) -> dict[str, Any]:
        """As it stands in the record."""
        return {"bytes": self.size, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A file with other bytes. ``old`` are those before, for a diff; None where the reason says enough."""

    path: str
    before: Content
    after: bytes
    rule: str
    reason: str
    old: bytes | None = None


def rewrite(path: str, before: bytes, after: bytes, rule: str, reason: str) -> Rewrite:
    """A rewrite of a text that people can look at."""
    return Rewrite(path, Content.of(before), after, rule, reason, before)


@dataclass(frozen=True, slots=True)
class Move:
    """A file or directory with another name."""

    path: str
    target: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A directory that is copied to a place where nothing is."""

    path: str
    target: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Removal:
    """A file or directory that is left out."""

    path: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """What would have to be changed but cannot be by a machine, and why."""

    path: str
    rule: str
    reason: str


Change = Rewrite | Move | Copy | Removal
Step = Change | Refusal
KINDS = {Rewrite: "rewrite", Move: "rename", Copy: "copy", Removal: "leave-out", Refusal: "refused"}


def apply(root: Path, change: Change, originals: Path | None = None) -> None:
    """Make one change below ``root``; what a rewrite replaces is kept in ``originals``.

    Raises ``UserError`` when the tree is not what the plan was made for, or cannot be written.
    """
    try:
        _APPLY[type(change)](root, change, originals)
    except OSError as error:
        raise UserError(f"{change.path} cannot be changed: {error.strerror or error}") from error


def _rewrite(root: Path, change: Rewrite, originals: Path | None) -> None:
    path = root / change.path
    if path.is_symlink() or Content.read(path) != change.before:
        raise UserError(
            f"{change.path} has become another file since it was looked at; run the command again"
        )
    if originals is not None:
        kept = originals / change.path
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, kept)
    replace_bytes(path, change.after)


def replace_bytes(path: Path, data: bytes) -> None:
    """Put new bytes in the place of a file in one step; links to the old file keep the old bytes."""
    beside = path.with_name(f"{path.name}.new~")
    with beside.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(path, beside)
    os.replace(beside, path)


def _move(root: Path, change: Move, originals: Path | None) -> None:
    old, new = root / change.path, root / change.target
    if new.exists() and not new.samefile(old):
        raise UserError(f"{change.target} is there already; {change.path} keeps its name")
    os.replace(old, new)


def _copy(root: Path, change: Copy, originals: Path | None) -> None:
    if (root / change.target).exists():
        raise UserError(f"{change.target} is there already and is not written over")
    shutil.copytree(root / change.path, root / change.target, symlinks=True)


def _remove(root: Path, change: Removal, originals: Path | None) -> None:
    path = root / change.path
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


_APPLY: dict[type, Any] = {Rewrite: _rewrite, Move: _move, Copy: _copy, Removal: _remove}


def record(command: str, tree: str, output: str | None, steps: Iterable[Step]) -> dict[str, Any]:
    """The account of a command as a document ``edgewatt/changes/1``."""
    document = {
        "schema": SCHEMA,
        "tool": {"name": "mlcheck", "version": __version__},
        "command": command,
        "tree": tree,
        "output": output,
        "changes": [_row(step) for step in steps],
    }
    wrong = next(violations("changes", document), None)
    if wrong is not None:
        raise ValueError(f"the record does not keep its schema: {wrong.pointer} {wrong.message}")
    return document


def _row(step: Step) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": KINDS[type(step)],
        "path": step.path,
        "target": step.target if isinstance(step, Move | Copy) else None,
        "rule": step.rule,
        "reason": step.reason,
    }
    if isinstance(step, Rewrite):
        row |= {"before": step.before.document(), "after": Content.of(step.after).document()}
    return row


def sentence(step: Step) -> str:
    """One step in words."""
    target = f" -> {step.target}" if isinstance(step, Move | Copy) else ""
    return f"{KINDS[type(step)]} {step.path}{target}: {step.reason} ({step.rule})"


def made(steps: Sequence[Step]) -> list[Change]:
    """The steps that change something."""
    return [s for s in steps if not isinstance(s, Refusal)]
