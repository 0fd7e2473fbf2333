"""``check``: from a tree to a report. What programs and notebooks use."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TextIO

from checker import outcome, recognise
from checker.cache.known import of as known_of
from checker.engine import Gathered, gather
from checker.files import Tree, join
from checker.forgive import forgive
from checker.model import Finding, Place, Report
from checker.options import Options
from checker.pool import few_collections
from checker.result import Result
from checker.rule_pass import touches, wanted
from checker.tree import Submission
from checker.verdicts import Verdicts
from schemas.errors import UserError


def check(
    tree: Path,
    *,
    round_name: str = "auto",
    power: str = "official",
    rehearsal: bool = False,
    judge: str = "rules",
    only: Place | None = None,
    select: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
    jobs: int = 1,
    more_power_check: bool = False,
) -> Report:
    """Judge the submission tree at ``tree``.

    ``more_power_check`` lets the official power checker take part in the reference verdict in the rounds in which
    it did so on request only. Raises ``schemas.errors.UserError`` when there is nothing to check, the round cannot
    be told or nothing matches ``only``; everything else that is wrong with a tree is a finding.
    """
    options = Options(
        round=round_name,
        power=power,
        rehearsal=rehearsal,
        judge=judge,
        only=only or Place(),
        select=tuple(select),
        ignore=tuple(ignore),
        power_checker=more_power_check or None,
        jobs=jobs,
    )
    return check_with(tree, options)


def check_with(path: Path, options: Options) -> Report:
    """Judge a tree with options in one record."""
    return judged_with(path, options)[0]


@few_collections()
def judged_with(path: Path, options: Options) -> tuple[Report, Submission]:
    """Judge a tree, and hand over the tree as it was looked at, for who shows more of it than its report."""
    _refuse_no_folder(path)
    began_ns = time.time_ns()
    submission, reason = open_submission(Tree(path, share=options.jobs != 1), path, options)
    _refuse_flood(submission, options)
    results = chosen(submission, options)
    options = replace(options, round=submission.round.name)
    known = known_of(submission.tree, began_ns, options)
    gathered = gather(submission, results, options, known)
    known.keep()
    return _report(submission, results, gathered, options, reason), submission


def _report(
    submission: Submission, results: Sequence[Result], gathered: Gathered, options: Options, reason: str
) -> Report:
    """Both verdicts from what was found, and everything put together."""
    findings, places = gathered.findings, [r.place for r in results]
    official = Verdicts(findings, places)
    if options.rehearsal:
        findings = forgive(findings, results)
    findings, remarks = _accept(findings, options)
    shown = [f for f in findings if options.wants(f.rule)]
    verdicts = official if shown == official.findings else Verdicts(shown, places)
    reports = tuple(outcome.judged(n, gathered.systems, verdicts, official) for n in gathered.numbers)
    return Report(
        tree=str(submission.tree.root),
        round=submission.round.name,
        round_reason=reason,
        valid=verdicts.tree_valid() and all(r.valid for r in reports),
        reference_valid=official.reference_exits_zero() and all(r.reference_valid for r in reports),
        results=reports,
        findings=tuple(shown),
        remarks=tuple(remarks),
        cached_results=gathered.cached_results,
    )


def _refuse_no_folder(path: Path) -> None:
    """UserError for what is no directory, or none that may be read."""
    try:
        kind = os.stat(path).st_mode
    except PermissionError as error:
        raise UserError(
            f"nothing to check: {path} may not be read: {error.strerror}; change its rights"
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(
            f"nothing to check: {path} does not exist; name the folder that holds closed/ or open/"
        ) from error
    if not stat.S_ISDIR(kind):
        raise UserError(
            f"nothing to check: {path} is not a directory; name the folder that holds closed/ or open/"
        )
    if not os.access(path, os.R_OK | os.X_OK):
        raise UserError(f"nothing to check: {path} may not be read: Permission denied; change its rights")


MOST_SYSTEMS, MOST_RESULTS = 10_000, 20_000
"""Of one judgement. The largest round so far had some 13,500 results."""


def _refuse_flood(submission: Submission, options: Options) -> None:
    """UserError for more than a round holds: judging it would take hours and gigabytes."""
    systems = [s for s in submission.systems if touches(options.only, s.place, 3)]
    results = sum(
        len(submission.tree.dirs(join(s.path, name)))
        for s in systems
        for name in submission.tree.dirs(s.path)
    )
    if len(systems) > MOST_SYSTEMS or results > MOST_RESULTS:
        raise UserError(
            f"{len(systems)} systems with {results} results are more than can be judged at once ({MOST_SYSTEMS} and "
            f"{MOST_RESULTS}); choose some with --submitter, --division or --system of `mlcheck TREE`, or name a "
            "tree of fewer"
        )


def _accept(findings: Sequence[Finding], options: Options) -> tuple[list[Finding], list[str]]:
    """The findings with those marked that are waived or known, and what there is to say about that."""
    marked, remarks = list(findings), []
    if options.waivers:
        from checker import waivers

        marked, said = waivers.waive(marked, options.waivers, whole=options.whole)
        remarks += said
    if options.baseline is not None:
        from checker import baseline

        marked, said = baseline.mark(marked, options.baseline, whole=options.whole)
        remarks += said
    return marked, remarks


def open_submission(tree: Tree, path: Path, options: Options) -> tuple[Submission, str]:
    """The root node of a tree and why it is judged by its round; UserError when it is no submission."""
    divisions = {"closed", "open", "network"} & set(tree.dirs(""))
    if not divisions:
        raise UserError(
            f"nothing to check: {path} holds none of closed/, open/, network/; name the folder that does"
        )
    if not any(path.count("/") == 5 and path.split("/")[2] == "results" for path in tree.folders):
        raise UserError(
            f"nothing to check: {path} has no <division>/<submitter>/results/<system>/<benchmark>/<scenario>; "
            "name the folder that does"
        )
    round_, reason = recognise.choose(options.round, tree)
    return Submission(tree, round_, unofficial_power=options.power == "unofficial"), reason


def chosen(submission: Submission, options: Options) -> list[Result]:
    """The results that were asked for; UserError when a filter matches none."""
    results = submission.results
    found = [r for r in results if wanted(options.only, r)]
    if not found:
        asked = ", ".join(f"--{f} {v}" for f, v in zip(FILTERS, options.only.names, strict=True) if v)
        raise UserError(
            f"nothing to check: none of {len(results)} results matches {asked}; {_guess(results, options.only)}"
            "`mlcheck summary` lists them"
        )
    return found


FILTERS = ("division", "submitter", "system", "benchmark", "scenario")
"""The options that limit a check, in the order of the names of a place."""


def _guess(results: Sequence[Result], asked: Place) -> str:
    """Whether the first name that no result has is nearly one that some have; a letter's case is no difference."""
    for at, name in enumerate(asked.names):
        there = {r.place.names[at].lower(): r.place.names[at] for r in results}
        if name and name not in there.values():
            near = get_close_matches(name.lower(), there, 1, 0.75)
            return f"did you mean --{FILTERS[at]} {there[near[0]]}? " if near else ""
    return ""


def render_text(report: Report, stream: TextIO) -> None:
    """Write the report as text for people."""
    from checker.reports.text import write

    write(report, stream)
