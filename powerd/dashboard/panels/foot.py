"""The line at the bottom: which keys there are, and what they are set to."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from powerd.dashboard.view import HELP, View


def foot(view: View, meters: int, replayed: bool) -> Text:
    """One line."""
    keys = [("q", "quit"), ("space", "go on" if view.paused else "pause")]
    if meters > 1:
        keys.append(("n", "next meter"))
    keys += [("g", f"graph {view.span_s // 60} min"), ("u", "Wh" if view.watt_hours else "J")]
    if replayed:
        keys.append(("+-", f"speed ×{view.times}"))
    keys.append(("?", "help"))
    line = Text()
    for key, word in keys:
        line.append(f" {key} ", "reverse")
        line.append(f" {word}  ")
    return line


def help_panel() -> RenderableType:
    """All keys."""
    lines = [Text.assemble((f"{key:>10}", "bold"), f"  {words}") for key, words in HELP]
    lines += [
        Text(""),
        Text("± of an open window is what the meter's specification leaves open so far.", "dim"),
    ]
    return Panel(Group(*lines), title="keys", title_align="left", border_style="cyan")
