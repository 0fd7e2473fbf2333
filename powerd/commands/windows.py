"""List the windows of a running daemon, or show one whole."""

from __future__ import annotations

import argparse
import json
import time

from powerd.client import ClientError, PowerdClient
from schemas.cliparse import whole
from schemas.errors import UserError

NAME = "windows"
HELP = "list windows, or show one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("id", nargs="?", help="show this window with its budget")
    parser.add_argument(
        "--url", default="http://127.0.0.1:8675", help="where the daemon listens (default %(default)s)"
    )
    parser.add_argument(
        "--limit",
        type=whole(1, 1000),
        default=20,
        metavar="N",
        help="how many, newest first (default %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Print windows; ``UserError`` when the daemon is not there."""
    client = PowerdClient(args.url)
    try:
        found = [client.window(args.id)] if args.id else client.windows(args.limit)
    except ClientError as error:
        raise UserError(str(error)) from error
    if args.json:
        print(
            json.dumps(found[0] if args.id else {"schema": "edgewatt/windows/1", "windows": found}, indent=2)
        )
        return 0
    if args.id:
        _show_one(found[0])
    else:
        _show_table(found)
    return 0


def _show_table(found: list[dict[str, object]]) -> None:
    from rich.console import Console

    from powerd.dashboard.panels.windows import windows
    from powerd.dashboard.snapshot import window_view

    console = Console()
    console.print(windows(tuple(window_view(w, time.time_ns()) for w in found), console.width < 100))


def _show_one(window: dict[str, object]) -> None:
    from powerd.dashboard.text import plain

    for key, value in window.items():
        if key in {"budget", "reasons", "ranges", "marks"} and isinstance(value, list):
            print(f"{key}:" if value else f"{key}: none")
            for row in value:
                print(f"  {plain(_row(row))}")
        else:
            print(plain(f"{key}: {json.dumps(value) if isinstance(value, dict) else value}"))


def _row(row: object) -> str:
    if not isinstance(row, dict):
        return str(row)
    return ", ".join(f"{k} {v:.6g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
