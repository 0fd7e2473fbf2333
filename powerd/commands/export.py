"""The samples of a closed window of a running daemon, one usual interval around it included."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from powerd import exports
from powerd.client import ClientError, PowerdClient
from schemas.errors import UserError

NAME = "export"
HELP = "write the samples of a window"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("id", metavar="ID", help="the window, as `powerd windows` names it")
    parser.add_argument(
        "--format",
        default="csv",
        metavar="FORM",
        help="spl (official power log), csv, parquet, json, png, svg, or bundle (signed evidence); default csv",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write here instead of on stdout")
    parser.add_argument(
        "--url", default="http://127.0.0.1:8675", help="where the daemon listens (default %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the samples; ``UserError`` for an unknown form, an absent window or a daemon that is not there."""
    form = exports.find(args.format)
    try:
        data = PowerdClient(args.url).export(args.id, form.name)
    except ClientError as error:
        raise UserError(str(error)) from error
    if args.output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    try:
        args.output.write_bytes(data)
    except OSError as error:
        raise UserError(
            f"--output {args.output} cannot be written: {error.strerror}; name another file"
        ) from error
    return 0
