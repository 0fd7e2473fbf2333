"""What the one who watches has chosen, and what each key changes. No drawing, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

SPANS_S = (60, 600, 3600)
"""Lengths of the graph."""
SPEEDS = (1, 2, 5, 10, 30, 60, 300)
"""Of a replay, in seconds of then a second."""
SAME = {
    "\t": "n", "j": "n", "\x1b[B": "n", "\x1b[C": "n", "k": "p", "\x1b[Z": "p", "\x1b[A": "p", "\x1b[D": "p",
    "=": "+", "h": "?", "\x1b": "q", "\x04": "q",
}  # fmt: skip
"""Keys that mean what another one does: arrows, Tab, Escape, Ctrl-D."""
HELP = (
    ("space", "pause, and go on"),
    ("n, Tab, ↓", "next meter"),
    ("p, ↑", "the one before"),
    ("g", "graph over 1, 10 or 60 minutes"),
    ("u", "energy in joules or watt-hours"),
    ("+ -", "a replay faster, slower"),
    ("?", "this help"),
    ("q", "quit"),
)


@dataclass(frozen=True, slots=True)
class View:
    """``selected`` is the number of the meter that is shown large; it goes round."""

    selected: int = 0
    span: int = 0
    watt_hours: bool = False
    paused: bool = False
    helped: bool = False
    speed: int = 0
    ended: bool = False

    @property
    def span_s(self) -> int:
        """Length of the graph in seconds."""
        return SPANS_S[self.span]

    @property
    def times(self) -> int:
        """Speed of a replay."""
        return SPEEDS[self.speed]

    def press(self, key: str) -> View:
        """What it is after a key; the same for one that means nothing."""
        meant = SAME.get(key, key)
        if self.helped and meant != "q":
            return replace(self, helped=False)
        changes: dict[str, Any] = {
            " ": {"paused": not self.paused},
            "g": {"span": (self.span + 1) % len(SPANS_S)},
            "u": {"watt_hours": not self.watt_hours},
            "+": {"speed": min(self.speed + 1, len(SPEEDS) - 1)},
            "-": {"speed": max(self.speed - 1, 0)},
            "?": {"helped": True},
            "n": {"selected": self.selected + 1},
            "p": {"selected": self.selected - 1},
            "q": {"ended": True},
        }
        return replace(self, **changes.get(meant, {}))
