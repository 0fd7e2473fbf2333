"""The runs of a plan: which are done, which goes on, and how long the rest will take. Seconds on one clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from harness.expected import Expected
from harness.live.pace import Pace, estimate_s
from harness.live.state import CALIBRATION, RunRow
from harness.model import RunSpec

AROUND_S = 4.0
"""What a run takes beyond LoadGen's part, until one has shown it."""


@dataclass(slots=True)
class _Run:
    spec: RunSpec
    shown: RunRow
    expected: Expected | None = None


class Schedule:
    """All runs of one plan."""

    def __init__(self, specs: Iterable[RunSpec], now_s: float) -> None:
        self.begin_s = self._run_begin_s = now_s
        self.pace = Pace(Expected())
        self._runs = [_Run(spec, RunRow(_label(spec), "waiting")) for spec in specs]
        self._current: _Run | None = None
        self._mean_per_s: float | None = None
        self._around_s: float | None = None

    @property
    def rows(self) -> tuple[RunRow, ...]:
        """All runs as they stand."""
        return tuple(run.shown for run in self._runs)

    @property
    def label(self) -> str:
        """The run that goes on; empty between two."""
        return "" if self._current is None else self._current.shown.label

    @property
    def calibrating(self) -> bool:
        """Whether the run that goes on is the calibration."""
        return self.label == CALIBRATION

    @property
    def per_query(self) -> int:
        """Samples of one query of the run that goes on."""
        return (
            1 if self._current is None or self._current.expected is None else self._current.expected.per_query
        )

    @property
    def number(self) -> int | None:
        """Which of LoadGen's runs goes on, from 1; None in the calibration and between two."""
        counted = [run for run in self._runs if run.shown.label != CALIBRATION]
        return next((n for n, run in enumerate(counted, 1) if run is self._current), None)

    def settled(self, expected: Mapping[str, Expected]) -> None:
        """What each run has to do."""
        for run in self._runs:
            run.expected = expected.get(run.spec.name, run.expected)

    def began(self, spec: RunSpec, expected: Expected, now_s: float) -> None:
        """A run goes on; those behind it are to come, whatever they were."""
        self._run_begin_s, self.pace = now_s, Pace(expected)
        place = next(i for i, run in enumerate(self._runs) if run.spec.name == spec.name)
        for run in self._runs[place:]:
            run.shown = RunRow(run.shown.label, "waiting")
        self._current = self._runs[place]
        self._current.expected = expected
        self._current.shown = replace(self._current.shown, state="running")

    def ended(self, figure: str, now_s: float, *, valid: bool = True) -> None:
        """The run that went on is over; its rate tells how long the others will take."""
        if self._current is None:
            return
        self._mean_per_s = self.pace.mean_per_s() or self._mean_per_s
        seconds = now_s - self._run_begin_s
        self._around_s = max(0.0, seconds - self.pace.count(now_s).elapsed_s)
        self._current.shown = RunRow(self.label, "done" if valid else "invalid", figure, seconds)
        self._current = None

    def left_s(self, now_s: float) -> tuple[float | None, bool]:
        """How long all that is to come will take, and whether that is all of it; without the unknown parts."""
        waiting = [run.expected for run in self._runs if run.shown.state == "waiting"]
        around_s = AROUND_S if self._around_s is None else self._around_s
        parts = [self._current_left_s(now_s, around_s)] if self._current is not None else []
        for expected in waiting:
            found = None if expected is None else estimate_s(expected, self._rate())
            parts.append(None if found is None else found + around_s)
        known = [part for part in parts if part is not None]
        return (sum(known) if known else None), len(known) == len(parts)

    def _rate(self) -> float | None:
        return self.pace.mean_per_s() or self._mean_per_s

    def _current_left_s(self, now_s: float, around_s: float) -> float | None:
        assert self._current is not None
        count = self.pace.count(now_s)
        if self.pace.begin_s is not None and count.left_s is not None:
            return count.left_s
        expected = self._current.expected
        whole = None if expected is None else estimate_s(expected, self._rate())
        return None if whole is None else max(0.0, whole + around_s - (now_s - self._run_begin_s))


def _label(spec: RunSpec) -> str:
    return spec.name if spec.phase in (None, spec.name) else f"{spec.name} ({spec.phase})"
