"""The table of results of a tree, and of the systems that they were measured on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from checker.api import check
from checker.console import console_for
from checker.systems_table import write_systems
from checker.table import write_table

NAME = "summary"
HELP = "the table of results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The tree and the round."""
    parser.add_argument(
        "tree", type=Path, metavar="TREE", help="folder that holds closed/, open/ or network/"
    )
    parser.add_argument("--round", default="auto", help="the MLPerf round (auto: told from the seeds)")


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    report = check(args.tree, round_name=args.round)
    console = console_for(sys.stdout)
    write_table(console, report.results)
    write_systems(console, report.results)
    if not (report.valid and report.reference_valid):
        print(f"`mlcheck {args.tree}` says why a result is invalid.", file=sys.stderr)
    return 0
