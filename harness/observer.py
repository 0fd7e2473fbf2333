"""What a run tells of itself while it goes on, to whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from harness.expected import Expected
from harness.model import Plan, RunSpec
from harness.process import Progress
from harness.results import RunResult
from harness.telemetry import Sample
from powerd.client import ClockTie

Stage = Literal["starting", "preparing", "running", "closing", "ending"]
"""Of one run: its process loads the model; ranges are set and clocks compared; LoadGen runs; the window is closed;
it is being drained because it was interrupted or failed."""


class Observer(Protocol):
    """Told of everything in the thread that runs; must return at once and never raise."""

    def placed(self, text: str) -> None:
        """Where a campaign of many runs is, in words; what follows is one run of it."""
        ...

    def planned(self, plan: Plan) -> None:
        """A plan is about to be executed."""
        ...

    def settled(self, expected: Mapping[str, Expected]) -> None:
        """LoadGen's settings are known now, and with them what each run of the plan has to do."""
        ...

    def began(self, spec: RunSpec, expected: Expected) -> None:
        """A run began; those behind it are still to come, even when they were made before."""
        ...

    def stage(self, stage: Stage) -> None:
        """The present run has come to this stage."""
        ...

    def progress(self, progress: Progress) -> None:
        """What the child counted; several times a second."""
        ...

    def seen(self, sample: Sample) -> None:
        """What the machine is doing, once a second while LoadGen runs; in a thread of its own."""
        ...

    def ended(self, result: RunResult) -> None:
        """The run came to its end, valid or not."""
        ...

    def connected(self, url: str, meter: str) -> None:
        """Power is measured by this daemon with this meter."""
        ...

    def opened(self, window_id: str, clock: ClockTie) -> None:
        """A window is open; ``clock`` is the comparison of clocks just before."""
        ...

    def closed(self, window: Mapping[str, Any]) -> None:
        """The window is closed; its document."""
        ...

    def disconnected(self) -> None:
        """The daemon is not needed any more."""
        ...


class Unseen:
    """Nobody looks."""

    def placed(self, text: str) -> None:
        """Nothing to do."""

    def planned(self, plan: Plan) -> None:
        """Nothing to do."""

    def settled(self, expected: Mapping[str, Expected]) -> None:
        """Nothing to do."""

    def began(self, spec: RunSpec, expected: Expected) -> None:
        """Nothing to do."""

    def stage(self, stage: Stage) -> None:
        """Nothing to do."""

    def progress(self, progress: Progress) -> None:
        """Nothing to do."""

    def seen(self, sample: Sample) -> None:
        """Nothing to do."""

    def ended(self, result: RunResult) -> None:
        """Nothing to do."""

    def connected(self, url: str, meter: str) -> None:
        """Nothing to do."""

    def opened(self, window_id: str, clock: ClockTie) -> None:
        """Nothing to do."""

    def closed(self, window: Mapping[str, Any]) -> None:
        """Nothing to do."""

    def disconnected(self) -> None:
        """Nothing to do."""
