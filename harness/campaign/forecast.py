"""How long a campaign will take, how much energy it will draw and how much disk it will need, before it begins.

Nothing is run and nothing is written. What cannot be known is said to be unknown, never guessed.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import estimate
from harness.benchmarks.base import Contract
from harness.calibrate import CALIBRATION_S
from harness.campaign.steps import Step
from harness.checks import disk
from harness.inference import results
from harness.model import Plan, PowerRequest
from harness.registry import benchmark
from harness.results import Calibration
from harness.scenarios import BY_NAME, Scenario
from harness.submission import RECORD_NAME
from powerd.client import ClientError, PowerdClient


@dataclass(frozen=True, slots=True)
class Length:
    """Seconds of a step; ``whole`` is False where they are the least. ``why`` says what they come from."""

    seconds: float
    whole: bool
    why: str


@dataclass(frozen=True, slots=True)
class Draw:
    """Mean power in watts and what it comes from; None where nobody knows."""

    watts: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of all steps, in their order."""

    lengths: tuple[Length, ...]
    draw: Draw
    disk_bytes: int
    free_bytes: int
    free_at: Path

    @property
    def seconds(self) -> float:
        """Of all steps together."""
        return sum(length.seconds for length in self.lengths)

    @property
    def whole(self) -> bool:
        """Whether every length is known."""
        return all(length.whole for length in self.lengths)

    @property
    def energy_j(self) -> float | None:
        """Of all steps together; None where the power is not known."""
        return None if self.draw.watts is None else self.draw.watts * self.seconds


def forecast(steps: Sequence[Step], tree: Path, taken: Mapping[str, float]) -> Forecast:
    """What is to be expected; ``taken`` are the seconds that a step of that name has taken before."""
    records = tuple(_records(tree, steps))
    free_at = disk.existing(tree)
    return Forecast(
        lengths=tuple(_length(step, records, taken.get(step.name)) for step in steps),
        draw=_draw(steps, records),
        disk_bytes=sum(_bytes(step) for step in steps),
        free_bytes=shutil.disk_usage(free_at).free,
        free_at=free_at,
    )


def _records(tree: Path, steps: Sequence[Step]) -> Iterator[Mapping[str, Any]]:
    """The run records that are in the tree."""
    for round_ in {step.plan.round.name: step.plan.round for step in steps}.values():
        for result in results(tree, round_):
            with contextlib.suppress(OSError, ValueError):
                found = json.loads((tree / result.measurements(round_) / RECORD_NAME).read_text("utf-8"))
                if isinstance(found, dict):
                    yield found


def _length(step: Step, records: Iterable[Mapping[str, Any]], taken: float | None) -> Length:
    if taken is not None:
        return Length(taken, True, "as long as before")
    if step.expected_s is not None:
        return Length(step.expected_s, True, "by mlcheck")
    measured, told = _measured(step, records), _told(step)
    if step.mode == "accuracy":
        rate = measured.samples_per_second if measured else told
        whole = estimate.WARM_UP_S + (step.plan.samples / rate if rate else 0.0)
        return Length(whole, rate is not None, "" if rate else "its pace is not known")
    return _performance(step, measured)


def _performance(step: Step, measured: Calibration | None) -> Length:
    planned, request = step.plan, step.plan.request
    row = BY_NAME[planned.scenario]
    count = sum(1 for s in planned.specs if s.name in step.runs)
    around = estimate.WARM_UP_S * count
    if step.mode == "performance" and planned.calibrate:
        around += estimate.WARM_UP_S + CALIBRATION_S
    if request.rehearsal_s is not None:
        each_s, known = _rehearsed(planned, row, request.rehearsal_s, measured)
        return Length(
            around + count * each_s, known, "a rehearsal" if known else "a rehearsal of unknown pace"
        )
    one = estimate.performance(
        planned.round, planned.official, row, planned.settings, measured, planned.samples
    )
    least = planned.round.min_duration_ms / 1000
    seconds = least if one is None else max(least, one.seconds)
    return Length(around + count * seconds, one is not None, "" if one else "its pace is not known")


def _rehearsed(
    planned: Plan, row: Scenario, asked_s: float, measured: Calibration | None
) -> tuple[float, bool]:
    """Seconds of one shortened run, and whether that is all: streams run until they have their queries, too."""
    if row.expects != "latency":
        return asked_s, True
    latency_ms = measured.p50_latency_ms if measured else planned.settings.target_latency_ms
    if latency_ms is None:
        return asked_s, False
    return max(
        asked_s, estimate.least_queries(planned.round, planned.official, row.name) * latency_ms / 1e3
    ), True


def _told(step: Step) -> float | None:
    """Samples per second as the user expects them."""
    request, row = step.request, BY_NAME[step.plan.scenario]
    if row.expects == "latency":
        return 1e3 * row.per_query / request.target_latency_ms if request.target_latency_ms else None
    return request.target_qps


def _measured(step: Step, records: Iterable[Mapping[str, Any]]) -> Calibration | None:
    """The calibration of an earlier run of the same benchmark and scenario on the same system."""
    for record in records:
        found = record.get("calibration")
        if found and _same(step, record, ("system", "benchmark", "scenario")):
            with contextlib.suppress(KeyError, TypeError):
                latency, rate = float(found["p50_latency_ms"]), float(found["samples_per_second"])
                batches = tuple((int(b["samples"]), float(b["ms"])) for b in found["batches"])
                return Calibration(latency, rate, int(found["queries"]), latency, rate, batches)
    return None


def _same(step: Step, record: Mapping[str, Any], fields: tuple[str, ...]) -> bool:
    said, own = record.get("result", {}), step.plan.result
    return all(said.get(f) == (step.plan.scenario if f == "scenario" else getattr(own, f)) for f in fields)


def _draw(steps: Sequence[Step], records: Sequence[Mapping[str, Any]]) -> Draw:
    """From windows that are in the tree, else from what the meter reads now."""
    for fields, what in ((("system", "benchmark"), "benchmark"), (("system",), "system")):
        found = [
            float(r["windows"]["testing"]["average_w"])
            for r in records
            if r.get("windows", {}).get("testing", {}).get("average_w") is not None
            and any(_same(step, r, fields) for step in steps)
        ]
        if found:
            many = "an earlier window" if len(found) == 1 else f"{len(found)} earlier windows"
            return Draw(sum(found) / len(found), f"{many} of this {what}")
    requests = {step.request.power for step in steps if step.request.power is not None}
    for power in requests:
        watts = _present(power)
        if watts is not None:
            return Draw(watts, "what the meter reads now")
    return Draw(None, "no earlier window and no daemon that measures now" if requests else "no meter")


def _present(power: PowerRequest) -> float | None:
    """What a running daemon reads at this moment; None when there is none, or no choice of a meter."""
    if power.url is None:
        return None
    client = None
    try:
        client = PowerdClient(power.url, timeout_s=2.0)
        names = [str(m["name"]) for m in client.meters()]
        if power.meter is None and len(names) != 1:
            return None
        latest = client.meter(power.meter or names[0]).get("latest") or {}
        return None if latest.get("power_w") is None else float(latest["power_w"])
    except (ClientError, KeyError, TypeError, ValueError):
        return None
    finally:
        if client is not None:
            client.close()


def _bytes(step: Step) -> int:
    """Logs in the work folder and, cut or copied, in the tree."""
    bench = benchmark(step.plan.workload.benchmark)
    answer = bench.response_bytes if isinstance(bench, Contract) else disk.ANSWER_BYTES
    entry = step.plan.samples * (disk.ENTRY_BYTES + 2 * answer) if step.mode == "accuracy" else 0
    return round(disk.MARGIN * (entry + len(step.runs) * disk.RUN_BYTES))
