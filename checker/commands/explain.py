"""What a rule demands, why, since which round, a bad and a good example, how to put it right."""

from __future__ import annotations

import argparse

from checker.explain import SEED_PAGE, explain
from schemas.rounds import known_rounds

NAME = "explain"
HELP = "what a rule demands and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The rule and the round."""
    parser.add_argument("rule", metavar="RULE", help=f"id of a rule, or {SEED_PAGE!r}")
    parser.add_argument(
        "--round", default=known_rounds()[-1], choices=known_rounds(), help="round to explain for"
    )


def run(args: argparse.Namespace) -> int:
    """Print the text."""
    print(explain(args.rule, args.round), end="")
    return 0
