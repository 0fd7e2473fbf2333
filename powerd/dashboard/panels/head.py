"""The line at the top: the daemon, its clock, and what is wrong."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from powerd.dashboard.snapshot import Snapshot
from powerd.dashboard.text import plain


def head(snapshot: Snapshot) -> RenderableType:
    """Daemon, clock and problems."""
    good = snapshot.status == "ok"
    line = Text.assemble(
        ("powerd ", "bold"),
        (plain(snapshot.version), "dim"),
        f"  {plain(snapshot.url)}  ",
        (plain(snapshot.status), "green" if good else "bold red"),
        f"  clock {plain(snapshot.clock)}" if snapshot.clock else "",
    )
    lines = [line]
    if snapshot.problem is not None:
        lines.append(Text(plain(snapshot.problem), "bold red"))
    lines += [Text(f"! {plain(problem)}", "yellow") for problem in snapshot.problems]
    return Group(*lines)
