"""The parent's side of a child process: start it, follow it, bring it to its end whatever happens.

A child that says nothing new for too long is asked for its stacks, then to drain (SIGTERM), then killed.
"""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harness import stacks
from schemas.errors import Failed, UserError

LOG_NAME = "child.log"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a child is waited for: without progress, for draining after ``stop``, after each signal.

    ``answer_s`` is for draining when somebody pressed Ctrl-C and waits for an answer; then the child goes on alone.
    """

    stall_s: float = 120.0
    drain_s: float = 30.0
    signal_s: float = 5.0
    answer_s: float = 1.2


PATIENCE = Patience()


@dataclass(slots=True)
class Progress:
    """What is known of a running child."""

    loaded: int = 0
    completed: int = 0
    changed_at: float = field(default_factory=time.monotonic)

    def see(self, message: Mapping[str, Any]) -> None:
        """Take a ``beat``; the time of the last change is what the watchdog looks at."""
        counts = int(message["loaded"]), int(message["completed"])
        if counts != (self.loaded, self.completed):
            self.loaded, self.completed = counts
            self.changed_at = time.monotonic()


class Orders(Protocol):
    """What a child is told first."""

    def to_json(self) -> dict[str, Any]:
        """As one JSON object."""
        ...


class ChildProcess:
    """One child, from its job to its last word. Use as a context: leaving it ends the child."""

    def __init__(
        self,
        job: Orders,
        log_dir: Path,
        *,
        patience: Patience = PATIENCE,
        entry: str = "harness.child",
        what: str = "the run",
    ) -> None:
        """Start it; it works up to ``ready`` at once. ``what`` it does, for sentences."""
        self._patience = patience
        self._what = what
        self.progress = Progress()
        self._going = False
        self._left = False
        self._log_path = log_dir / LOG_NAME
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        with self._log_path.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches the parent only, which then drains the child.
            self._process = subprocess.Popen(
                [sys.executable, "-m", entry],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        threading.Thread(target=self._read, daemon=True).start()
        self._tell(json.dumps(job.to_json()))

    def __enter__(self) -> ChildProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is KeyboardInterrupt and self._going:
            self.leave()
        else:
            self.end()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it is no more."""
        return self._process.poll() is not None

    def go(self) -> None:
        """Let it start its run."""
        self.progress.changed_at = time.monotonic()
        self._going = True
        self._tell("go")

    def wait_for(self, event: str, on_beat: Callable[[Progress], None] | None = None) -> dict[str, Any]:
        """Follow it up to an event and give back that message.

        Raises ``UserError`` or ``Failed`` with the child's own sentence when it says one, ``Failed`` when
        it hangs or dies.
        """
        while True:
            message = self._next()
            if message["event"] == "error":
                raise self._error(message)
            if message["event"] == "beat":
                self.progress.see(message)
                if on_beat is not None:
                    on_beat(self.progress)
            if message["event"] == event:
                return message
            self._watch()

    def _next(self) -> dict[str, Any]:
        while True:
            try:
                message = self._messages.get(timeout=min(1.0, self._patience.stall_s))
            except queue.Empty:
                self._watch()
                continue
            if message is None:
                code = self._process.wait()
                raise Failed(
                    f"the process of {self._what} ended {_ending(code)}; its last words are in {self._log_path}"
                )
            return message

    def _watch(self) -> None:
        silent = time.monotonic() - self.progress.changed_at
        if silent > self._patience.stall_s:
            self.dump_stacks()
            where = stacks.where(self._log_path.read_text(encoding="utf-8", errors="replace"))
            self.end()
            named = "where it hung stands in" if where is None else f"it hung in {where}; all stacks are in"
            raise Failed(
                f"nothing was completed for {silent:.0f} s, so {self._what} was ended; {named} {self._log_path}"
            )

    def dump_stacks(self) -> None:
        """Have it write the stacks of all its threads into its log."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGUSR1)
            time.sleep(0.3)

    @property
    def left(self) -> bool:
        """Whether it was left alone while it completes its logs."""
        return self._left

    def leave(self) -> None:
        """Drain it, and leave it alone if that takes longer than one waits who pressed Ctrl-C.

        LoadGen goes through every query that it has prepared, hundreds of thousands in a run of ten minutes. The child
        completes its logs then and ends by itself: it has a session of its own, and a limit of its own.
        """
        self._tell("stop")
        try:
            self._process.wait(self._patience.answer_s)
        except subprocess.TimeoutExpired:
            self._left = True
        else:
            self.end()

    def end(self) -> None:
        """Drain it, then terminate it, then kill it; each with its time. Before its run it has nothing to drain."""
        if not self._going and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.poll() is None:
            patience = self._patience
            steps = (
                (None, patience.drain_s),
                (signal.SIGTERM, patience.signal_s),
                (signal.SIGKILL, patience.signal_s),
            )
            self._tell("stop")
            for step, wait_s in steps:
                if step is not None:
                    self._process.send_signal(step)
                try:
                    self._process.wait(wait_s)
                    break
                except subprocess.TimeoutExpired:
                    continue
        if self._process.stdin is not None:
            # What was still on its way to a child that has ended goes nowhere.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def _error(self, message: Mapping[str, Any]) -> Exception:
        text = str(message["message"])
        if message["kind"] == "user":
            return UserError(text)
        if message["kind"] == "failed":
            return Failed(text)
        return Failed(f"{self._what} failed inside its process ({text}); the details are in {self._log_path}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._messages.put(json.loads(line))
        self._messages.put(None)

    def _tell(self, word: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(word + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; reading its messages says why


def _ending(code: int) -> str:
    """How a process ended: its code, or the signal that ended it."""
    if code >= 0:
        return f"with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"by {name}" + (", maybe for want of memory" if -code == signal.SIGKILL else "")
