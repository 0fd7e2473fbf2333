"""The rounds that are known, and what changed between two of them."""

from __future__ import annotations

import argparse
import textwrap
from itertools import groupby

from checker.round_diff import changes
from schemas.rounds import Round, known_rounds, load_round

NAME = "rounds"
HELP = "list the rounds, or what changed between two"
WIDTH = 110


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two rounds to compare, if wanted."""
    parser.add_argument("--diff", nargs=2, metavar=("A", "B"), help="what changed from round A to round B")


def run(args: argparse.Namespace) -> int:
    """Print the list or the changes."""
    if args.diff:
        before, after = (load_round(name) for name in args.diff)
        for about, lines in groupby(changes(before, after), key=lambda line: line[0]):
            print(about)
            for _, text in lines:
                print(textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent="      ",
                                    break_on_hyphens=False, break_long_words=False))  # fmt: skip
        return 0
    for name in known_rounds():
        _describe(load_round(name))
    return 0


def _describe(round_: Round) -> None:
    runs = round_.facts.get("loadgen", {}).get("version")
    minutes = round_.min_duration_ms / 60_000
    how = f"LoadGen {runs}" if runs else "judged, not run"
    print(f"{round_.name}: {how}, at least {minutes:g} min a run")
    later = round_.facts.get("published_with")
    if later:
        print(
            f"    facts of {round_.facts['source']['revision']} with later ones of {later['revision']}: {later['why']}"
        )
    print(f"    {len(round_.benchmark_names)} benchmarks: {', '.join(round_.benchmark_names)}")
