"""Swap: memory that is fetched from a disk makes latencies of another kind."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.base import Line, Situation, ok, warn

SUBJECT = "swap"
LITTLE = 16 << 20


def check(situation: Situation) -> Iterator[Line]:
    """How much is in use."""
    info = situation.machine.meminfo()
    total = info.get("SwapTotal", 0)
    used = total - info.get("SwapFree", 0)
    if not total:
        yield ok(SUBJECT, "none")
    elif used <= LITTLE:
        yield ok(SUBJECT, "not in use")
    else:
        cure = "end other programs, then run `sudo swapoff -a && sudo swapon -a`"
        yield warn(SUBJECT, f"{used / 2**20:.0f} MiB in use", "none in use", cure)
