"""An emulated meter that writes down when it heard and when it spoke, beside when it should have.

    python -m tools.bench.stamped_meter STAMPS DRIVER [options of powerd emulate]

STAMPS gets one line for each piece of a question, ``heard BOOTTIME_NS`` (when its last byte had passed the emulated
wire), and one for each answer, ``said BOOTTIME_NS LATE_NS``: when its first byte was written, and how late that was.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, TextIO

from powerd.boottime import boottime_ns
from powerd.emulators import pty


def stamped(stamps: TextIO) -> type[pty.Endpoint]:
    """An endpoint that writes its stamps."""

    class Stamped(pty.Endpoint):
        def _receive(self, now: int) -> None:
            super()._receive(now)
            stamps.write(f"heard {self._line_free_ns}\n")

        def _send(self, now: int) -> None:
            begins = bool(self._output) and self._sent == 0
            due = self._due(0) if begins else 0
            super()._send(now)
            if begins and (self._sent or not self._output):
                at = boottime_ns()
                stamps.write(f"said {at} {max(0, at - due)}\n")

    return Stamped


def main(arguments: list[str]) -> int:
    """``powerd emulate`` with stamps."""
    from powerd.cli import main as powerd

    path, *rest = arguments
    with Path(path).open("w", encoding="utf-8", buffering=1) as stamps:
        module: Any = pty
        module.Endpoint = stamped(stamps)
        return powerd(["emulate", *rest])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
