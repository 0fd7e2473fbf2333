"""The lines at the top: the daemon, its clock, and what is wrong."""

from __future__ import annotations

from rich.text import Text

from powerd.dashboard.snapshot import Snapshot
from powerd.dashboard.text import plain
from powerd.dashboard.view import View


def head(snapshot: Snapshot, view: View, most: int) -> list[Text]:
    """The line of the daemon, and at most ``most`` lines of what is wrong, alarms first."""
    good = snapshot.status == "ok"
    line = Text.assemble(
        ("powerd ", "bold"),
        (plain(snapshot.version), "dim"),
        f"  {plain(snapshot.url)}  ",
        (plain(snapshot.status), "green" if good else "bold red"),
    )
    if view.paused:
        line.append("  PAUSED", "bold reverse")
    if snapshot.note:
        line.append(f"  {plain(snapshot.note)}", "magenta")
    if snapshot.clock:
        line.append(f"  clock {plain(snapshot.clock)}", "dim")
    wrong = [] if snapshot.problem is None else [Text(plain(snapshot.problem), "bold red")]
    wrong += [Text(f"‼ {plain(alarm)}", "bold red") for alarm in snapshot.alarms]
    wrong += [Text(f"! {plain(problem)}", "yellow") for problem in snapshot.problems]
    if len(wrong) > most:
        left = len(wrong) - most + 1
        wrong = [*wrong[: most - 1], Text(f"! and {left} more", "yellow")]
    return [line, *wrong]
