"""The port of ``--power spawn:DRIVER:PORT``: it exists, it may be opened, nobody else holds it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from harness.checks.base import Line, Situation, fail, ok, warn
from harness.machine import Machine, text

SUBJECT = "port"
_SCHEME = re.compile(r"(usbtmc|replay|gpib):(.*)\Z", re.DOTALL)
MASTER = ("/dev/ptmx", "/dev/pts/ptmx")
"""The other end of a pseudo-terminal: who holds it is the meter, no rival."""


def check(situation: Situation) -> Iterator[Line]:
    """Nothing to look at without a port on this machine."""
    port = situation.power.port if situation.power is not None else None
    path = None if port is None else device(port)
    if path is None:
        return
    if not path.exists():
        cure = "connect the meter, or run `powerd probe` to see what is there"
        yield fail(SUBJECT, f"there is no {path}", "the port of the meter", cure)
        return
    needs = os.R_OK if port is not None and port.startswith("replay:") else os.R_OK | os.W_OK
    if not os.access(path, needs):
        cure = f"run `sudo usermod -aG {_group(path)} $USER`, then log in again"
        yield fail(SUBJECT, f"{path} may not be read and written by you", "the right to open it", cure)
        return
    others = list(holders(situation.machine, path))
    if others:
        cure = "end it, or measure through the powerd that holds the port: --power http://127.0.0.1:8675"
        yield warn(SUBJECT, f"{path} is open in {', '.join(others)}", "a port that nobody else holds", cure)
    else:
        yield ok(SUBJECT, f"{path} may be opened, and nobody is seen to hold it")


def device(port: str) -> Path | None:
    """The file on this machine that a port needs; None for one in the network."""
    scheme = _SCHEME.match(port)
    if scheme is not None:
        rest = scheme.group(2)
        return Path(rest.rpartition("@")[2] if scheme.group(1) == "gpib" else rest)
    return None if port.startswith("tcp:") else Path(port)


def holders(machine: Machine, path: Path) -> Iterator[str]:
    """Processes that have the port open, as far as we may see, and the lock file of those that leave one."""
    real = os.path.realpath(path)
    for folder in sorted(machine.proc.glob("[0-9]*"), key=lambda p: int(p.name)):
        if folder.name == str(os.getpid()):
            continue
        targets = _open_files(folder)
        if real in targets and not targets.intersection(MASTER):
            yield f"{text(folder / 'comm') or 'a process'} (process {folder.name})"
    for place in (machine.run / "lock", machine.run):
        lock = place / f"LCK..{os.path.basename(real)}"
        if lock.is_file():
            yield f"the process of the lock file {lock} ({text(lock) or 'empty'})"
            return


def _open_files(folder: Path) -> set[str]:
    found: set[str] = set()
    with contextlib.suppress(OSError):  # a process of somebody else, or one that has just ended
        for link in (folder / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(link.readlink()))
    return found


def _group(path: Path) -> str:
    with contextlib.suppress(KeyError, OSError):
        return path.group()
    return "dialout"
