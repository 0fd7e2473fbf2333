"""Cure what a machine can cure safely: spelling, line ends, numbers that numpy mangled, whole accuracy logs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from checker import changes, fixing
from checker.changes import Refusal
from checker.console import safe
from checker.wording import count

NAME = "fix"
HELP = "cure what a machine can cure safely"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The tree, and whether to show or to do it."""
    parser.add_argument(
        "tree", type=Path, metavar="TREE", help="folder that holds closed/, open/ or network/"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--diff", action="store_true", help="only show what would be changed (default)")
    how.add_argument("--apply", action="store_true", help="make the changes and keep the originals")
    parser.add_argument("--round", default="auto", help="the MLPerf round (auto: told from the seeds)")
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="where the record and the originals go (TREE.fix-1)"
    )


def run(args: argparse.Namespace) -> int:
    """0 when there was nothing to change or all of it was changed, 1 when something is left to change."""
    steps = fixing.steps(args.tree, args.round)
    todo = changes.made(steps)
    refused = len(steps) - len(todo)
    if not args.apply:
        for step in steps:
            print("\n".join(fixing.diff(step)), end="\n\n")
        told = "`--apply` makes them" if todo else "nothing to change"
        print(f"{count(len(todo), 'change')}, {refused} that need you; {told}", file=sys.stderr)
        return 1 if steps else 0
    if todo:
        folder = fixing.record_folder(args.tree, args.record)
        fixing.apply(args.tree, steps, folder)
    for step in steps:
        print(safe(changes.sentence(step)), file=sys.stderr if isinstance(step, Refusal) else sys.stdout)
    kept = f"; record and originals in {folder}" if todo else ""
    print(safe(f"{count(len(todo), 'change')} made, {refused} that need you{kept}"), file=sys.stderr)
    return 1 if refused else 0
