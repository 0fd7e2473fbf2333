"""Infer results of further scenarios from a run of one, where the round permits it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.inference import FILTERS, InferRequest, infer, scenario_list
from schemas.errors import UserError
from schemas.rounds import load_round

NAME = "infer"
HELP = "write results of further scenarios that the round lets one run stand for"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The tree, what to infer, from what."""
    parser.add_argument("tree", type=Path, metavar="TREE", help="folder of the submission tree")
    parser.add_argument(
        "--scenario", required=True, metavar="S[,S…]", help="what to infer, such as MultiStream,Offline"
    )
    parser.add_argument(
        "--from", dest="source", metavar="S", help="scenario that was run (default: what is there)"
    )
    parser.add_argument("--round", default="v4.1", metavar="R")
    for name in FILTERS:
        parser.add_argument(f"--{name}", help=f"limit to this {name}")


def run(args: argparse.Namespace) -> int:
    """Infer; one line for each result on standard output."""
    if not args.tree.is_dir():
        raise UserError(f"there is no folder {args.tree}; give the folder of a submission tree")
    round_ = load_round(args.round)
    written = infer(
        InferRequest(
            tree=args.tree,
            round=round_,
            scenarios=tuple(scenario_list(args.scenario)),
            source=args.source,
            only={name: getattr(args, name) for name in FILTERS if getattr(args, name) is not None},
            command_line=tuple(sys.argv[1:]),
        )
    )
    for each in written:
        print(f"{args.tree / each.result.results(round_)}: inferred from {each.source}")
    return 0
