"""Judge a submission tree: what would be rejected, why, and what to do about it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker import outputs
from checker.api import check_with
from checker.choice import rules_named
from checker.commands import _judging
from checker.console import safe
from checker.model import Place, Report, Severity
from checker.options import Options
from schemas.errors import UserError

if TYPE_CHECKING:
    from checker.watch import Change

NAME = "check"
HELP = "judge a submission tree (also without this word)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything that limits or changes the judgement, and the forms of the report."""
    parser.add_argument(
        "tree", type=Path, metavar="TREE", help="folder that holds closed/, open/ or network/"
    )
    parser.add_argument("--round", default="auto", help="the MLPerf round (auto: told from the seeds)")
    for name in ("submitter", "division", "system", "benchmark", "scenario"):
        parser.add_argument(f"--{name}", default="", help=f"judge this {name} only")
    outputs.add_arguments(parser)
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
    parser.add_argument("--select", metavar="RULE,…", help="only these rules or families (power/*)")
    parser.add_argument("--ignore", metavar="RULE,…", help="not these rules or families")
    parser.add_argument(
        "--waivers", type=Path, metavar="FILE", help="TOML file of findings that are accepted"
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="FILE", help="a former JSON report: only what is new counts"
    )
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning"),
        default="error",
        help="least severity that gives exit code 1",
    )
    parser.add_argument(
        "--rerun", type=Path, metavar="FILE", help="write the runs still to make as a campaign (TOML)"
    )
    parser.add_argument("--watch", action="store_true", help="check again on every change, until Ctrl-C")
    _judging.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Judge, write the reports, and answer with the exit code: 0 valid, 1 not."""
    targets = outputs.pairs(args.outputs)
    options = _options(args)
    if args.watch:
        _watch(args, targets)
    report = check_with(args.tree, options)
    _deliver(report, targets, args.rerun)
    return exit_code(report, options, args.fail_on)


def _deliver(report: Report, targets: list[outputs.Output], rerun: Path | None) -> None:
    """Write everything that was asked for."""
    outputs.write_all(report, targets)
    if rerun is not None:
        from checker import campaign

        campaign.write(report, rerun)


def _watch(args: argparse.Namespace, targets: list[outputs.Output]) -> None:
    """Check on every change; only Ctrl-C ends it."""
    from checker import compact, watch

    files = [o for o in targets if o.target != outputs.STDOUT]
    for output in targets:
        if output.target == outputs.STDOUT and output.form != outputs.DEFAULT:
            raise UserError(
                f"--watch shows a short text; give --format {output.form} an --output FILE of its own"
            )
    shown = 0

    def show(report: Report, change: Change) -> None:
        nonlocal shown
        _deliver(report, files, args.rerun)
        compact.show(report, change, sys.stdout, first=not shown)
        shown += 1

    def complain(sentence: str) -> None:
        print(safe(f"mlcheck: {sentence}"), file=sys.stderr, flush=True)

    _refuse_own_output(args.tree, [o.target for o in files] + ([str(args.rerun)] if args.rerun else []))
    places = [p for p in (args.tree, args.waivers, args.baseline) if p is not None]
    watch.watch(places, lambda: check_with(args.tree, _options(args)), show, complain)


def _refuse_own_output(tree: Path, targets: list[str]) -> None:
    """A report inside the tree would be a change of the tree each time."""
    for target in targets:
        if Path(target).resolve().is_relative_to(tree.resolve()):
            raise UserError(f"{target} lies in the tree that is watched; write it elsewhere")


def _options(args: argparse.Namespace) -> Options:
    given: dict[str, Any] = {}
    if args.waivers is not None:
        from checker import waivers

        given["waivers"] = waivers.read(args.waivers)
    if args.baseline is not None:
        from checker import baseline

        given["baseline"] = baseline.read(args.baseline)
    return _judging.options(
        args,
        round=args.round,
        power=args.power,
        rehearsal=args.rehearsal,
        judge=args.judge,
        only=Place(args.division, args.submitter, args.system, args.benchmark, args.scenario),
        select=rules_named(args.select, "--select"),
        ignore=rules_named(args.ignore, "--ignore"),
        power_checker=args.more_power_check or None,
        **given,
    )


def exit_code(report: Report, options: Options, fail_on: str) -> int:
    """0 when the verdict that was asked for is fine, else 1."""
    valid = _official(report, options) if options.judge == "reference" else report.valid
    if fail_on == "warning" and report.count(Severity.WARNING):
        valid = False
    return 0 if valid else 1


def _official(report: Report, options: Options) -> bool:
    """The official verdict; against a baseline what it refused before does not count again."""
    if report.reference_valid or options.baseline is None:
        return report.reference_valid
    refused = [f for f in report.findings if f.reference]
    return bool(refused) and all(f.known for f in refused)
