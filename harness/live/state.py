"""What is shown of a run at one instant: facts, no drawing and no asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["waiting", "running", "done", "invalid"]

CALIBRATION = "calibration"
"""Name of what comes before LoadGen's runs and is none of them."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of the plan. ``figure`` is what came out of it, ``seconds`` how long it took with all around it."""

    label: str
    state: State
    figure: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How far the present run is. Samples, their rates per second, seconds.

    ``wanted`` samples end the run when ``exact``, else they are the least. ``left_s`` is None where it cannot be
    said yet. ``trace_per_s`` has the rate of every second or so.
    """

    loaded: int = 0
    completed: int = 0
    wanted: int | None = None
    exact: bool = False
    elapsed_s: float = 0.0
    left_s: float | None = None
    rate_per_s: float | None = None
    mean_per_s: float | None = None
    trace_per_s: tuple[float, ...] = ()

    @property
    def share(self) -> float | None:
        """How much of the run is over, 0 to 1; None where it cannot be said."""
        if self.left_s is None or self.elapsed_s + self.left_s <= 0:
            return None
        return self.elapsed_s / (self.elapsed_s + self.left_s)


@dataclass(frozen=True, slots=True)
class Energy:
    """The open window so far, from its opening; ``per_query_j`` and ``mean_w`` of the run itself alone."""

    energy_j: float
    coverage: float
    seconds: float
    per_query_j: float | None = None
    mean_w: float | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """How the daemon's clock stands to ours, compared ``age_s`` ago."""

    offset_s: float
    u95_s: float
    age_s: float


@dataclass(frozen=True, slots=True)
class Power:
    """What the daemon says. ``problem`` is set while it does not answer; the rest is then what it said last."""

    meter: str
    title: str = ""
    simulated: bool = False
    power_w: float | None = None
    voltage_v: float | None = None
    current_a: float | None = None
    power_factor: float | None = None
    frequency_hz: float | None = None
    ranges: str = ""
    quality: str = ""
    trace_w: tuple[float, ...] = ()
    energy: Energy | None = None
    clock: Clock | None = None
    alarms: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that this runs on; what it does not tell is None. ``throttled`` counts events during the run."""

    cpu_share: float
    frequency_hz: float | None
    temperature_c: float | None
    memory_share: float
    load_1m: float | None = None
    throttled: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is shown.

    ``part`` counts the scenarios of a trip of several or says the place in a campaign; ``now`` says in words what
    goes on, ``running`` that samples are being completed; ``number`` is that of the run among LoadGen's runs of the
    plan; ``plan_left_whole`` is False where ``plan_left_s`` lacks runs of unknown length.
    """

    benchmark: str
    scenario: str
    part: str
    rows: tuple[RunRow, ...]
    label: str
    number: int | None
    now: str
    running: bool
    count: Count
    unit: Literal["stream", "sample"]
    power: Power | None
    machine: Machine | None
    elapsed_s: float
    plan_left_s: float | None
    plan_left_whole: bool

    @property
    def runs(self) -> int:
        """How many LoadGen runs the plan has."""
        return sum(row.label != CALIBRATION for row in self.rows)
