"""Everything that would spoil a run: ports, rights, latency, rates, meter, range, uncertainty, clock, disk.

A meter named with --meter is asked and set as `powerd run` would set it; the meters of a running daemon are
looked at through its API.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from powerd import config
from powerd.checks.base import Finding, Level, Subject
from powerd.client import ClientError, PowerdClient
from schemas.cliapp import FINE, NOT_FINE
from schemas.discovery import modules
from schemas.errors import UserError

NAME = "doctor"
HELP = "find everything that would spoil a run"
DEFAULT_URL = f"http://{config.DEFAULT_LISTEN}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--meter",
        action="append",
        default=[],
        metavar="NAME=DRIVER:PORT[,key=value…]",
        help="a meter to ask; keys as for `powerd run`",
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where samples will be kept")
    parser.add_argument("--url", help=f"a running daemon to look at (default {DEFAULT_URL}, if one is there)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """A line per finding; 1 when something fails, ``UserError`` for wrong options."""
    meters = tuple(config.parse_meter(text) for text in args.meter)
    subject = Subject(meters, _served(args.url), args.data_dir or config.default_data_dir())
    found = examine(subject)
    if args.json:
        print(json.dumps({"schema": "edgewatt/doctor/1", "findings": [asdict(f) for f in found]}, indent=2))
    else:
        from powerd.dashboard.text import plain

        for finding in found:
            print(plain(str(finding)))
    return NOT_FINE if any(f.level is Level.FAIL for f in found) else FINE


def examine(subject: Subject) -> list[Finding]:
    """Everything that all checks found."""
    checks = modules("powerd.checks")
    found = [finding for check in checks for finding in check.check(subject)]
    if not subject.meters and not subject.served:
        advice = "name one with --meter, or start `powerd run`"
        found.append(Finding(Level.WARN, "meter", "none was looked at", "a meter", advice))
    return found


def _served(url: str | None) -> list[dict[str, Any]]:
    """Meters of the daemon; without ``--url`` none need be there."""
    try:
        return PowerdClient(url or DEFAULT_URL).meters()
    except ClientError as error:
        if url is not None:
            raise UserError(str(error)) from error
        return []
