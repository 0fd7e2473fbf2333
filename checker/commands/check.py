"""Judge a submission tree: what would be rejected, why, and what to do about it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from checker.api import check_with
from checker.model import Place, Report, Severity
from checker.options import Options
from checker.reports import writers
from schemas.errors import UserError

NAME = "check"
HELP = "judge a submission tree (also without this word)"
STDOUT = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything that limits or changes the judgement, and the forms of the report."""
    parser.add_argument(
        "tree", type=Path, metavar="TREE", help="folder that holds closed/, open/ or network/"
    )
    parser.add_argument("--round", default="auto", help="the MLPerf round (auto: told from the seeds)")
    for name in ("submitter", "division", "system", "benchmark", "scenario"):
        parser.add_argument(f"--{name}", default="", help=f"judge this {name} only")
    parser.add_argument(
        "--format", action="append", choices=sorted(writers()), help="form of the report; may be repeated"
    )
    parser.add_argument(
        "--output", action="append", metavar="FILE", help=f"where the form before it goes ({STDOUT}: stdout)"
    )
    parser.add_argument(
        "--judge", choices=("rules", "reference"), default="rules", help="which verdict decides the exit code"
    )
    parser.add_argument(
        "--power",
        choices=("official", "unofficial"),
        default="official",
        help="whether powerd may have measured",
    )
    parser.add_argument(
        "--more-power-check",
        action="store_true",
        help="rounds up to v3.0: let the official power checker take part in the reference verdict",
    )
    parser.add_argument(
        "--rehearsal", action="store_true", help="forgive what the run record of a rehearsal declares"
    )
    parser.add_argument("--select", default="", metavar="RULE,…", help="only these rules or families")
    parser.add_argument("--ignore", default="", metavar="RULE,…", help="not these rules or families")
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning"),
        default="error",
        help="least severity that gives exit code 1",
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes to judge with")


def run(args: argparse.Namespace) -> int:
    """Judge, write the reports, and answer with the exit code: 0 valid, 1 not."""
    outputs = _outputs(args.format or ["text"], args.output or [])
    report = check_with(args.tree, _options(args))
    for form, target in outputs:
        _write(report, form, target)
    return _exit_code(report, args.judge, args.fail_on)


def _options(args: argparse.Namespace) -> Options:
    if args.jobs < 1:
        raise UserError(f"--jobs {args.jobs} is no number of processes; give 1 or more")
    return Options(
        round=args.round,
        power=args.power,
        rehearsal=args.rehearsal,
        judge=args.judge,
        only=Place(args.division, args.submitter, args.system, args.benchmark, args.scenario),
        select=_names(args.select),
        ignore=_names(args.ignore),
        power_checker=args.more_power_check or None,
        jobs=args.jobs,
    )


def _names(text: str) -> tuple[str, ...]:
    from checker.rules import all_rules

    names = tuple(n.strip() for n in text.split(",") if n.strip())
    for name in names:
        if not any(rule == name or rule.startswith(name.rstrip("/") + "/") for rule in all_rules()):
            raise UserError(f"no rule or family is called {name!r}; `mlcheck rules` lists them")
    return names


def _outputs(forms: list[str], targets: list[str]) -> list[tuple[str, str]]:
    if len(targets) > len(forms):
        raise UserError(f"{len(targets)} --output but {len(forms)} --format; give a form for each file")
    padded = [*targets, *[STDOUT] * (len(forms) - len(targets))]
    if padded.count(STDOUT) > 1:
        raise UserError("more than one report would go to stdout; give an --output FILE for each form")
    return list(zip(forms, padded, strict=True))


def _write(report: Report, form: str, target: str) -> None:
    writer = writers()[form]
    if target == STDOUT:
        writer(report, sys.stdout)
        return
    try:
        with open(target, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            writer(report, file)
    except OSError as error:
        raise UserError(f"the report cannot be written to {target}: {error.strerror}") from error


def _exit_code(report: Report, judge: str, fail_on: str) -> int:
    valid = report.reference_valid if judge == "reference" else report.valid
    if fail_on == "warning" and report.count(Severity.WARNING):
        valid = False
    return 0 if valid else 1
