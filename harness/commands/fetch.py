"""Fetch LoadGen in the version of a round, before a run needs it.

Each round has a LoadGen of its own. What this environment does not have is put into a folder of the user's cache.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import loadgens
from schemas.rounds import load_round

NAME = "fetch"
HELP = "fetch the LoadGen of a round into the user's cache"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Rounds and source."""
    parser.add_argument("--round", action="append", metavar="R", help="may be repeated (default: v4.1)")
    parser.add_argument(
        "--wheelhouse", type=Path, metavar="DIR", help="a folder of wheels, in the place of a package index"
    )


def run(args: argparse.Namespace) -> int:
    """Fetch and say where it lies."""
    for name in args.round or ["v4.1"]:
        round_ = load_round(name)
        place = loadgens.fetch(round_, args.wheelhouse)
        print(f"{name}: LoadGen {loadgens.wanted(round_)}, in {place or 'this environment'}")
    return 0
