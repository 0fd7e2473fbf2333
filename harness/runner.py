"""Executes the runs of a plan, each in its own child process. Knows no model, no framework and no tree."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from harness import calibrate, room
from harness.benchmarks.base import traits
from harness.calibrate import CALIBRATION_S, Judgement, merged
from harness.clockwatch import ClockWatch, objection
from harness.expected import Expected, expected
from harness.jobs import Jobs, computing
from harness.model import Job, LoadSettings, Plan, RunSpec
from harness.observer import Observer, Unseen
from harness.process import ChildProcess, Patience
from harness.registry import benchmark
from harness.results import Calibration, Done, RunResult
from harness.scenarios import BY_NAME
from harness.telemetry import Telemetry
from schemas.errors import Failed
from schemas.loadgen import LoadgenLog

Say = Callable[[str], None]


class Around(Protocol):
    """What happens around a performance run; power does, and nothing else differs."""

    def before(self, spec: RunSpec) -> None:
        """The model is loaded; the run is about to begin."""
        ...

    def after(self, spec: RunSpec, log_dir: Path) -> None:
        """The run has ended and its logs are complete."""
        ...

    def restart(self) -> None:
        """The performance runs begin again from the first one."""
        ...


class NoPower:
    """A run without a meter."""

    def before(self, spec: RunSpec) -> None:
        """Nothing to do."""

    def after(self, spec: RunSpec, log_dir: Path) -> None:
        """Nothing to do."""

    def restart(self) -> None:
        """Nothing to do."""


class Runner:
    """Runs the specs of a plan in order."""

    def __init__(
        self, plan: Plan, folder: Path, around: Around, say: Say, observer: Observer | None = None
    ) -> None:
        """``folder`` takes the logs, one sub-folder per run."""
        self._plan = plan
        self._folder = folder
        self._around = around
        self._say = say
        self._observer = Unseen() if observer is None else observer
        self._scenario = BY_NAME[plan.scenario]
        self._patience = Patience(stall_s=traits(benchmark(plan.workload.benchmark)).stall_s)
        self.done = Done(plan.settings)
        self._jobs = Jobs(plan, folder, self.done)

    def run(self) -> Done:
        """All runs; ``Failed`` for a run that LoadGen or the clock calls invalid."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._observer.planned(self._plan)
        if self._plan.calibrate:
            self._calibrate()
        self._write_user_conf()
        performance = tuple(s for s in self._plan.specs if s.mode == "performance" and s.test is None)
        left = 0 if self._plan.user_conf is not None else self._scenario.corrections
        while (retry := self._run_all(performance, last=left == 0)) is not None:
            left -= 1
            self.done.settings = retry
            self._write_user_conf()
            self._around.restart()
        self._run_all(tuple(s for s in self._plan.specs if s.mode == "accuracy"), last=True)
        for spec in self._plan.specs:
            if spec.test is not None:
                self._run_audit(spec)
        return self.done

    def _run_all(self, specs: tuple[RunSpec, ...], *, last: bool) -> LoadSettings | None:
        """Run specs that share their settings. Corrected settings when one is INVALID for a wrong expectation.

        ``last`` says that there is no further try: an invalid run is ``Failed`` then.
        """
        for spec in specs:
            result, judgement = self._run_once(spec)
            if judgement.valid or self._short_enough(spec, judgement):
                self.done.results[spec.name] = result
                continue
            why = "; ".join(judgement.reasons)
            if last or judgement.retry is None:
                raise self._invalid(result, judgement)
            corrected = " ".join(calibrate.correction(self._scenario, judgement.retry))
            self._say(f"{spec.name}: INVALID ({why}); once more with corrected settings: {corrected}")
            self.done.retried.append(spec.name)
            return judgement.retry
        return None

    def _short_enough(self, spec: RunSpec, judgement: Judgement) -> bool:
        """Whether a rehearsal in Server merely has too few queries; the record says that it was cut short."""
        base = self._plan.baseline
        short = self._plan.request.rehearsal_s is not None or (base is not None and base.rehearsal)
        cut = self._scenario.expects == "load" and short
        if cut and judgement.only_short:
            self._say(f"{spec.name}: LoadGen calls it INVALID ({judgement.reasons[0]}), as short as it is")
        return cut and judgement.only_short

    def _invalid(self, result: RunResult, judgement: Judgement) -> Failed:
        return Failed(
            f"LoadGen calls the {result.spec.name} run INVALID: {'; '.join(judgement.reasons)}; "
            f"{calibrate.advice(self._scenario, judgement, self._plan.user_conf)} (logs: {result.log_dir})"
        )

    def _run_audit(self, spec: RunSpec) -> None:
        """A compliance run with the settings of the result.

        One that is faster than expected is run once more with its own expectation: how fast it may be is for
        its verifier to say. In Server the offered load is the score, so the second run has the same.
        """
        result, judgement = self._run_once(spec)
        if not (judgement.valid or self._short_enough(spec, judgement)) and judgement.retry is not None:
            own = None if self._scenario.expects == "load" else judgement.retry
            again = "its own expectation" if own else "the same load"
            self._say(f"{spec.name}: INVALID ({'; '.join(judgement.reasons)}); once more with {again}")
            self.done.retried.append(spec.name)
            result, judgement = self._run_once(spec, own)
        if not (judgement.valid or self._short_enough(spec, judgement)):
            raise self._invalid(result, judgement)
        self.done.results[spec.name] = result

    def _calibrate(self) -> None:
        self._say(f"calibrating: {self._plan.workload.benchmark} for {CALIBRATION_S:.0f} s")
        folder = self._jobs.fresh("calibration")
        spec = RunSpec("calibration", "performance", None, "calibration")
        job = replace(self._jobs.job(spec, folder), kind="calibrate", seconds=CALIBRATION_S)
        self._observer.began(spec, Expected(CALIBRATION_S))
        with self._child(job, folder) as child:
            self._observer.stage("running")
            found = child.wait_for("calibrated", self._observer.progress)
        batches = tuple((int(size), float(each)) for size, each in found["batches"])
        measured = Calibration(
            found["p50_latency_ms"],
            found["samples_per_second"],
            found["queries"],
            found["fast_latency_ms"],
            found["fast_samples_per_second"],
            batches,
        )
        self.done.calibration = measured
        expected = self._scenario.expectation(measured, self._limit_ms())
        self.done.settings = merged(expected, self.done.settings)
        self._say(
            f"calibrated: {measured.p50_latency_ms:.3g} ms per query, {measured.samples_per_second:.4g} samples/s"
        )

    def _limit_ms(self) -> float | None:
        """The latency limit of Server: the user's, which is not above the round's, or the round's."""
        limit_ns = self._plan.round.benchmark(self._plan.official).latency_constraint_ns(self._plan.scenario)
        return self.done.settings.target_latency_ms or (None if limit_ns is None else limit_ns / 1e6)

    def _write_user_conf(self) -> None:
        path = self._jobs.write_user_conf()
        self._observer.settled({spec.name: self._expected(spec, path) for spec in self._plan.specs})

    def _run_once(self, spec: RunSpec, own: LoadSettings | None = None) -> tuple[RunResult, Judgement]:
        folder = self._jobs.fresh(spec.folder)
        self._observer.began(spec, self._expected(spec, self._jobs.conf(spec, own)))
        job = self._jobs.job(spec, folder, own)
        with self._child(job, folder) as child:
            versions = child.wait_for("ready")["versions"]
            self._observer.stage("preparing")
            self._around.before(spec)
            with ClockWatch() as watch, Telemetry(self._observer.seen) as telemetry:
                self._say(f"{spec.name}: running")
                self._observer.stage("running")
                child.go()
                child.wait_for("done", self._observer.progress)
        room.refuse_filled(folder)
        telemetry.write(folder)
        self._observer.stage("closing")
        self._around.after(spec, folder)
        clock = watch.evidence()
        refused = objection(clock)
        if refused is not None and spec.mode == "performance":
            raise Failed(f"the {spec.name} run is void: {refused}")
        log = LoadgenLog.read(folder / "mlperf_log_detail.txt")
        judgement = calibrate.judge(log, spec.mode, self._scenario, self.done.settings)
        key = self._plan.round.benchmark(self._plan.official).result_key(self._plan.scenario)
        result = RunResult(
            spec=spec,
            log_dir=folder,
            valid=judgement.valid,
            reasons=judgement.reasons,
            query_count=int(log.first("result_query_count") or 0),
            metric=None if spec.mode == "accuracy" or key is None else log.first(key),
            clock=clock,
            versions=versions,
            telemetry=telemetry.summary(),
            computing=computing(job),
        )
        self._observer.ended(result)
        return result, judgement

    def _expected(self, spec: RunSpec, conf: Path) -> Expected:
        return expected(self._plan, spec, conf.read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def _child(self, job: Job, folder: Path) -> Iterator[ChildProcess]:
        """The process of a run, ended whatever happens."""
        child = ChildProcess(job, folder, patience=self._patience)
        try:
            with child, self._told_of_a_fall():
                yield child
        finally:
            if child.left:
                self._say(f"process {child.pid} completes them, which takes some seconds more")

    @contextlib.contextmanager
    def _told_of_a_fall(self) -> Iterator[None]:
        """Draining a child takes its time: say that the run is coming to its end."""
        try:
            yield
        except BaseException as error:
            self._observer.stage("ending")
            if isinstance(error, KeyboardInterrupt):
                self._say("stopping: the run is brought to its end, its logs are kept")
            raise
