"""``mlcheck prepare``: a copy of a tree that can be uploaded.

The copy is cured as ``mlcheck fix`` does it; then, round by round, what is judged invalid is left out, missing
scenarios that may be inferred are filled from a run of another scenario, and what stands without a result goes
too, until both verdicts are valid. The tree itself is only read.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checker import changes
from checker.accuracy_log import LOG as ACCURACY_LOG
from checker.api import judged_with, open_submission
from checker.changes import Change, Refusal, Removal, Step
from checker.files import Tree, join
from checker.fixes import plan
from checker.infer import fill
from checker.leave_out import folders_of, invalid, orphans, strays, too_much
from checker.model import Place, Report
from checker.options import Options
from checker.reading import LARGEST_ACCURACY_LOG, open_bytes
from checker.tree import Submission
from schemas.errors import Failed, UserError
from schemas.plainfile import NotPlain, TooLarge

UNFINISHED, COPY, KNOWN = ".unfinished~", "tree", "known"
"""A folder beside the new tree, and in it the tree until it is finished and what is known of it so far."""
NEVER = (".git",)
"""Directories of the root that are no part of a submission."""
LINK_RULE, HIDDEN_RULE = "structure/symlinks", "structure/hidden-names"
SIZE_RULE, SPECIAL_RULE, READABLE_RULE = "structure/file-size", "structure/special-file", "structure/readable"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The judgement of the new tree, and every step that led to it."""

    report: Report
    steps: tuple[Step, ...]


def prepare(tree: Path, output: Path, round_name: str = "auto") -> Prepared:
    """Write the prepared copy of ``tree`` to ``output``, in one step at the end.

    ``UserError`` when the question makes no sense, ``Failed`` when nothing valid is left.
    """
    _refuse(tree, output)
    source = Tree(tree)
    submission, _ = open_submission(source, tree, Options(round=round_name))
    unfinished = output.with_name(output.name + UNFINISHED)
    work = unfinished / COPY
    _clear(unfinished)
    try:
        work.mkdir()
        steps = list(_copied(source, work, submission.size_limit))
        steps += _cured(work, submission.round.name)
        report = _until_valid(work, submission.round.name, steps)
        if output.exists():
            output.rmdir()
        os.replace(work, output)
    except OSError as error:
        raise UserError(f"{output} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Prepared(report, tuple(steps))


def _refuse(tree: Path, output: Path) -> None:
    if not os.path.isdir(tree):
        raise UserError(f"nothing to prepare: {tree} is no directory; name the folder that holds closed/")
    here, there = tree.resolve(), output.resolve()
    if there.is_relative_to(here) or here.is_relative_to(there):
        raise UserError(f"--output {output} and {tree} lie in each other; name a folder beside the tree")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"--output {output} is there already and not empty; name a new folder")


def _clear(work: Path) -> None:
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{work} cannot be made: {error.strerror or error}; name another --output") from error


def _copied(source: Tree, work: Path, limit: int) -> Iterator[Step]:
    """Copy every plain file; links become what they point at, as long as that lies in the tree."""
    for folder in source.folders.values():
        if folder.path.split("/")[0] in NEVER:
            continue
        (work / folder.path).mkdir(exist_ok=True)
        for name in folder.files:
            path = join(folder.path, name)
            most = LARGEST_ACCURACY_LOG if name == ACCURACY_LOG else limit
            if folder.files[name] > most:
                reason = f"{folder.files[name]} bytes, more than the {most} that are read; it is not copied"
                yield Refusal(path, SIZE_RULE, reason)
            else:
                yield from _copy(source.root / path, work, path)
        for name, kind in folder.special.items():
            yield Refusal(join(folder.path, name), SPECIAL_RULE, f"it is {kind}, no file; it is not copied")
        for name in folder.links:
            path = join(folder.path, name)
            if path not in source.live_links:
                yield Refusal(path, LINK_RULE, "the link leads nowhere, or out of the tree; it is not copied")
    for name in NEVER:
        if name in source.dirs(""):
            yield Removal(name, HIDDEN_RULE, "no part of a submission")


def _copy(place: Path, work: Path, path: str) -> Iterator[Refusal]:
    """Copy one file with its times; what cannot be read is told and left out."""
    try:
        with open_bytes(place, LARGEST_ACCURACY_LOG) as file, (work / path).open("xb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
        shutil.copystat(place, work / path)
    except (PermissionError, FileNotFoundError, NotPlain, TooLarge) as error:
        (work / path).unlink(missing_ok=True)
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        yield Refusal(path, READABLE_RULE, f"it cannot be read ({reason}); it is not copied")


def _cured(work: Path, round_name: str) -> Iterator[Step]:
    for step in plan(_opened(Tree(work), round_name)):
        if not isinstance(step, Refusal):
            changes.apply(work, step)
        yield step


def _opened(tree: Tree, round_name: str) -> Submission:
    return open_submission(tree, tree.root, Options(round=round_name))[0]


def _until_valid(work: Path, round_name: str, steps: list[Step]) -> Report:
    """Leave out and fill in until nothing is to be said; every turn makes the tree smaller or fills once, and judges
    again only what has changed since the last."""
    tried: set[Place] = set()
    options = Options(round=round_name, jobs=0, cache=work.with_name(KNOWN))
    while True:
        steps += _tidied(work, round_name)
        report, submission = judged_with(work, options)
        turn = _turn(submission, report, tried)
        if not turn and report.valid and report.reference_valid:
            return report
        if not turn:
            blocking = [f for f in report.findings if f.counts or f.reference]
            said = "; ".join(dict.fromkeys(f"{f.rule} at {f.location.path}" for f in blocking[:3]))
            raise Failed(f"nothing was written: put this right first: {said or 'a result without a number'}")
        for step in turn:
            changes.apply(work, step)
        steps += turn


def _turn(submission: Submission, report: Report, tried: set[Place]) -> list[Change]:
    """What to do next: files that are too much first, then invalid results, then what can be inferred, at last whole
    benchmarks and systems that cannot stand."""
    blocking = [f for f in report.findings if f.counts or f.reference]
    for steps in (
        too_much(submission.tree, report),
        invalid(submission, blocking, depths=(5,)),
        fill(submission, report, tried),
        invalid(submission, blocking, depths=(4, 3)),
    ):
        turn: list[Change] = list(steps)
        if turn:
            return turn
    return []


def _tidied(work: Path, round_name: str) -> list[Step]:
    """What belongs to no result any more goes, and what does not belong in a tree at all; ``Failed`` when no result
    is left."""
    done: list[Step] = []
    while True:
        tree = Tree(work)
        if not any(path.count("/") == 5 and path.split("/")[2] == "results" for path in tree.folders):
            raise Failed("nothing was written: no result of the tree is valid; `mlcheck TREE` says why")
        turn = list(orphans(tree, folders_of(round_name))) or list(strays(_opened(tree, round_name)))
        if not turn:
            return done
        for step in turn:
            changes.apply(work, step)
        done += turn
