"""The model opened and measured for some seconds in a child process, from the parent's side.

Whatever goes wrong becomes a sentence in the ``Probe``: this is a look before a run, not a run.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.benchmarks.base import Tensor
from harness.machine import Machine, text, throttle_events
from harness.model import Workload
from harness.process import LOG_NAME, ChildProcess, Patience
from harness.results import Calibration
from harness.scenarios import Scenario
from schemas.errors import Failed, UserError

ENTRY = "harness.probe_child"
SECONDS = 6.0
"""Time of measuring, shared by the sizes of a call."""
ENOUGH_S = 10.0
"""After this time, counted from when its imports are done, the child begins no further measurement."""
LIMIT_S = 18.0
"""When the child is given up."""


@dataclass(frozen=True, slots=True)
class ProbeJob:
    """What the child is told: ``counts`` are the samples per call to measure; ``total_s`` when to stop."""

    benchmark: str
    backend: str
    model: str
    dataset: str
    threads: int
    counts: Sequence[int]
    seconds: float
    total_s: float
    precision: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    cores: Sequence[int] = ()

    def to_json(self) -> dict[str, Any]:
        """As one JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Pace:
    """Calls of the runtime with one number of samples: milliseconds, and how many calls there were.

    ``fast_ms`` is what a tenth of the calls keep: what the machine does when nothing disturbs it.
    """

    median_ms: float
    fast_ms: float
    samples_per_second: float
    calls: int


@dataclass(slots=True)
class Probe:
    """What was learnt. ``fault`` is the sentence that ended it, None when it came to its end.

    ``tensors`` are the model's inputs and outputs (None: not told or not opened); ``measured`` maps samples
    per call to what was measured; ``load_s`` is the time to read and pre-process one sample, ``sample_bytes``
    its size in memory, ``memory_bytes`` the most memory that the child held; ``throttled`` how many
    throttling events the processors counted meanwhile (None: not told); ``scoring_tried`` whether something was scored,
    and ``scoring_fault`` why that cannot be done; ``late`` that it was given up for its time, ``too_large`` that it was
    not opened for want of memory.
    """

    opened: bool = False
    tensors: tuple[Tensor, ...] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    measured: dict[int, Pace] = field(default_factory=dict)
    load_s: float | None = None
    sample_bytes: int | None = None
    memory_bytes: int | None = None
    throttled: int | None = None
    scoring_tried: bool = False
    scoring_fault: str | None = None
    fault: str | None = None
    late: bool = False
    too_large: bool = False

    def calibration(self, scenario: Scenario, batch: int | None) -> Calibration | None:
        """What a run would find in its calibration; None when its scenario was not measured."""
        rows = {n: self.measured[n] for n in scenario.sizes(batch) if n in self.measured}
        if not rows:
            return None
        first = next(iter(rows.values()))
        return Calibration(
            p50_latency_ms=first.median_ms,
            samples_per_second=max(pace.samples_per_second for pace in rows.values()),
            queries=sum(pace.calls for pace in rows.values()),
            fast_latency_ms=first.fast_ms,
            fast_samples_per_second=max(1e3 * n / pace.fast_ms for n, pace in rows.items()),
            batches=tuple((n, pace.median_ms) for n, pace in rows.items()),
        )


def probe(workload: Workload, counts: Sequence[int], machine: Machine) -> Probe:
    """Open the model, read samples and measure queries; never raises for what the model or the data do."""
    job = ProbeJob(
        benchmark=workload.benchmark,
        backend=workload.backend,
        model=str(workload.model.resolve()),
        dataset=str(workload.dataset.resolve()),
        threads=workload.threads,
        counts=counts,
        seconds=min(2.0, SECONDS / len(counts)),
        total_s=ENOUGH_S,
        precision=workload.precision,
        options=workload.options,
        cores=workload.cores,
    )
    found = Probe()
    before = throttle_events(machine)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="edgewatt-preflight-") as folder:
        patience = Patience(stall_s=LIMIT_S, drain_s=1.0, signal_s=1.0)
        try:
            with ChildProcess(job, Path(folder), patience=patience, entry=ENTRY) as child:
                _follow(child, found)
        except UserError as error:
            found.fault = str(error)
        except Failed as error:
            found.late = time.monotonic() - begin >= LIMIT_S
            found.fault = _last_words(error, Path(folder) / LOG_NAME)
    after = throttle_events(machine)
    found.throttled = None if before is None or after is None else after - before
    return found


def _follow(child: ChildProcess, found: Probe) -> None:
    """Take what the child says, up to its end."""
    opened = child.wait_for("opened")
    found.opened, found.versions = True, opened["versions"]
    if opened["tensors"] is not None:
        found.tensors = tuple(Tensor.from_json(t) for t in opened["tensors"])
    loaded = child.wait_for("loaded")
    found.load_s, found.sample_bytes = loaded["load_s"], loaded["sample_bytes"]
    found.scoring_fault, found.scoring_tried = child.wait_for("scored")["fault"], True
    for row in child.wait_for("measured")["rows"]:
        found.measured[int(row["size"])] = Pace(
            row["median_ms"], row["fast_ms"], row["samples_per_second"], row["calls"]
        )
    found.memory_bytes = int(child.wait_for("done")["memory_bytes"])


def _last_words(error: Failed, log: Path) -> str:
    """Why a child ended without saying so: its log is gone with its folder, so its last line is told here."""
    lines = [x for x in text(log).splitlines() if x.strip()]
    reason = f"; its last words: {lines[-1][:160]}" if lines else ""
    return str(error).split(";", 1)[0] + reason
