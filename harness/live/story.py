"""Gathers what a run tells and what the daemon answers into what is shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Literal

from harness.expected import Expected
from harness.figures import metric_text
from harness.live import machine
from harness.live.meter import Meter, Target
from harness.live.pace import Pace
from harness.live.schedule import Schedule
from harness.live.state import CALIBRATION, Count, Machine, Power, Snapshot
from harness.live.text import fixed, quantity, watts
from harness.model import Plan, RunSpec
from harness.observer import Stage
from harness.process import Progress
from harness.results import RunResult
from harness.scenarios import BY_NAME
from harness.telemetry import Sample
from powerd.client import ClockTie

RUN_LOOKS_S = 3.0
"""For so long what a run saw of the machine is shown; the panel looks for itself afterwards."""
_NOW: Mapping[Stage, str] = {
    "starting": "loading the model, warming up",
    "preparing": "getting ready",
    "running": "loading samples",
    "closing": "reading the logs",
    "ending": "stopping: the run is drained, its logs are kept",
}
_NOW_WITH_POWER: Mapping[Stage, str] = {
    "preparing": "setting ranges, comparing clocks",
    "closing": "closing the window, reading the logs",
}


class Story:
    """An ``Observer``. Told by the thread that runs and the one that asks the daemon, read by the one that draws."""

    def __init__(self, parts: tuple[str, ...] = ()) -> None:
        """``parts`` are the scenarios of a trip of several plans."""
        self._lock = threading.RLock()
        self._parts = parts
        self._place = ""
        self._first_seen: Sample | None = None
        self._seen_s = -RUN_LOOKS_S
        self._plan: Plan | None = None
        self._schedule = Schedule((), time.monotonic())
        self._stage: Stage = "starting"
        self._meter: Meter | None = None
        self._machine: Machine | None = None

    def placed(self, text: str) -> None:
        """The place in a campaign, shown beside what is run."""
        with self._lock:
            self._place = text

    def planned(self, plan: Plan) -> None:
        """All runs are to come."""
        calibration = (RunSpec(CALIBRATION, "performance", None, CALIBRATION),) if plan.calibrate else ()
        with self._lock:
            self._plan, self._stage = plan, "starting"
            self._schedule = Schedule((*calibration, *plan.specs), time.monotonic())

    def settled(self, expected: Mapping[str, Expected]) -> None:
        """What each run has to do; a calibration is over with that."""
        with self._lock:
            self._schedule.settled(expected)
            if self._schedule.calibrating:
                mean = self._schedule.pace.mean_per_s()
                figure = "" if mean is None else f"{fixed(mean)} samples/s"
                self._schedule.ended(figure, time.monotonic())

    def began(self, spec: RunSpec, expected: Expected) -> None:
        """This run goes on."""
        with self._lock:
            self.stage("starting")
            self._first_seen = None
            self._schedule.began(spec, expected, time.monotonic())

    def stage(self, stage: Stage) -> None:
        """The run has come this far."""
        with self._lock:
            self._stage = stage
            if self._meter is not None:
                self._meter.paused = stage in ("preparing", "closing")

    def progress(self, progress: Progress) -> None:
        """Counts of the child."""
        with self._lock:
            self._schedule.pace.see(time.monotonic(), progress.loaded, progress.completed)
            if self._meter is not None:
                self._meter.counted(time.time_ns(), progress.completed)

    def ended(self, result: RunResult) -> None:
        """A figure, and what it tells of the runs to come."""
        with self._lock:
            figure = "  ".join([self._figure(result), *self._energy()]) if result.valid else "INVALID"
            self._schedule.ended(figure, time.monotonic(), valid=result.valid)
            self.stage("starting")

    def _figure(self, result: RunResult) -> str:
        assert self._plan is not None
        if result.metric is None:
            return f"{self._schedule.pace.count(0).completed:,} samples"
        rules = self._plan.round.benchmark(self._plan.official)
        return metric_text(rules.counted_in(self._plan.scenario), result.metric).removesuffix(" latency")

    def _energy(self) -> list[str]:
        """Of the run that ended: energy of a query, and mean power."""
        taken = None if self._meter is None else self._meter.taken()
        queries = self._schedule.pace.count(0).completed / self._schedule.per_query
        if taken is None or not queries:
            return []
        energy_j, average_w = taken
        return [f"{quantity(energy_j / queries, 'J')}/{self._unit()}", watts(average_w)]

    def _unit(self) -> Literal["stream", "sample"]:
        assert self._plan is not None
        return "stream" if BY_NAME[self._plan.scenario].energy_unit == "stream" else "sample"

    def connected(self, url: str, meter: str) -> None:
        """There is power to be shown."""
        with self._lock:
            self._meter = Meter(url, meter)

    def opened(self, window_id: str, clock: ClockTie) -> None:
        """A window is open."""
        with self._lock:
            if self._meter is not None:
                self._meter.opened(window_id, clock, self._schedule.per_query)

    def closed(self, window: Mapping[str, Any]) -> None:
        """Its energy stands."""
        with self._lock:
            if self._meter is not None:
                self._meter.closed(window)

    def disconnected(self) -> None:
        """Nobody is asked any more."""
        with self._lock:
            self._meter = None

    def target(self) -> Target | None:
        """Whom to ask and for what; None when nobody is to be asked now."""
        with self._lock:
            return None if self._meter is None else self._meter.target()

    def heard(self, target: Target, meter: Mapping[str, Any], window: Mapping[str, Any] | None) -> None:
        """The daemon's answer. ``KeyError`` and its like for what is none."""
        with self._lock:
            if self._meter is not None and self._meter.asks(target):
                self._meter.heard(meter, window)

    def unheard(self, target: Target, problem: str) -> None:
        """It did not answer."""
        with self._lock:
            if self._meter is not None and self._meter.asks(target):
                self._meter.problem = problem

    def look_around(self) -> None:
        """Look at the machine, unless a run does."""
        if time.monotonic() - self._seen_s < RUN_LOOKS_S:
            return
        found = machine.look()
        with self._lock:
            self._machine = found

    def seen(self, sample: Sample) -> None:
        """What the run's own telemetry says."""
        with self._lock:
            first = self._first_seen or sample
            self._first_seen, self._seen_s = first, time.monotonic()
            self._machine = machine.of(sample, first)

    def snapshot(self) -> Snapshot | None:
        """What is to be shown now; None before there is a plan."""
        with self._lock:
            plan, schedule, now_s = self._plan, self._schedule, time.monotonic()
            if plan is None:
                return None
            left_s, whole = (None, False) if self._stage == "ending" else schedule.left_s(now_s)
            power = None if self._meter is None else self._meter.shown(now_s)
            count = schedule.pace.count(now_s) if schedule.label else Pace(Expected()).count(now_s)
            return Snapshot(
                benchmark=plan.workload.benchmark,
                scenario=plan.scenario,
                part=self._part(plan.scenario),
                rows=schedule.rows,
                label=schedule.label,
                number=schedule.number,
                now=self._now(count, power),
                running=self._stage == "running" and count.completed > 0,
                count=count,
                unit=self._unit(),
                power=power,
                machine=self._machine,
                elapsed_s=now_s - schedule.begin_s,
                plan_left_s=left_s,
                plan_left_whole=whole,
            )

    def _part(self, scenario: str) -> str:
        if self._place:
            return self._place
        if len(self._parts) < 2 or scenario not in self._parts:
            return ""
        return f"{self._parts.index(scenario) + 1} of {len(self._parts)}"

    def _now(self, count: Count, power: Power | None) -> str:
        if not self._schedule.label:
            waiting = any(row.state == "waiting" for row in self._schedule.rows)
            return "the next run begins" if waiting else "all runs are done, the result is written"
        if self._stage == "running" and count.completed:
            return "running"
        said = (_NOW_WITH_POWER.get(self._stage) if power is not None else None) or _NOW[self._stage]
        return f"{said}, {count.loaded:,} so far" if self._stage == "running" and count.loaded else said
