"""Chooses how a run is shown: the panel on a terminal, plain lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

from harness.live.asker import Asker
from harness.live.plain import line
from harness.live.story import Story
from harness.live.text import printable
from harness.observer import Observer, Unseen

ASK_EVERY_S = 1.0
ASK_FOR_LINES_S = 3.0
SAY_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class View:
    """What a run is given to be shown."""

    say: Callable[[str], None]
    observer: Observer


@contextlib.contextmanager
def showing(*, quiet: bool, scenarios: tuple[str, ...] = (), stream: TextIO | None = None) -> Iterator[View]:
    """A view for as long as the context lasts; ``scenarios`` are those of a trip of several."""
    out = sys.stderr if stream is None else stream
    if quiet:
        yield View(_unsaid, Unseen())
        return
    story = Story(scenarios)
    if can_draw(out):
        from harness.live.screen import Screen

        with Asker(story, ASK_EVERY_S), Screen(story, out) as screen:
            yield View(screen.say, story)
        return
    with Asker(story, ASK_FOR_LINES_S), Lines(story, out) as lines:
        yield View(lines.say, story)


def can_draw(stream: TextIO) -> bool:
    """Whether it is a terminal that can move its cursor and knows the signs of the panel."""
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
    return (
        stream.isatty() and encoding == "utf8" and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
    )


def _unsaid(text: str) -> None:
    """Quiet."""


class Lines:
    """Use as a context: what is said, and where a run stands every ten seconds."""

    def __init__(self, story: Story, stream: TextIO, every_s: float = SAY_EVERY_S) -> None:
        self._story = story
        self._stream = stream
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell_on, name="lines", daemon=True)

    def __enter__(self) -> Lines:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def say(self, text: str) -> None:
        """One line."""
        print(printable(text), file=self._stream, flush=True)

    def _tell_on(self) -> None:
        told_s, label = time.monotonic(), ""
        while not self._ended.wait(min(1.0, self._every_s)):
            snapshot = self._story.snapshot()
            if snapshot is None or snapshot.label != label:
                told_s, label = time.monotonic(), "" if snapshot is None else snapshot.label
            elif snapshot.label and time.monotonic() - told_s >= self._every_s:
                told_s = time.monotonic()
                with contextlib.suppress(OSError, ValueError):  # nobody reads any more
                    self.say(line(snapshot))
