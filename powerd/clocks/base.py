"""What a time service says of the system clock, and the one question that each file of this folder answers.

A file has ``RANK`` (who is believed first; the kernel last) and ``ask() -> SourceState | None``: None where it
does not run here. Asking needs no root, sets nothing, and ends within ``LIMIT_S``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.units import NS_PER_S

LIMIT_S = 2.0
PHI = 15e-6
"""Share by which a clock that somebody keeps right may run off until it is looked at again (RFC 5905, section 4)."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """At the instant ``at_ns`` of BOOTTIME the system clock was within ``bound_s`` of UTC, as far as ``name`` can know.

    ``bound_s`` is the hard bound by the service's own figures, None where it gives none or is not synchronised;
    ``offset_s`` its best estimate of UTC minus the system clock; ``leap`` +1 or -1 where a leap second is to come.
    """

    name: str
    detail: str
    synchronised: bool
    at_ns: int
    bound_s: float | None = None
    offset_s: float | None = None
    leap: int = 0

    def bound_at(self, at_ns: int) -> float | None:
        """The bound at a later instant."""
        if self.bound_s is None or not self.synchronised:
            return None
        return self.bound_s + PHI * max(0, at_ns - self.at_ns) / NS_PER_S


def answer_of(command: Sequence[str]) -> str | None:
    """What a program prints; None where it is not installed, fails or hangs."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_S, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
