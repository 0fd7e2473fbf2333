"""What came of runs, as records: measured, logged, verified, witnessed by the power daemon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.model import LoadSettings, RunSpec
from schemas.units import UnixNs


@dataclass(frozen=True, slots=True)
class Calibration:
    """Measured before a run: median latency of one query of the scenario, and samples per second.

    ``fast_latency_ms`` and ``fast_samples_per_second`` are those of the fastest tenth: what the machine does
    when nothing disturbs it. ``batches`` (Server only): samples in one call of the runtime, and the median
    milliseconds of such a call.
    """

    p50_latency_ms: float
    samples_per_second: float
    queries: int
    fast_latency_ms: float
    fast_samples_per_second: float
    batches: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ClockEvidence:
    """How the wall clock went during a run, against CLOCK_MONOTONIC_RAW.

    ``largest_step_ns`` is the largest jump between two looks; ``slew_ppm`` the mean rate difference;
    ``suspended_ns`` how long the machine slept (CLOCK_BOOTTIME against CLOCK_MONOTONIC). ``sets_unix_ns`` are the
    instants at which the kernel reported that the clock was set (after the fact, in the clock as it was then);
    ``kernel_reports`` says whether the kernel could be asked for that.
    """

    begin_unix_ns: UnixNs
    end_unix_ns: UnixNs
    elapsed_raw_ns: int
    elapsed_boottime_ns: int
    largest_step_ns: int
    slew_ppm: float
    suspended_ns: int
    looks: int
    sets_unix_ns: tuple[int, ...] = ()
    kernel_reports: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it stands in the run record."""
        return {**asdict(self), "sets_unix_ns": list(self.sets_unix_ns)}


@dataclass(frozen=True, slots=True)
class RunResult:
    """One LoadGen run that ended: where its logs lie and what they say; ``computing`` is how its model was computed."""

    spec: RunSpec
    log_dir: Path
    valid: bool
    reasons: tuple[str, ...]
    query_count: int
    metric: float | None
    clock: ClockEvidence
    versions: Mapping[str, str]
    telemetry: Mapping[str, Any] | None = None
    computing: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One verification: whether it passed, and its figures as lines for people."""

    passed: bool
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """A verify file: the figures, and the verdict on a line of its own."""
        return "\n".join((*self.lines, "TEST PASS" if self.passed else "TEST FAIL")) + "\n"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a compliance test found.

    ``accuracy`` is None for tests of the score alone; its ``passed`` means equal bit by bit, while
    ``accuracy_passed`` also holds where the accuracies are close enough. ``files`` are further files of the
    test's folder; ``scored`` False: no score is compared, so neither logs nor a verify file of one belong there.
    """

    test: str
    performance: Check
    accuracy: Check | None
    accuracy_passed: bool
    files: Mapping[str, bytes]
    scored: bool = True


@dataclass(frozen=True, slots=True)
class PowerEvidence:
    """What the daemon said about the passes: window documents, and the folder with session files.

    A guarded run has one window, ``testing``, and no session: ``folder`` is None.
    """

    windows: Mapping[str, Mapping[str, Any]]
    meter: Mapping[str, Any]
    daemon: Mapping[str, Any]
    folder: Path | None


@dataclass(frozen=True, slots=True)
class PowerLost:
    """The daemon was lost in a run, which went on without it: in which phase, and its last sentence."""

    phase: str
    reason: str


@dataclass(slots=True)
class Done:
    """What has been run so far; grows with each run, so that an interruption keeps what was there."""

    settings: LoadSettings
    calibration: Calibration | None = None
    results: dict[str, RunResult] = field(default_factory=dict)
    retried: list[str] = field(default_factory=list)
    user_conf: Path | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    power_lost: PowerLost | None = None

    @property
    def has_performance(self) -> bool:
        """Whether one of the runs was a performance run."""
        return any(r.spec.mode == "performance" for r in self.results.values())
