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


NARROW = 120
"""A terminal with fewer columns shows less beside the ids: whoever wants more gives one to this command."""
COLUMNS = ("id", "window", "meter", "state", "length", "energy", "average", "coverage", "quality")
FEW = ("id", "window", "energy", "quality")
LEAST_NAME = 6


def _show_table(found: list[dict[str, object]]) -> None:
    """The ids whole, since `export` and this command want them; in a pipe every column and nothing cut."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    if not found:
        console.print("no window yet")
        return
    heads = FEW if console.is_terminal and console.width < NARROW else COLUMNS
    rows = [heads, *(tuple(_cells(w)[head] for head in heads) for w in found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(heads))]
    if console.is_terminal:
        room = console.width - sum(widths) + widths[1] - 2 * (len(heads) - 1)
        widths[1] = min(widths[1], max(LEAST_NAME, room))
    for row in rows:
        cells = [_cut(text, width).ljust(width) for text, width in zip(row, widths, strict=True)]
        console.print(Text("  ".join(cells).rstrip()), soft_wrap=True)


def _cells(window: dict[str, object]) -> dict[str, str]:
    """What each column says of a window; of one that is not closed the state stands in the place of the quality."""
    from powerd.dashboard.snapshot import window_view
    from powerd.dashboard.text import duration, energy, plain

    view = window_view(window, time.time_ns())
    return {
        "id": plain(str(window.get("id"))),
        "window": plain(view.name),
        "meter": plain(view.meter),
        "state": plain(view.state),
        "length": duration(view.duration_s),
        "energy": energy(view.energy_j, False, view.energy_u95_j),
        "average": "--" if view.average_w is None else f"{view.average_w:.2f} W",
        "coverage": "--" if view.coverage is None else f"{100 * view.coverage:.1f} %",
        "quality": plain(view.quality or view.state),
    }


def _cut(text: str, width: int) -> str:
    """In the middle: names of runs begin alike and end with what they are."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def _show_one(window: dict[str, object]) -> None:
    from powerd.dashboard.text import plain

    for key, value in window.items():
        if key in {"budget", "reasons", "ranges", "marks"} and isinstance(value, list):
            print(f"{key}:" if value else f"{key}: none")
            for row in value:
                print(f"  {plain(_row(row))}")
        else:
            print(plain(f"{key}: {_said(value)}"))


def _said(value: object) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _row(row: object) -> str:
    if not isinstance(row, dict):
        return str(row)
    return ", ".join(f"{k} {v:.6g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
