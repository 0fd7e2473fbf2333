"""List the meters of a running daemon with their latest readings."""

from __future__ import annotations

import argparse
import json

from powerd.client import ClientError, PowerdClient
from schemas.errors import UserError

NAME = "meters"
HELP = "list the meters of a running daemon"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--url", default="http://127.0.0.1:8675", help="where the daemon listens (default %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Print meters; ``UserError`` when the daemon is not there."""
    try:
        found = PowerdClient(args.url).meters()
    except ClientError as error:
        raise UserError(str(error)) from error
    if args.json:
        print(json.dumps({"schema": "edgewatt/meters/1", "meters": found}, indent=2))
        return 0
    from powerd.dashboard.text import plain, watts

    for meter in found:
        info, latest = meter["info"] or {}, meter["latest"] or {}
        state = "connected" if meter["connected"] else f"not connected ({meter['last_error']})"
        who = " ".join(str(info.get(k, "")) for k in ("maker", "model", "serial")).strip() or meter["driver"]
        print(plain(f"{meter['name']}: {who} on {meter['port']}, {state}, {watts(latest.get('power_w'))} W"))
    return 0
