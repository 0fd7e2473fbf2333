"""Make a copy of a tree that can be uploaded: logs truncated, inferred scenarios filled, invalid results left out."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from checker import changes
from checker.changes import Copy, Refusal, Removal
from checker.console import safe
from checker.prepare import prepare
from checker.wording import count
from schemas.errors import UserError

NAME = "prepare"
HELP = "make a copy that can be uploaded"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The tree and where the copy goes."""
    parser.add_argument(
        "tree", type=Path, metavar="TREE", help="folder that holds closed/, open/ or network/"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the copy")
    parser.add_argument("--round", default="auto", help="the MLPerf round (auto: told from the seeds)")


def run(args: argparse.Namespace) -> int:
    """Prepare, say every step, and keep the record beside the copy."""
    done = prepare(args.tree, args.output, args.round)
    for step in done.steps:
        print(safe(changes.sentence(step)))
    record = args.output.with_name(args.output.name + ".changes.json")
    document = changes.record("prepare", str(args.tree), str(args.output), done.steps)
    try:
        record.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"the record cannot be written to {record}: {error.strerror}") from error
    kinds = [type(step) for step in done.steps]
    said = (
        f"{args.output}: {count(len(done.report.results), 'result')}, all valid for round {done.report.round}; "
        f"{kinds.count(Removal)} left out, {kinds.count(Copy)} directories filled in, "
        f"{kinds.count(Refusal)} not done; the record is {record}"
    )
    print(safe(said), file=sys.stderr)
    return 0
