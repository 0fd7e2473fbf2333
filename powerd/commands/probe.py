"""Find ports and the meters on them; only asks who is there and changes no setting.

Exit code 0 when a meter was found, 1 when ports were tried and no meter answered, 2 when there is no port.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from powerd import probe
from powerd.probe import Outcome
from powerd.transports import is_paced
from schemas.cliapp import FINE, NOT_FINE
from schemas.errors import UserError

NAME = "probe"
HELP = "find and identify meters"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "ports",
        nargs="*",
        metavar="PORT",
        help="ports to try (default: all serial ports and USB-TMC devices of this machine)",
    )
    parser.add_argument("--json", action="store_true", help=f"as JSON ({probe.SCHEMA})")


def run(args: argparse.Namespace) -> int:
    """Print one entry per port; ``UserError`` when there is no port at all."""
    ports = tuple(dict.fromkeys(args.ports)) or probe.find_ports()
    found = probe.probe(ports)
    if args.json:
        print(json.dumps(probe.as_json(found), indent=2))
    else:
        for line in probe.as_lines(found):
            print(line)
    if any(item.outcome is Outcome.METER for item in found):
        return FINE
    if not ports:
        raise UserError(
            "no serial port was found, wanted one with a meter on it; plug in the adapter, or name the port: "
            "powerd probe /dev/ttyUSB0"
        )
    if all(item.outcome is Outcome.UNOPENED and not _is_there(item.port) for item in found):
        raise UserError(
            "none of the named ports exists; run `powerd probe` without names to see what is there"
        )
    return NOT_FINE


def _is_there(port: str) -> bool:
    """Whether what the port names exists; of a place in a network that is not known."""
    if is_paced(port) or port.startswith("usbtmc:"):
        return Path(port.removeprefix("usbtmc:")).exists()
    return True
