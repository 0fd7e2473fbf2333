"""Helper processes that live as long as a run: the power daemon and, for the demo, an emulated meter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from schemas.errors import UserError

END_S = 10.0


class Background:
    """A command of ``powerd`` as a child process; leaving the context ends it. Its talk goes to a file."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        """Start ``powerd`` with these arguments."""
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        self._what = "powerd " + " ".join(arguments[:2])
        with log.open("ab") as errors:
            # In a session of its own: Ctrl-C must not end the meter before the run has been drained.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "powerd.cli", *arguments, "--until-stdin-closes"],
                # Nothing is ever written there: it closes when we end, even by SIGKILL, and so ends the child.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )

    def __enter__(self) -> Background:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def first_line(self) -> str:
        """The first line it prints; ``UserError`` with its last words when it ends instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise self.gone()
        return line

    def running(self) -> bool:
        """Whether it is still there."""
        return self._process.poll() is None

    def gone(self) -> UserError:
        """Its end as one sentence."""
        self._process.wait(END_S)
        words = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        said = words[-1] if words else f"it said nothing and ended with code {self._process.returncode}"
        return UserError(f"{self._what} did not start: {said} (its log: {self._log})")

    def end(self) -> None:
        """SIGTERM, and SIGKILL when that is not heard."""
        if self.running():
            self._process.terminate()
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def emulator(driver: str, load: str, folder: Path) -> tuple[Background, str]:
    """Start an emulated meter; the process and the port it is on."""
    process = Background(["emulate", driver, "--load", load], folder / "emulate.log")
    try:
        return process, process.first_line()
    except BaseException:
        process.end()
        raise


def powerd(driver: str, port: str, folder: Path, *, name: str = "meter") -> tuple[Background, str]:
    """Start ``powerd run`` with one meter and wait until it measures; the process and its URL."""
    arguments = ["run", "--meter", f"{name}={driver}:{port}", "--data-dir", str(folder / "data")]
    process = Background([*arguments, "--listen", "127.0.0.1:0"], folder / "powerd.log")
    try:
        return process, process.first_line()
    except BaseException:
        process.end()
        raise
