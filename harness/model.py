"""What is asked for, planned and told to a child, as records: facts, no behaviour beyond reading themselves.

What came of it: ``harness.results``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from schemas.layout import ResultPath
from schemas.rounds import Round

Mode = Literal["performance", "accuracy"]
Phase = Literal["ranging", "testing"]
PowerMode = Literal["session", "guarded"]


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """What ``user.conf`` sets over LoadGen's own ``mlperf.conf``; None leaves the round's value.

    ``target_latency_ms`` is LoadGen's *expected* latency (it sizes the list of pre-generated queries), in Server
    the limit of the 99th percentile; ``target_qps`` the expected samples per second of Offline, the offered load
    of Server.
    """

    target_latency_ms: float | None = None
    target_qps: float | None = None
    min_duration_ms: int | None = None
    min_query_count: int | None = None
    performance_sample_count: int | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """What is run: a benchmark with its model, its data set and the runtime that executes it.

    ``batch`` is the largest number of samples that one call of the runtime gets; ``precision`` what the runtime
    computes in, None where it has no choice; ``options`` are the runtime's own; ``cores`` the processors that the run
    is pinned to, none for all.
    """

    benchmark: str
    model: Path
    dataset: Path
    backend: str
    threads: int
    batch: int
    precision: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    cores: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Fixture:
    """A model and data set made by ``make-fixture``, as its ``fixture.json`` describes it.

    ``metric`` and ``value`` are the accuracy planted over ``samples`` answers: what a run must score exactly.
    """

    path: Path
    benchmark: str
    model: Path
    dataset: Path
    width: str
    seed: int
    samples: int
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The score of an accuracy run over ``total`` samples.

    ``line`` has the exact form that the official checker reads; ``figures`` are further numbers by name, such as the
    count of right answers or a second metric; ``files`` the SHA-256, by name, of what it was scored with besides the
    data set, such as the weights of another network.
    """

    metric: str
    value: float
    total: int
    line: str
    figures: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PowerRequest:
    """``--power`` and ``--meter``: a daemon's URL, or a driver and port to start one on."""

    url: str | None
    driver: str | None
    port: str | None
    meter: str | None


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The command line of ``run``, checked for form only; ``plan`` decides whether it can be done.

    ``backend`` None: the benchmark's own; ``precision`` None: the benchmark's or the runtime's own;
    ``batch`` None: the scenario's own; ``system_type`` None: that of the tree's description, else edge; ``tests``
    None: every compliance test that the round wants; ``power_mode``: a session of ranging and testing, or one run in a
    guarded window, which is no power result of the rules.
    """

    benchmark: str
    scenario: str
    output: Path
    round_name: str
    mode: str
    backend: str | None
    model: Path | None
    dataset: Path | None
    fixture: Path | None
    power: PowerRequest | None
    division: str
    submitter: str
    system: str
    user_conf: Path | None
    target_latency_ms: float | None
    target_qps: float | None
    rehearsal_s: float | None
    threads: int
    command_line: tuple[str, ...]
    demo: bool = False
    batch: int | None = None
    system_type: str | None = None
    tests: tuple[str, ...] | None = None
    power_mode: PowerMode = "session"
    precision: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    cores: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One LoadGen run: one child process, one folder of logs.

    ``phase`` is set for performance runs under power; ``folder`` is the name of the log folder and of the
    place in the tree (``run_1``, ``ranging``, ``accuracy``); ``test`` is the compliance test that it serves.
    """

    name: str
    mode: Mode
    phase: Phase | None
    folder: str
    test: str | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """What compliance runs are compared with.

    Metric as logged and samples issued by the performance run, whole accuracy log, settings of the result.
    """

    metric: float
    samples: int
    accuracy_log: Path
    user_conf: Path
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, in order, and everything it needs; made before a minute is spent."""

    request: RunRequest
    round: Round
    official: str
    loadgen_model: str
    result: ResultPath
    workload: Workload
    fixture: Fixture | None
    samples: int
    settings: LoadSettings
    calibrate: bool
    user_conf: Path | None
    specs: tuple[RunSpec, ...]
    work: Path
    baseline: Baseline | None = None
    system_type: str = "edge"
    loadgen: Path | None = None

    @property
    def scenario(self) -> str:
        """Canonical name of the scenario."""
        return self.result.scenario


@dataclass(frozen=True, slots=True)
class Job:
    """What a child process is told on its standard input: one LoadGen run, or one calibration.

    ``kind`` is ``loadgen``, with ``seconds`` of warm-up, or ``calibrate``, with ``seconds`` of measuring.
    ``seeds`` are those of the round (unsigned 64 bit);
    ``test_settings`` are LoadGen settings of a compliance test, by the names of LoadGen's attributes;
    ``batch`` the most samples of one call of the runtime; ``loadgen`` the folder that holds the round's LoadGen, None
    for the one of this environment; ``mlperf_conf`` the round's settings, None where its LoadGen has them built in;
    ``token_latencies`` whether LoadGen times tokens.
    """

    kind: str
    benchmark: str
    loadgen_model: str
    scenario: str
    mode: str
    model: str
    dataset: str
    backend: str
    threads: int
    log_dir: str
    user_conf: str
    audit_conf: str
    seeds: Mapping[str, int]
    performance_sample_count: int
    batch: int
    loadgen: str | None = None
    mlperf_conf: str | None = None
    precision: str | None = None
    token_latencies: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    cores: tuple[int, ...] = ()
    seconds: float = 0.0
    test_settings: Mapping[str, int | float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The job as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Job:
        """The inverse of ``to_json``."""
        return cls(**document)
