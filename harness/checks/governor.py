"""The frequency governor: a score and a power figure belong to one setting of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.checks.base import Line, Situation, ok, warn
from harness.machine import text

SUBJECT = "governor"
STEADY = "performance"


def check(situation: Situation) -> Iterator[Line]:
    """The governor of every processor."""
    folders = [p / "cpufreq" for p in situation.machine.processors()]
    found = Counter(g for f in folders if (g := text(f / "scaling_governor")))
    if not found:
        yield ok(SUBJECT, "not told by this machine: its frequency is fixed, or set outside of it")
        return
    said = ", ".join(f"{name} ({count})" if len(found) > 1 else name for name, count in found.items())
    if set(found) == {STEADY}:
        yield ok(SUBJECT, said)
        return
    files = situation.machine.sys / "devices/system/cpu/cpu*/cpufreq/scaling_governor"
    cure = f"run `echo {STEADY} | sudo tee {files}`, or keep it: the submission tells the setting"
    yield warn(SUBJECT, said, f"{STEADY} on all processors", cure)
