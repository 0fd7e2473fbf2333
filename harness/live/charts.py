"""Little graphs of block characters."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"
LEAST_SPAN = 0.05
"""Of the largest value: less change than this is not drawn as if it were much."""


def limits(values: Sequence[float]) -> tuple[float, float]:
    """What the bottom and the top of a graph of these values stand for."""
    low, high = min(values), max(values)
    least = LEAST_SPAN * max(abs(high), abs(low), 1e-9)
    if high - low >= least:
        return low, high
    middle = (low + high) / 2
    return middle - least / 2, middle + least / 2


def chart(values: Sequence[float], width: int, height: int = 1) -> list[str]:
    """The latest ``width`` values as columns of ``height`` lines, the top line first; the lowest has a mark too."""
    shown = list(values)[-width:] if width > 0 else []
    if not shown:
        return [""] * height
    low, high = limits(shown)
    steps = 8 * height - 1
    eighths = [1 + round((value - low) / (high - low) * steps) for value in shown]
    return [
        "".join(_BLOCKS[min(8, max(0, each - 8 * line))] for each in eighths)
        for line in reversed(range(height))
    ]


def bar(share: float, width: int) -> tuple[str, str]:
    """A bar of progress: what is done and what is not, together ``width`` characters."""
    done = min(width, max(0, round(share * width)))
    return "━" * done, "─" * (width - done)
