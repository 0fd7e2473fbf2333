"""``mlcheck fix``: plans the cures of a tree, shows them as a diff, or makes them and keeps a record."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from checker import changes
from checker.api import open_submission
from checker.changes import Copy, Move, Refusal, Rewrite, Step
from checker.console import safe
from checker.files import Tree
from checker.fixes import plan
from checker.options import Options
from schemas.errors import UserError

RECORD = "record.json"
ORIGINALS = "originals"


def steps(tree: Path, round_name: str) -> list[Step]:
    """What there is to cure; UserError when the tree is no submission."""
    if not os.path.isdir(tree):
        raise UserError(
            f"nothing to fix: {tree} is no directory; name the folder that holds closed/ or open/"
        )
    submission, _ = open_submission(Tree(tree), tree, Options(round=round_name))
    return plan(submission)


def diff(step: Step) -> Iterator[str]:
    """One step as lines for people, in the form of a unified diff."""
    if isinstance(step, Move | Copy):
        verb = "rename" if isinstance(step, Move) else "copy"
        yield f"{verb} from {safe(step.path)}"
        yield f"{verb} to {safe(step.target)}"
    elif isinstance(step, Rewrite):
        yield from _rewrite(step)
    else:
        kind = "cannot be fixed" if isinstance(step, Refusal) else "left out"
        yield f"# {kind}: {safe(step.path)}"
    yield f"# {safe(step.reason)} ({step.rule})"


def _rewrite(step: Rewrite) -> Iterator[str]:
    names = (f"a/{safe(step.path)}", f"b/{safe(step.path)}")
    if step.old is None:
        yield f"--- {names[0]} ({step.before.size} bytes)"
        yield f"+++ {names[1]} ({len(step.after)} bytes)"
        return
    before, after = (_lines(data) for data in (step.old, step.after))
    yield from difflib.unified_diff(before, after, *names, lineterm="")


def _lines(data: bytes) -> list[str]:
    """Lines for a terminal: what cannot be shown, carriage returns too, is spelled out."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    lines = data.decode(encoding, "backslashreplace").split("\n")
    return [safe(line) for line in (lines if lines[-1] else lines[:-1])]


def record_folder(tree: Path, wanted: Path | None) -> Path:
    """The folder for the record and the originals: beside the tree, with the next free number."""
    root = tree.resolve()
    if wanted is None:
        number = 1
        while (found := root.with_name(f"{root.name}.fix-{number}")).exists():
            number += 1
        return found
    if wanted.resolve().is_relative_to(root):
        raise UserError(f"--record {wanted} lies in the tree; what is kept there would be submitted")
    if wanted.exists():
        raise UserError(f"--record {wanted} exists already; name a folder that does not")
    return wanted


def apply(tree: Path, rows: Sequence[Step], folder: Path) -> None:
    """Make the changes in order. The record is written in any case, with what was done until then."""
    try:
        (folder / ORIGINALS).mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}; name another with --record") from error
    done: list[Step] = [s for s in rows if isinstance(s, Refusal)]
    try:
        for change in changes.made(rows):
            changes.apply(tree, change, folder / ORIGINALS)
            done.append(change)
    finally:
        document = changes.record("fix", str(tree), None, done)
        text = json.dumps(document, indent=1) + "\n"
        (folder / RECORD).write_text(text, encoding="utf-8")
