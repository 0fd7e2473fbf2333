"""One LoadGen run of a result: its detail log, and the values in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from checker.files import Source, join, read_samples
from checker.rule import Absent
from schemas import loadgen_summary
from schemas.kept import kept
from schemas.loadgen import LoadgenLog, LogEntry
from schemas.plainfile import FilePath
from schemas.powerlog import PowerLog
from schemas.rounds import Round

if TYPE_CHECKING:
    from checker.result import Result


def in_summary(round_: Round) -> bool:
    """Whether the numbers of a run stand in its summary, as text (v0.5 and v0.7)."""
    return round_.facts.get("log_format") == "summary"


def reader(
    round_: Round, read_text: Callable[[Path, Sequence[str]], LoadgenLog]
) -> Callable[[FilePath], LoadgenLog]:
    """What reads a run of a round; ``read_text`` does in the rounds whose logs are plain text."""
    if not in_summary(round_):
        return partial(LoadgenLog.read, markers=round_.log_markers)
    ignored = tuple(round_.facts["ignored_loadgen_errors"])
    return lambda path: read_text(Path(path), ignored)


class Run:
    """One LoadGen run: the performance run, the ranging run, or a compliance run (``test`` names it)."""

    def __init__(self, result: Result, path: str, kind: str, test: str | None = None) -> None:
        """The directory that holds the detail log."""
        self.result, self.path, self.test, self.kind = result, path, test, kind

    @kept
    def log(self) -> Source[LoadgenLog]:
        """The file that holds the numbers: the detail log, or the summary in the first rounds."""
        read, round_ = reader(self.result.round, loadgen_summary.read_run), self.result.round
        path = join(self.path, loadgen_summary.SUMMARY) if in_summary(round_) else self.detail_path
        return self.result.submission.source(path, self.kind, read)

    @property
    def detail_path(self) -> str:
        """Where the detail log lies, which holds the errors in every round."""
        return join(self.path, loadgen_summary.DETAIL)

    @kept
    def spl(self) -> Source[PowerLog]:
        """The power log beside it."""
        return self.result.submission.source(join(self.path, "spl.txt"), "spl", read_samples)

    @kept
    def scenario(self) -> str:
        """``effective_scenario``, the logged scenario."""
        return self.text("effective_scenario")

    @kept
    def streaming(self) -> bool:
        """Whether the logged scenario uses early stopping."""
        return self.scenario in self.result.round.facts["early_stopping_scenarios"]

    def entry(self, key: str) -> LogEntry | None:
        """The first entry of a key."""
        return self.log.value.entry(key)

    def line(self, key: str) -> int | None:
        """The line of the first entry of a key."""
        found = self.entry(key)
        return None if found is None else found.line

    def number(self, key: str) -> int | float:
        """A number of the log; ``Absent`` when it is not there or not a number."""
        found = self.entry(key)
        if found is None:
            raise Absent(key, self.log.path, "no entry", "a number")
        value = found.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Absent(key, self.log.path, repr(value)[:80], "a number", found.line)
        return value

    def text(self, key: str) -> str:
        """A text of the log; ``Absent`` when it is not there or not a text."""
        found = self.entry(key)
        if found is None:
            raise Absent(key, self.log.path, "no entry", "a text")
        value = found.value
        if not isinstance(value, str):
            raise Absent(key, self.log.path, repr(value)[:80], "a text", found.line)
        return value
