"""The table of results of a tree, and of the systems that they were measured on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from checker.commands import _judging
from checker.console import console_for, safe
from checker.systems_table import write_systems
from checker.table import NARROW, write_table

if TYPE_CHECKING:
    from checker.explorer.book import Volume

NAME = "summary"
HELP = "the table of results"
BARS_WIDTH = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The tree, the round, and how it is judged."""
    parser.add_argument(
        "tree", type=Path, metavar="TREE", help="folder that holds closed/, open/ or network/"
    )
    parser.add_argument("--round", default="auto", help="the MLPerf round (auto: told from the seeds)")
    _judging.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    from checker.explorer.book import volume

    found = volume(args.tree, _judging.options(args, round=args.round))
    report, console = found.report, console_for(sys.stdout)
    write_table(console, report.results, _more(found) if console.width > NARROW else None)
    write_systems(console, report.results)
    if not (report.valid and report.reference_valid):
        print(safe(f"`mlcheck {args.tree}` says why a result is invalid."), file=sys.stderr)
    return 0


def _more(found: Volume) -> dict[str, tuple[str, str]]:
    """What a joule gives, and the power inside the window where the terminal can show its signs."""
    from checker.explorer.traces import BARS, sparkline

    try:
        BARS.encode(sys.stdout.encoding or "ascii")
        width = BARS_WIDTH
    except (LookupError, UnicodeEncodeError):
        width = 0
    more = {}
    for row in found.rows:
        numbers = found.told[row.path].numbers if row.path in found.told else ()
        efficient = next((f"{n.value:.5g} {n.unit}" for n in numbers if n.name == "samples_per_joule"), "")
        testing = next((t for t in found.traces.get(row.path, ()) if t.phase == "testing"), None)
        more[row.path] = (efficient, sparkline(testing, width) if testing is not None and width else "")
    return more
