"""What a running daemon knows of its clock: bound, drift, steps, and whether the kernel keeps it right."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from powerd.client import ClientError, PowerdClient
from powerd.dashboard.text import plain
from schemas.errors import UserError
from schemas.units import UnixNs, format_rfc3339

NAME = "clock"
HELP = "show the clock of a running daemon"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--url", default="http://127.0.0.1:8675", help="where the daemon listens (default %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the state; ``UserError`` when the daemon is not there."""
    try:
        state = PowerdClient(args.url).clock()
    except ClientError as error:
        raise UserError(str(error)) from error
    print(json.dumps(state, indent=2) if args.json else "\n".join(lines(state)))
    return 0


def lines(state: Mapping[str, Any]) -> Iterator[str]:
    """The state for people."""
    drift = state["drift_ppm"]
    yield f"UTC: {format_rfc3339(UnixNs(state['unix_ns']), 6)}, known to ± {1e6 * state['u95_s']:.1f} µs"
    yield f"fixes in the last hour: {state['fixes']}"
    yield f"drift against BOOTTIME: {'not known yet' if drift is None else f'{drift:+.3f} ppm'}"
    for step in state["steps"]:
        yield f"step: set by {step['by_s']:+.6f} s, {step['seconds_ago']:.0f} s ago"
    keeper = state.get("keeper")
    if keeper is not None and keeper["synchronised"]:
        bound = "no bound" if keeper["bound_s"] is None else f"within {1e3 * keeper['bound_s']:.3f} ms of UTC"
        yield plain(f"kept by {keeper['name']} ({keeper['detail']}), {bound}")
    else:
        yield plain(
            "kept by nobody" if keeper is None else f"kept by nobody ({keeper['name']}: {keeper['detail']})"
        )
    for event in state.get("events", ()):
        yield plain(f"in the last hour: {event}")
    kernel = state["kernel"]
    if kernel is None:
        yield "kernel: does not tell whether the clock is synchronised"
        return
    word = "synchronised" if kernel["synchronised"] else "NOT synchronised (run chrony or ntpd)"
    yield (
        f"kernel: {word}, {1e3 * kernel['offset_s']:+.3f} ms still to correct, "
        f"error {1e3 * kernel['estimated_error_s']:.3f} ms, at most {1e3 * kernel['maximum_error_s']:.3f} ms"
    )
