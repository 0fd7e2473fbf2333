"""The terminal dashboard of a running daemon, or of a window long closed; plain lines without a terminal.

Keys: space pause, n next meter, g length of the graph, u units, ? help, q quit.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from powerd.client import ClientError, PowerdClient
from powerd.dashboard.snapshot import Snapshot, Trace, take, unreachable
from powerd.dashboard.view import SPANS_S, View
from schemas.cliapp import FINE, INTERRUPTED
from schemas.cliparse import seconds
from schemas.errors import UserError
from schemas.units import NS_PER_S, exact

if TYPE_CHECKING:
    from rich.console import Console

    from powerd.dashboard.replay import Player

NAME = "watch"
HELP = "watch the meters and windows of a running daemon"
DEFAULT_URL = "http://127.0.0.1:8675"
KEY_S = 0.1
"""A key is answered within this time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--url", default=DEFAULT_URL, help="where the daemon listens (default %(default)s)")
    parser.add_argument("--every", type=seconds, default=0.5, metavar="SECONDS", help="how often to look")
    parser.add_argument("--once", action="store_true", help="show the present state once and end")
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="watch a closed window again: its export (json) or bundle"
    )


def run(args: argparse.Namespace) -> int:
    """Watch until q or Ctrl-C; ``UserError`` when there is no daemon at the first look."""
    from rich.console import Console

    console = Console()
    try:
        if args.replay is not None:
            return _replay(console, args)
        client = PowerdClient(args.url)
        live = Live(client, args.url)
        first = live.look(None)
        if first.problem is not None:
            raise UserError(first.problem)
        if _paints(console) and not args.once:
            _screens(console, live, first, args.every, replayed=False)
        else:
            _plain(console, live, first, args.every, args.once)
    except KeyboardInterrupt:
        return INTERRUPTED  # the way to leave a display: nothing needs to be said
    return FINE


def _paints(console: Console) -> bool:
    """Whether a display can be drawn: a terminal without cursor movement (``TERM=dumb``) gets plain lines."""
    return console.is_terminal and not console.is_dumb_terminal


class Watched(Protocol):
    """What is on the screen: a daemon, or a recording."""

    def again(self, before: Snapshot, passed_s: float, view: View) -> Snapshot:
        """The screen after ``passed_s`` seconds."""


class Live:
    """A running daemon."""

    def __init__(self, client: PowerdClient, url: str) -> None:
        self._client = client
        self._url = url

    def again(self, before: Snapshot, passed_s: float, view: View) -> Snapshot:
        """As ``Watched``."""
        return self.look(before)

    def look(self, before: Snapshot | None) -> Snapshot:
        """One snapshot; an unreachable daemon is one too. The first one brings the last minutes along."""
        try:
            health, meters = self._client.health(), self._client.meters()
            windows = self._client.windows(limit=30)
            history = self._history([str(m["name"]) for m in meters]) if before is None else None
        except ClientError as error:
            return unreachable(self._url, str(error), before)
        return take(self._url, health, meters, windows, time.time_ns(), before, history)

    def _history(self, meters: list[str]) -> Mapping[str, Trace]:
        """Power over the shortest graph until now, of meters with one channel."""
        since = time.time_ns() - SPANS_S[0] * NS_PER_S
        found = {}
        for name in meters:
            rows = self._client.samples(name, since, limit=2000)
            if len({row["channel"] for row in rows}) == 1:
                found[name] = tuple(
                    (int(row["unix_ns"]) / NS_PER_S, float(row["power_w"]))
                    for row in rows
                    if row["power_w"] is not None
                )
        return found


class Replayed:
    """A recording, as fast as was chosen."""

    def __init__(self, player: Player) -> None:
        self._player = player

    def again(self, before: Snapshot, passed_s: float, view: View) -> Snapshot:
        """As ``Watched``."""
        return before if self._player.ended else self._player.advance(passed_s * view.times, before)


def _replay(console: Console, args: argparse.Namespace) -> int:
    from powerd.dashboard.app import plain_lines, screen
    from powerd.dashboard.replay import Player, load

    player = Player(load(args.replay))
    if _paints(console) and not args.once:
        _screens(console, Replayed(player), player.advance(0, None), args.every, replayed=True)
        return FINE
    latest = None
    for at_ns, snapshot in player.steps():
        latest = snapshot
        if not args.once:
            for line in plain_lines(snapshot):
                print(f"{exact(at_ns)} {line}")
    if args.once and latest is not None:
        console.print(screen(latest, *console.size, replayed=True))
    return FINE


def _screens(console: Console, watched: Watched, first: Snapshot, every_s: float, *, replayed: bool) -> None:
    """The display: a key is answered at once, the daemon is asked every so often."""
    from rich.live import Live as Display

    from powerd.dashboard.app import screen
    from powerd.dashboard.keys import Keys

    snapshot, view, looked = first, View(), time.monotonic()
    with (
        Keys() as keys,
        Display(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as display,
    ):
        while not view.ended:
            display.update(screen(snapshot, *console.size, view, replayed=replayed), refresh=True)
            pressed: list[str] = []
            while not pressed and time.monotonic() - looked < every_s:
                pressed = keys.wait(min(KEY_S, every_s))
            for key in pressed:
                view = view.press(key)
            if (passed := time.monotonic() - looked) >= every_s:
                looked += passed
                if not view.paused:
                    snapshot = watched.again(snapshot, passed, view)


def _plain(console: Console, watched: Watched, first: Snapshot, every_s: float, once: bool) -> None:
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
        with contextlib.suppress(ClientError):
            snapshot = watched.again(snapshot, every_s, View())
