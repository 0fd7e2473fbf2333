"""Results to look at: one self-contained page, pictures of power over time, tables for notebooks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from checker.commands import _judging
from checker.console import safe
from schemas.errors import UserError

NAME = "report"
HELP = "the results explorer (one page), pictures, tables"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The trees, what is made of them, and how they are judged."""
    parser.add_argument(
        "trees", type=Path, nargs="+", metavar="TREE", help="folder that holds closed/, open/ or network/"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="the explorer, one page without a network")
    parser.add_argument(
        "--compare", nargs=2, metavar=("A", "B"), help="side by side: rounds, trees, submitters or systems"
    )
    parser.add_argument(
        "--ledger", type=Path, metavar="FILE", help="TOML file with the reasons of changes (see mlcheck diff)"
    )
    for form in ("png", "svg"):
        parser.add_argument(
            f"--{form}", type=Path, metavar="DIR", help=f"power over time of each result as {form.upper()}"
        )
    parser.add_argument("--results", type=Path, metavar="FILE", help="table of results, .csv or .parquet")
    parser.add_argument(
        "--samples", type=Path, metavar="FILE", help="table of power samples, .csv or .parquet"
    )
    parser.add_argument(
        "--links",
        metavar="URL",
        help="address of the trees for links to files, {round} and {tree} are filled in; - for none",
    )
    parser.add_argument("--round", default="auto", help="the MLPerf round (auto: told from the seeds)")
    parser.add_argument(
        "--power", choices=("official", "unofficial"), default="official", help="as in the check"
    )
    parser.add_argument("--rehearsal", action="store_true", help="as in the check")
    _judging.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Write everything that was asked for; 0 also for results that are invalid."""
    from checker.explorer import book, outputs

    wanted = outputs.Wanted(
        html=args.html, png=args.png, svg=args.svg, results=args.results, samples=args.samples,
        compare=args.compare, ledger=args.ledger, links=args.links,
    )  # fmt: skip
    if not wanted.anything:
        raise UserError(
            "nothing to make: found none of --html, --png, --svg, --results, --samples; "
            "write mlcheck report TREE --html FILE"
        )
    outputs.refuse_early(wanted)
    options = _judging.options(args, round=args.round, power=args.power, rehearsal=args.rehearsal)
    for line in outputs.write(book.book(args.trees, options), args.trees, wanted):
        if not args.quiet:
            print(safe(line), file=sys.stderr)
    return 0
