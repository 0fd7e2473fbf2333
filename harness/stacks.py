"""Where a child hangs, read from the stacks that ``faulthandler`` wrote into its log (most recent call first)."""

from __future__ import annotations

import re
from pathlib import PurePath

_HEAD = re.compile(r"^(?:Current thread|Thread) 0x[0-9a-f]+.*\(most recent call first\):$")
_FRAME = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+) in (?P<name>.+)$')
WAITING = ("threading.py", "queue.py", "selectors.py")
"""Files of Python whose frames only say that a thread waits."""
IDLE = ("_listen", "_beat")
"""Functions of the child whose waiting is their work."""
SHOWN = 3


def where(log: str) -> str | None:
    """The innermost calls of the thread that does the work, as one phrase; None when no stack is there.

    It is the one with the deepest stack that is not merely listening: LoadGen calls back into it.
    """
    threads = [t for t in _threads(log) if t and not any(name in IDLE for _, _, name in t)]
    working = [t for t in threads if PurePath(t[0][0]).name not in WAITING] or threads
    if not working:
        return None
    frames = max(working, key=len)
    own = [f for f in frames if PurePath(f[0]).name not in WAITING] or frames
    return ", called by ".join(f"{name} ({_short(file)}:{line})" for file, line, name in own[:SHOWN])


def _threads(log: str) -> list[list[tuple[str, str, str]]]:
    """The frames of each thread of the last dump, innermost first."""
    found: list[list[tuple[str, str, str]]] = []
    for text in log.splitlines():
        if _HEAD.match(text):
            found.append([])
        elif found and (frame := _FRAME.match(text)):
            found[-1].append((frame["file"], frame["line"], frame["name"]))
    return found


def _short(file: str) -> str:
    """The last two parts of a path."""
    return "/".join(PurePath(file).parts[-2:])
