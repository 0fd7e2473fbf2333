"""Write the system description of this machine; what it does not tell is marked and listed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from harness import system
from harness.registry import unknown
from schemas.errors import UserError
from schemas.rounds import load_round

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
    parser.add_argument("--system-type", default="edge", metavar="TYPE", help="edge (default), datacenter …")
    parser.add_argument("--framework", default=f"{system.HOLE}: framework and version", help="what computes")


def run(args: argparse.Namespace) -> int:
    """Describe; the holes go to standard error."""
    round_ = load_round(args.round)
    if args.system_type not in round_.facts["system_types"]:
        raise UserError(unknown("system type", args.system_type, round_.facts["system_types"]))
    described = system.describe(
        round_,
        division=args.division,
        submitter=args.submitter,
        system_name=args.system,
        framework=args.framework,
        system_type=args.system_type,
    )
    text = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    if args.output is None:
        sys.stdout.write(text)
    else:
        _write(args.output, text)
    holes = system.holes(described)
    if holes and not args.quiet:
        print(f"{len(holes)} fields to fill in: {', '.join(holes)}", file=sys.stderr)
    return 0


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UserError(f"{path} exists already, maybe completed by hand; choose another --output") from None
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); choose another --output") from error
