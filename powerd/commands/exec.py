"""Run a command inside a window and say what it drew; the exit code is the command's."""

from __future__ import annotations

import argparse
import math
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from powerd.client import ClientError, PowerdClient
from schemas.cliapp import INTERRUPTED
from schemas.cliparse import nearest
from schemas.errors import UserError

NAME = "exec"
HELP = "run a command inside a window and print its energy"
LONGEST_NAME = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--meter", metavar="M", help="the meter (default: the only one of the daemon)")
    parser.add_argument(
        "--url", default="http://127.0.0.1:8675", help="where the daemon listens (default %(default)s)"
    )
    parser.add_argument(
        "--idle",
        type=duration,
        metavar="SECONDS",
        help="measure the idle system first, and say the energy above it",
    )
    parser.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="-- CMD…", help="the command with its arguments"
    )


def run(args: argparse.Namespace) -> int:
    """Measure the command; ``UserError`` when it or the daemon is not there, before anything is run."""
    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    if not words:
        raise UserError("found no command, wanted one after --, for example: powerd exec -- sleep 5")
    if shutil.which(words[0]) is None:
        raise UserError(f"found no command {words[0]!r}: check its name or write its path")
    client = PowerdClient(args.url)
    try:
        meter = choose(args.meter, [str(m["name"]) for m in client.meters()])
        clock = client.sync_clock().clock
        idle = None if args.idle is None else _idle(client, meter, clock, args.idle)
        ident = str(client.open_window(" ".join(words)[:LONGEST_NAME], meter, {"command": words[0]})["id"])
    except ClientError as error:
        raise UserError(str(error)) from error
    begin = time.time_ns()
    try:
        code = _command(words)
    except OSError as error:
        with suppress(ClientError):
            client.close_window(ident, begin, max(time.time_ns(), begin + 1), clock)
        raise UserError(
            f"found {words[0]!r}, which cannot be run ({error.strerror}): wanted a program"
        ) from error
    end = max(time.time_ns(), begin + 1)
    try:
        client.sync_clock(clock)
        print(report(client.close_window(ident, begin, end, clock, idle)), file=sys.stderr)
    except ClientError as error:
        # The command has done its work: its exit code stays what it is.
        print(f"powerd: the energy of the command is not known: {error}", file=sys.stderr)
    return code


def duration(text: str) -> float:
    """Seconds of idling, a second to a day; ``argparse.ArgumentTypeError`` with the sentence."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"found {text[:40]!r}, wanted seconds from 1 to 86400, such as 30")
    return seconds


def _idle(client: PowerdClient, meter: str, clock: str, seconds: float) -> str:
    """The id of a window over so many seconds in which nothing is run."""
    ident = str(client.open_window("idle", meter, {"command": "idle"})["id"])
    begin = time.time_ns()
    try:
        time.sleep(seconds)
    finally:
        found = client.close_window(ident, begin, max(time.time_ns(), begin + 1), clock)
    print(f"powerd: idle {_watts(found)} over {found['duration_s']:.3f} s", file=sys.stderr)
    return ident


def _watts(window: Mapping[str, Any]) -> str:
    if window["average_w"] is None:
        return "power not known"
    return f"{window['average_w']:.6g} ± {window['average_u95_w']:.2g} W"


def choose(wanted: str | None, names: Sequence[str]) -> str:
    """The meter to use, or channels of it (``powerd.sources``); ``UserError`` when that cannot be told."""
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is not None and {part.partition("/")[0] for part in wanted.split(",")} <= set(names):
        return wanted
    found = "no --meter" if wanted is None else f"--meter {wanted}"
    hint = "name one" if wanted is None else nearest(wanted, names)
    raise UserError(f"found {found}, wanted one of the daemon's meters ({', '.join(names)}): {hint}")


def _command(words: Sequence[str]) -> int:
    """Run it to its end. Ctrl-C and SIGTERM are the command's; its end is ours."""
    interrupted = False

    def note(number: int, _frame: object) -> None:
        nonlocal interrupted
        interrupted = interrupted or number == signal.SIGINT
        if number == signal.SIGTERM:
            process.terminate()

    process = subprocess.Popen(words)
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupted:
        return INTERRUPTED
    return code if code >= 0 else 128 - code


def report(window: Mapping[str, Any]) -> str:
    """The window in one line, and a line for each reason why it is not good."""
    mark = " SIMULATED" if window["simulated"] else ""
    if window["energy_j"] is None:
        head = f"energy not known over {window['duration_s']:.3f} s"
    else:
        head = (
            f"energy {window['energy_j']:.6g} ± {window['energy_u95_j']:.2g} J, average "
            f"{window['average_w']:.6g} ± {window['average_u95_w']:.2g} W over {window['duration_s']:.3f} s"
        )
    lines = [
        f"powerd: {head}, coverage {window['coverage']:.4f}, quality {window['quality']}{mark} (window {window['id']})"
    ]
    if window.get("idle") is not None:
        idle = window["idle"]
        lines.append(f"powerd: net of idle {idle['net_j']:.6g} ± {idle['net_u95_j']:.2g} J")
    return "\n".join([*lines, *(f"powerd: {reason}" for reason in window["reasons"])])
