"""Text for people: paragraphs on a terminal or plain lines elsewhere, with text from outside made harmless."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 400
"""Width where there is no terminal: lines are not broken, so that they can be searched."""
LABEL = 10
LEAST = 20
"""Columns that a paragraph has at least, however far it is indented."""


def console_for(stream: TextIO) -> Console:
    """A console on a stream: as wide as the terminal and coloured unless ``NO_COLOR`` is set, else plain."""
    from rich.console import Console

    terminal = stream.isatty()
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    return Console(
        file=stream,
        width=None if terminal else PLAIN_WIDTH,
        color_system=None if plain else "auto",
        force_terminal=terminal,
        highlight=False,
    )


def safe(text: str) -> str:
    """Text from outside for a terminal: control characters spelled out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def say(
    console: Console,
    text: str,
    style: str = "",
    label: str = "",
    indent: int = 0,
    pad: int = LABEL,
    hang: int = 0,
) -> None:
    """One paragraph, with a label before it, broken to the width of a terminal; ``hang`` indents what follows
    its first line. Line ends before it are empty lines; one inside, as a name from outside may hold to look like a
    line of ours, is spelled out."""
    from rich.text import Text

    inside = text.lstrip("\n")
    console.print("\n" * (len(text) - len(inside)), end="")
    head = " " * indent + (label.ljust(pad - 1) + " " if label else "")
    rest = " " * (len(head) + hang)
    width = max(LEAST, console.width - len(rest))
    for line in textwrap.wrap(safe(inside), width, break_on_hyphens=False) or [""]:
        console.print(Text(head) + Text(line, style), soft_wrap=True)
        head = rest
