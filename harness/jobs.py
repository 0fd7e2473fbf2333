"""What the child process of a run is told, and the files that it is pointed at.

All lies in one folder: a sub-folder per run for its logs, and the settings of LoadGen beside them.
"""

from __future__ import annotations

from pathlib import Path

from harness import loadgen
from harness.audit import issued
from harness.estimate import conf_value
from harness.model import Job, LoadSettings, Plan, RunSpec
from harness.registry import compliance_test
from harness.results import Done

WARM_UP_S = 1.0
"""How long a model is run before its window; a rehearsal that is shorter is not warmed up for longer than it runs."""


class Jobs:
    """The jobs of a plan; ``done`` says which settings hold by now, and what the runs before left behind."""

    def __init__(self, plan: Plan, folder: Path, done: Done) -> None:
        """``folder`` is there, or will be before the first file."""
        self._plan = plan
        self._folder = folder
        self._done = done

    def write_user_conf(self) -> Path:
        """``user.conf`` of all runs: the user's own, or one of the settings that hold by now."""
        path = self._folder / "user.conf"
        if self._plan.user_conf is not None:
            path.write_bytes(self._plan.user_conf.read_bytes())
        else:
            text = loadgen.user_conf_text(self._done.settings, self._plan.loadgen_model, self._plan.scenario)
            path.write_text(text, encoding="utf-8")
        self._done.user_conf = path
        return path

    def fresh(self, name: str) -> Path:
        """A new folder for the logs of one run; an earlier attempt keeps its own under a number."""
        folder = self._folder / name
        if folder.exists():
            number = next(n for n in range(1, 1000) if not (self._folder / f"{name}.attempt{n}").exists())
            folder.rename(self._folder / f"{name}.attempt{number}")
        folder.mkdir(parents=True)
        return folder

    def conf(self, spec: RunSpec, own: LoadSettings | None) -> Path:
        """The conf file of a run: ``user.conf``, or a copy with an expectation of its own."""
        common = self._folder / "user.conf"
        if own is None:
            return common
        path = self._folder / f"{spec.name}.conf"
        text = common.read_text(encoding="utf-8")
        path.write_text(loadgen.with_expectation(text, own, self._plan.scenario), encoding="utf-8")
        return path

    def _mlperf_conf(self) -> str | None:
        """A file with the round's settings, where its LoadGen does not bring them along."""
        round_ = self._plan.round
        if round_.conf_built_in:
            return None
        path = self._folder / "mlperf.conf"
        path.write_text(round_.mlperf_conf_text(), encoding="utf-8")
        return str(path.resolve())

    def _test_settings(self, spec: RunSpec) -> dict[str, int | float]:
        if spec.test is None:
            return {}
        base = self._plan.baseline
        samples = issued(self._done.results["performance"].log_dir) if base is None else base.samples
        return dict(compliance_test(spec.test).settings(self._plan.round, self._plan.official, samples))

    def job(self, spec: RunSpec, folder: Path, own: LoadSettings | None = None) -> Job:
        """The run ``spec`` with its logs in ``folder``; ``own`` are settings that only this run has."""
        plan = self._plan
        count = self._done.settings.performance_sample_count
        rules = plan.round.benchmark(plan.official)
        return Job(
            kind="loadgen",
            benchmark=plan.workload.benchmark,
            loadgen_model=plan.loadgen_model,
            scenario=plan.scenario,
            mode=spec.mode,
            model=str(plan.workload.model.resolve()),
            dataset=str(plan.workload.dataset.resolve()),
            backend=plan.workload.backend,
            threads=plan.workload.threads,
            precision=plan.workload.precision,
            options=dict(plan.workload.options),
            cores=plan.workload.cores,
            token_latencies=bool(conf_value(plan.round, plan.official, plan.scenario, "use_token_latencies")),
            batch=plan.workload.batch,
            log_dir=str(folder.resolve()),
            user_conf=str(self.conf(spec, own).resolve()),
            audit_conf=str(loadgen.audit_path(self._folder).resolve()),
            seconds=min(WARM_UP_S, plan.request.rehearsal_s or WARM_UP_S),
            seeds=dict(plan.round.seeds()),
            test_settings=self._test_settings(spec),
            performance_sample_count=count or rules.performance_sample_count,
            loadgen=None if plan.loadgen is None else str(plan.loadgen.resolve()),
            mlperf_conf=self._mlperf_conf(),
        )


def computing(job: Job) -> dict[str, object]:
    """How the model was computed, for the record."""
    return {
        "backend": job.backend,
        "options": dict(job.options),
        "threads": job.threads,
        "cores": list(job.cores),
        "batch": job.batch,
        "precision": job.precision,
        "warm_up_s": job.seconds,
    }
