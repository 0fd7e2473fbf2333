"""The only file that knows the LoadGen binding: settings in, a folder of logs out.

Facts about LoadGen 4.1.30 that are respected here: its built-in ``mlperf.conf`` is applied by the first
``FromConfig`` of a process only (hence one process per run); return codes are not exceptions; the default
audit file is ``audit.config`` of the current folder, so a path is always given; tracing writes megabytes per
second and is on by default; the output folder must exist. LoadGen 4.0.1 has no ``mlperf.conf`` built in and reads the
round's from a file, before the user's.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.extras import need
from harness.handback import Answer
from harness.model import Job, LoadSettings
from harness.sut import Sut
from schemas.errors import UserError

NO_AUDIT = "no-audit.config"
"""Name of a file that is never written. LoadGen 4.1.30 calls a run with an audit file INVALID ("Multiple conf
files are used") and ignores some of its keys, so compliance tests set LoadGen's attributes instead."""

TOLD_FIRST = ("SingleStream", "Server")
"""Scenarios in which LoadGen times the first token, where it times tokens (``use_token_latencies``): there it must be
told of it before the answer. In all scenarios an answer then says its number of tokens, which must be above 1."""

_KEYS = {
    "min_duration_ms": "min_duration",
    "min_query_count": "min_query_count",
    "target_latency_ms": "target_latency",
    "target_qps": "target_qps",
}


def user_conf_text(settings: LoadSettings, model: str, scenario: str) -> str:
    """``user.conf`` for one scenario. Keys are as specific as those of the round's ``mlperf.conf``."""
    lines = ["# Settings of this system, written by edgewatt. Latencies and durations in milliseconds."]
    for field, key in _KEYS.items():
        value = getattr(settings, field)
        if value is not None:
            lines.append(f"*.{scenario}.{key} = {_number(value)}")
    if settings.performance_sample_count is not None:
        lines.append(f"{model}.*.performance_sample_count_override = {settings.performance_sample_count}")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def version() -> str:
    """Version of the installed LoadGen package."""
    from importlib.metadata import version as installed

    need("mlperf_loadgen")
    return installed("mlcommons-loadgen")


def settings_for(job: Job) -> Any:
    """LoadGen's settings object for a job; ``UserError`` when a conf file is not accepted."""
    lg = need("mlperf_loadgen")
    settings = lg.TestSettings()
    if job.mlperf_conf is not None:
        settings.FromConfig(job.mlperf_conf, job.loadgen_model, job.scenario)
    code = settings.FromConfig(job.user_conf, job.loadgen_model, job.scenario)
    if code != 0:
        reason = {-2: "it is missing", -22: "it has a line that is not 'model.scenario.key = number'"}.get(
            code, ""
        )
        raise UserError(
            f"LoadGen does not accept {job.user_conf} ({reason or f'code {code}'}); correct the file"
        )
    settings.scenario = getattr(lg.TestScenario, job.scenario)
    settings.mode = lg.TestMode.AccuracyOnly if job.mode == "accuracy" else lg.TestMode.PerformanceOnly
    for name, seed in job.seeds.items():
        setattr(settings, name, seed)
    for name, value in job.test_settings.items():
        setattr(settings, name, value)
    return settings


def run(job: Job, sut: Sut, total: int) -> None:
    """One LoadGen run; logs are in ``job.log_dir`` afterwards. Blocks until LoadGen has come to its end."""
    lg = need("mlperf_loadgen")
    settings = settings_for(job)
    firsts = job.token_latencies and job.scenario in TOLD_FIRST
    sut.connect(
        _Completer(lg.QuerySampleResponse, lg.QuerySamplesComplete),
        _Completer(lg.QuerySampleResponse, lg.FirstTokenComplete) if firsts else None,
    )
    log = lg.LogSettings()
    log.log_output.outdir = job.log_dir
    log.log_output.copy_summary_to_stdout = False
    log.log_output.copy_detail_to_stdout = False
    log.enable_trace = False
    handle = lg.ConstructFastSUT(sut.issue, sut.flush)
    library = lg.ConstructQSL(total, min(total, job.performance_sample_count), sut.load, sut.unload)
    try:
        lg.StartTestWithLogSettings(handle, library, settings, log, job.audit_conf)
    finally:
        lg.DestroyQSL(library)
        lg.DestroyFastSUT(handle)


class _Completer:
    """Hands answers to LoadGen."""

    def __init__(self, response: Any, complete: Any) -> None:
        self._response, self._complete = response, complete
        self._only = response(0, 0, 0)
        self._list = [self._only]
        self._answer = (0, 0)

    def __call__(self, answers: Sequence[Answer]) -> None:
        """Any number of them, from any thread."""
        self._complete(list(itertools.starmap(self._response, answers)))

    def rows(self, ids: Sequence[int], address: int, size: int) -> None:
        """Answers of the same length that lie one behind the other."""
        self._complete(list(map(self._response, ids, itertools.count(address, size), itertools.repeat(size))))

    def one(self, query: int, address: int, size: int) -> None:
        """A single one, from one thread only: the object that LoadGen reads is the same each time."""
        only = self._only
        only.id = query
        if (address, size) != self._answer:
            only.data, only.size = self._answer = address, size
        self._complete(self._list)


def audit_path(work: Path) -> Path:
    """A path that does not exist."""
    return work / NO_AUDIT


def with_expectation(text: str, settings: LoadSettings, scenario: str) -> str:
    """A ``user.conf`` with the expected latency or rate of ``settings`` and everything else as it was."""
    for field in ("target_latency_ms", "target_qps"):
        value, key = getattr(settings, field), f"*.{scenario}.{_KEYS[field]}"
        if value is not None:
            kept = [x for x in text.splitlines() if x.partition("=")[0].strip() != key]
            text = "\n".join([*kept, f"{key} = {_number(value)}"]) + "\n"
    return text


def conf_values(text: str) -> Mapping[str, str]:
    """Keys and values of a conf file, comments left out."""
    rows = (line.split("#", 1)[0].partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, mark, value in rows if mark}
