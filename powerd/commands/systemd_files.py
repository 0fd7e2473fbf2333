"""Write the files that make powerd a service: a systemd unit, its user, and udev rules for stable names of ports."""

from __future__ import annotations

import argparse
import shutil
import sys
from importlib import resources
from pathlib import Path

from schemas.cliapp import FINE
from schemas.errors import UserError

NAME = "systemd-files"
HELP = "write systemd unit and udev rules"
PLACES = {
    "powerd.service": "/etc/systemd/system/powerd.service",
    "powerd-sysusers.conf": "/etc/sysusers.d/powerd.conf",
    "70-powerd.rules": "/etc/udev/rules.d/70-powerd.rules",
}
_PROGRAM = "@POWERD@"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="where they are written")


def run(args: argparse.Namespace) -> int:
    """Write them and say what to do with them."""
    program = _program()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in PLACES:
        (args.folder / name).write_text(text(name, program), encoding="utf-8")
        print(args.folder / name)
    print("\n".join(advice(args.folder, program)), file=sys.stderr)
    return FINE


def text(name: str, program: str) -> str:
    """One of the files, for the powerd that lies at ``program``."""
    raw = (resources.files("powerd") / "systemd" / name).read_text(encoding="utf-8")
    return raw.replace(_PROGRAM, program)


def advice(folder: Path, program: str) -> list[str]:
    """What to type next, as root."""
    steps = [f"install -m 644 {folder / name} {place}" for name, place in PLACES.items()]
    steps += [
        "systemd-sysusers && udevadm control --reload && udevadm trigger",
        "mkdir -p /etc/powerd   # and write /etc/powerd/powerd.toml; `powerd config check` looks through it",
        "systemctl daemon-reload && systemctl enable --now powerd",
    ]
    home = program.startswith(("/home/", "/root/"))
    warning = (
        f"\n{program} lies in a home, which the service may not see: install powerd in /opt or /usr/local"
    )
    return ["As root:", *(f"  {step}" for step in steps), *([warning] if home else [])]


def _program() -> str:
    """Where this powerd lies; ``UserError`` where only ``python -m powerd`` runs it."""
    beside = Path(sys.executable).with_name("powerd")
    found = str(beside) if beside.is_file() else shutil.which("powerd")
    if found is None:
        raise UserError(
            "found no program powerd beside this Python, wanted an installed one: pip install 'edgewatt[daemon]'"
        )
    if any(sign in found for sign in ' "%\\'):
        raise UserError(
            f"found powerd at {found!r}, wanted a path without blanks, quotes or %: install it elsewhere"
        )
    return found
