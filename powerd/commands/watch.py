"""The terminal dashboard of a running daemon: meters, watts, ranges, windows; plain lines without a terminal."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from powerd.client import ClientError, PowerdClient
from powerd.dashboard.snapshot import Snapshot, take, unreachable
from schemas.cliapp import FINE, INTERRUPTED
from schemas.cliparse import seconds
from schemas.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

NAME = "watch"
HELP = "watch the meters and windows of a running daemon"
DEFAULT_URL = "http://127.0.0.1:8675"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--url", default=DEFAULT_URL, help="where the daemon listens (default %(default)s)")
    parser.add_argument("--every", type=seconds, default=0.5, metavar="SECONDS", help="how often to look")
    parser.add_argument("--once", action="store_true", help="show the present state once and end")


def run(args: argparse.Namespace) -> int:
    """Watch until Ctrl-C; ``UserError`` when there is no daemon at the first look."""
    from rich.console import Console

    client = PowerdClient(args.url)
    first = look(client, args.url, None)
    if first.problem is not None:
        raise UserError(first.problem)
    console = Console()
    watch = _live if console.is_terminal and not args.once else _plain
    try:
        watch(console, first, lambda before: look(client, args.url, before), args.every, args.once)
    except KeyboardInterrupt:
        return INTERRUPTED  # the way to leave a display: nothing needs to be said
    return FINE


def look(client: PowerdClient, url: str, before: Snapshot | None) -> Snapshot:
    """One snapshot; an unreachable daemon is one too."""
    try:
        return take(url, client.health(), client.meters(), client.windows(limit=30), time.time_ns(), before)
    except ClientError as error:
        return unreachable(url, str(error), before)


def _live(
    console: Console, first: Snapshot, again: Callable[[Snapshot], Snapshot], every_s: float, _once: bool
) -> None:
    from rich.live import Live

    from powerd.dashboard.app import screen

    snapshot = first
    with Live(screen(first, *console.size), console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(screen(snapshot, *console.size), refresh=True)
            time.sleep(every_s)
            snapshot = again(snapshot)


def _plain(
    console: Console, first: Snapshot, again: Callable[[Snapshot], Snapshot], every_s: float, once: bool
) -> None:
    from powerd.dashboard.app import plain_lines, screen

    if once and console.is_terminal:
        console.print(screen(first, *console.size))
        return
    snapshot = first
    while True:
        print("\n".join(plain_lines(snapshot)), file=sys.stdout, flush=True)
        if once:
            return
        time.sleep(every_s)
        snapshot = again(snapshot)
