"""The panel on a terminal: drawn once a second below what was said, and gone at the end."""

from __future__ import annotations

import contextlib
import threading
from typing import TextIO

from rich.console import Console, RenderableType
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from harness.live.panel import panel
from harness.live.story import Story
from harness.live.text import printable

PERIOD_S = 1.0


class Screen:
    """Use as a context. What is said stays in the terminal's own history; the panel is wiped at the end."""

    def __init__(self, story: Story, stream: TextIO) -> None:
        self._story = story
        self._console = Console(file=stream, highlight=False)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            vertical_overflow="crop",
        )
        self._lock = threading.Lock()
        self._drawn: RenderableType | None = None
        self._width = self._console.width
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._draw_on, name="screen", daemon=True)

    def __enter__(self) -> Screen:
        self._live.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(OSError):  # the terminal itself may be what is gone
            self._live.stop()

    def say(self, text: str) -> None:
        """A line above the panel."""
        with self._lock, contextlib.suppress(OSError):
            self._mend()
            self._console.print(Text(printable(text)), soft_wrap=True)

    def _draw_on(self) -> None:
        while not self._ended.wait(PERIOD_S):
            try:
                self._draw()
            except Exception as error:  # noqa: BLE001 - whatever is wrong with the view, the run goes on
                with contextlib.suppress(OSError):
                    self._live.stop()
                self.say(f"the live view ends here ({type(error).__name__}: {error}); the run goes on")
                return

    def _draw(self) -> None:
        self._story.look_around()
        snapshot = self._story.snapshot()
        if snapshot is None:
            return
        with self._lock:
            self._mend()
            width, height = self._console.size
            self._drawn, self._width = panel(snapshot, width, height), width
            self._live.update(self._drawn, refresh=True)

    def _mend(self) -> None:
        """A terminal that became narrower has folded the lines of the panel: wipe the lines that came of it."""
        width = self._console.width
        if self._drawn is None or width >= self._width:
            return
        lines = self._console.render_lines(
            self._drawn, self._console.options.update(width=self._width), pad=False
        )
        folded = sum((max(1, sum(segment.cell_length for segment in line)) - 1) // width for line in lines)
        up = [(ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)] * folded
        self._console.control(Control(ControlType.CARRIAGE_RETURN, *up))
        self._width = width
