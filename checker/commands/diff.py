"""What changed between two trees or rounds of results: the change log. With ``--ledger`` each change has its reason."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from checker.commands import _judging
from checker.console import safe
from schemas.errors import UserError

if TYPE_CHECKING:
    from checker.history.diff import ChangeLog

NAME = "diff"
HELP = "what changed between two trees or rounds of results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Both trees, the form, and the ledger."""
    parser.add_argument("old", type=Path, metavar="OLD", help="the tree before")
    parser.add_argument(
        "new", type=Path, metavar="NEW", help="the tree after, of the same or of a later round"
    )
    parser.add_argument(
        "--format", choices=("text", "json", "markdown"), default="text", help="form of the log"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="where it goes (default: stdout)")
    parser.add_argument(
        "--ledger",
        type=Path,
        metavar="FILE",
        help="TOML file with the reasons of changes: [[change]] place, reason",
    )
    parser.add_argument(
        "--draft", type=Path, metavar="FILE", help="write entries for the changes that have no reason yet"
    )
    for side in ("old", "new"):
        parser.add_argument(f"--{side}-round", default="auto", help=f"the MLPerf round of {side.upper()}")
    _judging.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the change log; 0 when nothing changed, 1 when something did."""
    from checker.explorer.book import volume
    from checker.history import diff, ledger

    reasons = ledger.read(args.ledger) if args.ledger is not None else ()
    asked = _judging.options(args)
    old, new = (
        volume(path, replace(asked, round=name), name=str(path))
        for path, name in ((args.old, args.old_round), (args.new, args.new_round))
    )
    log = ledger.explained(diff.between(old, new), reasons)
    _print(log, args)
    if args.draft is not None:
        draft = ledger.draft(log)
        _write(args.draft, draft)
        if ledger.too_long(draft):
            print(safe(f"mlcheck: {args.draft}: {ledger.too_long(draft)}"), file=sys.stderr)
    return 1 if log.changes else 0


def _print(log: ChangeLog, args: argparse.Namespace) -> None:
    from io import StringIO

    from checker.history.forms import FORMS

    if args.output is None:
        FORMS[args.format](log, sys.stdout)
        return
    text = StringIO()
    FORMS[args.format](log, text)
    _write(args.output, text.getvalue())


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}; name a place that can be written"
        ) from error
