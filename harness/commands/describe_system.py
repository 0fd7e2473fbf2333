"""Write the system description of this machine; what it does not tell is marked and listed.

The public page shows the processors only where they do most of the computing, and else the accelerators;
--compute says which do, and the page's view of the description is said on standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from harness import system
from harness.registry import unknown
from schemas.errors import UserError
from schemas.rounds import load_round
from schemas.system_columns import columns

NAME = "describe-system"
HELP = "the system description JSON from this machine, holes marked"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, and what the machine cannot know."""
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of standard output")
    parser.add_argument("--round", default="v4.1", metavar="R")
    parser.add_argument("--division", default="open")
    parser.add_argument("--submitter", default="unnamed")
    parser.add_argument(
        "--system", default=system.default_name(), help="name of the system (default: host name)"
    )
    parser.add_argument(
        "--compute",
        choices=("auto", "cpu", "accelerator"),
        default="auto",
        help="what does most of the computing (auto: an accelerator where one is found)",
    )
    parser.add_argument("--system-type", default="edge", metavar="TYPE", help="edge (default), datacenter …")
    parser.add_argument("--framework", default=f"{system.HOLE}: framework and version", help="what computes")


def run(args: argparse.Namespace) -> int:
    """Describe; the holes go to standard error."""
    round_ = load_round(args.round)
    if args.system_type not in round_.facts["system_types"]:
        raise UserError(unknown("system type", args.system_type, round_.facts["system_types"]))
    if args.division not in round_.facts["divisions"]:
        raise UserError(unknown("division", args.division, round_.facts["divisions"]))
    if not args.submitter.strip():
        raise UserError(
            "found an empty --submitter, wanted the name of who submits; leave it out to fill it in later"
        )
    described = system.describe(
        round_,
        division=args.division,
        submitter=args.submitter,
        system_name=args.system,
        framework=args.framework,
        compute=args.compute,
        system_type=args.system_type,
    )
    text = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    if args.output is None:
        sys.stdout.write(text)
    else:
        _write(args.output, text)
    if not args.quiet:
        _tell(described)
    return 0


def _tell(described: Mapping[str, str]) -> None:
    """The view of the public page, and what is still to be filled in."""
    shown = columns(described)
    for title, value in (("processor", shown.processor), ("accelerator", shown.accelerator)):
        what = value or "left out, because it does not do most of the computing"
        print(f"on the public page, {title} and count: {what}", file=sys.stderr)
    holes = system.holes(described)
    if holes:
        print(f"{len(holes)} fields to fill in: {', '.join(holes)}", file=sys.stderr)


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UserError(f"{path} exists already, maybe completed by hand; choose another --output") from None
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); choose another --output") from error
