"""The JSON Schemas of the files of a submission and of our own, for editors: completion, descriptions, mistakes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from checker.console import safe
from schemas.errors import UserError
from schemas.published import everything
from schemas.rounds import known_rounds, load_round

NAME = "schemas"
HELP = "list the JSON Schemas, or write them for an editor"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where they go, and the round whose facts they hold."""
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder that they are written to")
    parser.add_argument(
        "--round", default=known_rounds()[-1], choices=known_rounds(), help="round whose facts they hold"
    )


def run(args: argparse.Namespace) -> int:
    """List the schemas, or write them with a catalogue."""
    files = everything(load_round(args.round))
    if args.output is None:
        for name, document in files.items():
            if "title" in document:
                print(f"{name:32} {document['title']}")
        return 0
    try:
        args.output.mkdir(parents=True, exist_ok=True)
        for name, document in files.items():
            text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
            (args.output / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(
            f"the schemas cannot be written to {args.output}: {error.strerror or error}; name another folder"
        ) from error
    print(safe(f"{len(files)} files in {args.output}; docs/editors.md says how an editor finds them"))
    return 0
