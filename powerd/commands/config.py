"""Look through a configuration file and report all its mistakes at once."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from powerd import config
from powerd.dashboard.text import plain
from schemas.cliapp import FINE, NOT_FINE

NAME = "config"
HELP = "check a configuration file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which file."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="report all mistakes of a file at once")
    check.add_argument("file", type=Path, metavar="FILE", help="TOML with [daemon] and [[meter]]")


def run(args: argparse.Namespace) -> int:
    """One line per mistake; 1 when there are any, ``UserError`` when the file cannot be read."""
    found, mistakes = config.read(args.file)
    mistakes = [*mistakes, *_absent(found.access)]
    if not mistakes and not found.meters:
        mistakes = ["no meter is configured, wanted at least one [[meter]]"]
    for mistake in mistakes:
        print(plain(f"{args.file}: {mistake}"))
    if mistakes:
        return NOT_FINE
    print(
        plain(f"{args.file}: fine, {len(found.meters)} meter(s): {', '.join(m.name for m in found.meters)}")
    )
    return FINE


def _absent(access: config.Access) -> Iterator[str]:
    """Files that are named and not there. What is in them is the daemon's to read, as its own user."""
    for field in fields(access):
        path = getattr(access, field.name)
        if isinstance(path, Path) and _missing(path):
            yield f"{field.name} {path} is not there: put it there, or name another file"


def _missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # a folder that only the daemon's user may look into
    return False
