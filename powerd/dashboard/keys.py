"""Single keys from a terminal, without waiting for Enter; the terminal is put back as it was."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import termios
import time
import tty
from types import TracebackType
from typing import Any

_KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|.", re.DOTALL)


class Keys:
    """Use as a context. Where standard input is no terminal there are no keys, and waiting is only waiting."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = _standard_input() if descriptor is None else descriptor
        self._before: list[Any] | None = None

    def __enter__(self) -> Keys:
        if self._descriptor is not None and os.isatty(self._descriptor):
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._before is not None and self._descriptor is not None:
            with contextlib.suppress(termios.error):  # the terminal itself may be what is gone
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float) -> list[str]:
        """The keys that are pressed within this time; returns at the first ones."""
        if self._before is None or self._descriptor is None:
            time.sleep(seconds)
            return []
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return []
        data = os.read(self._descriptor, 256)
        return ["q"] if not data else _KEY.findall(data.decode("utf-8", "replace"))


def _standard_input() -> int | None:
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # closed by the caller, or none at all
        return None
