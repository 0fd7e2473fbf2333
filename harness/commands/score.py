"""Score runs that are complete, and write their result: for scoring that failed, or was ended, after the runs.

Nothing is run again. What scores (weights of other networks, annotations) may have been put right meanwhile; the model
must be the one that ran. The work folder is the one that ``run`` named when it began.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.service import score
from harness.summary import summary

NAME = "score"
HELP = "score runs that are complete and write their result, without running again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The work folder of the runs."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="work folder of the runs, as run named it"
    )


def run(args: argparse.Namespace) -> int:
    """Score and write; the exit code is 0 when everything that was asked for is in the tree."""
    outcome = score(args.folder, lambda text: None if args.quiet else print(text, file=sys.stderr))
    print(f"tree: {outcome.written.tree}")
    for line in summary(outcome):
        print(line)
    return 0
