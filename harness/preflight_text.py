"""What preflight found, for people: a paragraph per line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from harness.checks.base import Line, Verdict
from harness.estimate import Run, span
from harness.preflight import Outlook

if TYPE_CHECKING:
    from rich.console import Console

HEAD = 6
"""Width of the verdict and the blanks behind it."""
STYLE = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}
PLAIN_WIDTH = 10_000
"""Where there is no terminal lines are not broken, so that they can be searched."""
COMMAND = re.compile("`[^`]*`")
HELD = "\0"
"""A blank at which no line ends."""
COUNTED = ("fail", "warn", "ok")


def write(outlook: Outlook, stream: TextIO) -> None:
    """Write it all: the lines, the lengths of the runs, the answer."""
    from rich.console import Console

    terminal = stream.isatty()
    colours = terminal and not os.environ.get("NO_COLOR")
    console = Console(
        file=stream,
        width=None if terminal else PLAIN_WIDTH,
        color_system="auto" if colours else None,
        force_terminal=terminal,
        highlight=False,
    )
    for line in outlook.lines:
        _paragraphs(console, line)
    for said in lengths(outlook):
        _say(console, "", said)
    _say(console, "", answer(outlook), STYLE[outlook.verdict])


def _paragraphs(console: Console, line: Line) -> None:
    _say(console, line.verdict.value, f"{line.subject}: {line.found}", STYLE[line.verdict])
    if line.verdict is not Verdict.OK:
        _say(console, "", f"wanted: {line.wanted}")
        _say(console, "", f"do: {line.cure}", "bold")


def _say(console: Console, head: str, said: str, style: str = "") -> None:
    """One paragraph, broken to the width. The verdict before it has the style, or the text where there is none.

    What stands in backticks is a command, and a long word a path: both stay in one piece, so that they can be pasted.
    """
    from rich.text import Text

    start = (head.ljust(HEAD), style)
    body = "" if head else style
    held = COMMAND.sub(lambda found: found[0].replace(" ", HELD), safe(said))
    width = max(20, console.width - HEAD - 1)
    for part in textwrap.wrap(held, width, break_on_hyphens=False, break_long_words=False):
        console.print(Text.assemble(start, (part.replace(HELD, " "), body)), soft_wrap=True)
        start = (" " * HEAD, "")


def safe(said: str) -> str:
    """Text from outside for a terminal: control characters spelled out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in said)


def lengths(outlook: Outlook) -> Iterator[str]:
    """One line per scenario with the length of each run, and the sum."""
    for scenario in outlook.situation.scenarios:
        own = [r for r in outlook.runs if r.scenario == scenario.name]
        if own:
            yield f"{scenario.name} will take {span(_sum(own))}: " + ", ".join(
                f"{r.name} {span(r.seconds)}" for r in own
            )
    if outlook.runs:
        tests = [r for r in outlook.runs if r.name.startswith("TEST")]
        part = f", {_hours(_sum(tests))} of it compliance tests (none in the open division)" if tests else ""
        yield f"all runs together: {_hours(outlook.total_s)}{part}"


def _sum(runs: list[Run]) -> float:
    return sum(r.seconds for r in runs)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours"


def answer(outlook: Outlook) -> str:
    """The last line."""
    found = [line.verdict.value for line in outlook.lines]
    counts = ", ".join(f"{found.count(kind)} {kind}" for kind in COUNTED if kind in found)
    words = {
        Verdict.OK: "nothing stands against a run",
        Verdict.WARN: "a run will do; look at the warnings first",
        Verdict.FAIL: "a run would be spoilt; put right what fails first",
    }
    return f"{words[outlook.verdict]} ({counts})"
