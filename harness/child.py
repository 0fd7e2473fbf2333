"""The child process: one LoadGen run, or one calibration, per process.

It reads a job as one JSON line on standard input, then words: ``go`` starts the run after ``ready`` was
said, ``stop`` (or the end of the input: the parent is gone) drains it. It says what happens as JSON lines on
standard output. LoadGen runs in a second thread; the main thread takes signals, counts and speaks.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from importlib import metadata
from typing import IO, Any

from harness import loadgen
from harness.benchmarks.base import Benchmark
from harness.calibrate import fast
from harness.computing import pin
from harness.extras import distribution, need
from harness.model import Job
from harness.opening import opened, refuse_another
from harness.queued import QueuedSut
from harness.registry import benchmark
from harness.scenarios import BY_NAME
from harness.sut import Sut
from schemas.errors import UserError

BEAT_S = 0.25
LEAVE_S = 1.0
"""Server: how long LoadGen is waited for once the run is only being brought to its end."""
DRAIN_S = 60.0
"""The same in the other scenarios, where it goes through all that it has prepared; nobody may be there to end it."""
SWITCH_S = 0.0005
"""Server: how long a worker's Python code may keep the thread waiting that issues at given instants."""


class Child:
    """One job from reading it to the last word."""

    def __init__(self, job: Job, words: IO[str], voice: IO[str]) -> None:
        """``words`` come from the parent, ``voice`` goes there."""
        self._job = job
        self._words = words
        self._voice = voice
        self._go = threading.Event()
        self._ended = threading.Event()
        self._fault: BaseException | None = None
        self._stopped = False
        self._sut: Sut | None = None

    def run(self) -> int:
        """Do the job; 0 when it ran to its end, else 1 with the reason said."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop())
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            return self._work()
        except UserError as error:
            self._say(event="error", kind="user", message=str(error))
        except Exception as error:  # noqa: BLE001 - a child's fault becomes a message to its parent
            traceback.print_exc()
            self._say(event="error", kind="internal", message=f"{type(error).__name__}: {error}")
        return 1

    def _work(self) -> int:
        job = self._job
        bench = benchmark(job.benchmark)
        dataset = bench.dataset(_path(job.dataset))
        model = _path(job.model)
        pin(job.cores)
        engine = opened(
            bench, job.backend, model, threads=job.threads, precision=job.precision, options=job.options
        )
        refuse_another(bench, engine, model)
        kind = QueuedSut if BY_NAME[job.scenario].expects == "load" else Sut
        sut = self._sut = kind(bench, engine, dataset, batch=job.batch)
        if job.kind == "calibrate":
            return self._calibrate(sut, len(dataset))
        sut.warm_up(0, job.seconds)
        self._say(
            event="ready", versions={**engine.versions(), "loadgen": loadgen.version(), **_versions(bench)}
        )
        while not self._go.wait(BEAT_S) and not self._stopped:
            self._beat(sut)
        if self._stopped:
            self._say(event="done", drained=True, completed=0)
            return 0
        return self._measure(sut, len(dataset))

    def _measure(self, sut: Sut, total: int) -> int:
        thread = threading.Thread(target=self._loadgen, args=(sut, total), name="loadgen", daemon=True)
        thread.start()
        drained_at: float | None = None
        while not self._ended.wait(BEAT_S):
            self._beat(sut)
            if sut.draining:
                drained_at = drained_at or time.monotonic()
                if time.monotonic() - drained_at > (LEAVE_S if isinstance(sut, QueuedSut) else DRAIN_S):
                    self._abandon(sut)
        self._beat(sut)
        if self._fault is not None:
            # An exception that went through LoadGen leaves it in a state in which leaving normally crashes.
            self._say(event="error", kind=_kind(self._fault), message=_text(self._fault))
            self._leave(1)
        sut.close()
        if sut.error is not None:
            self._say(event="error", kind=_kind(sut.error), message=_text(sut.error))
            return 1
        self._say(event="done", drained=sut.draining, completed=sut.completed)
        return 0

    def _abandon(self, sut: Sut) -> None:
        """Leave a run that has long to go: LoadGen cannot be told to end, and in Server it waits for each instant of
        its schedule, whatever is answered. Its logs stay without a result, which is what such a run has."""
        error = sut.error or UserError(
            "it was stopped before LoadGen came to the end of what it had prepared"
        )
        self._say(event="error", kind=_kind(error), message=_text(error))
        self._leave(1)

    def _loadgen(self, sut: Sut, total: int) -> None:
        if isinstance(sut, QueuedSut):
            sys.setswitchinterval(SWITCH_S)
        try:
            loadgen.run(self._job, sut, total)
        except BaseException as error:  # noqa: BLE001 - kept for the main thread, which reports it
            self._fault = error
        finally:
            self._ended.set()

    def _calibrate(self, sut: Sut, total: int) -> int:
        sizes = BY_NAME[self._job.scenario].sizes(self._job.batch)
        done: list[list[list[float]]] = []

        def measure() -> None:
            each = self._job.seconds / len(sizes)
            try:
                done.append([sut.measure([i % total for i in range(size)], each) for size in sizes])
            except Exception as error:  # noqa: BLE001 - kept for the main thread, which reports it
                self._fault = error

        thread = threading.Thread(target=measure, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(BEAT_S)
            self._beat(sut)
        if self._fault is not None:
            self._say(event="error", kind=_kind(self._fault), message=_text(self._fault))
            return 1
        rows = [(size, each) for size, each in zip(sizes, done[0], strict=True) if each]
        medians = [(size, statistics.median(each) * 1e3) for size, each in rows]
        self._say(
            event="calibrated",
            p50_latency_ms=medians[0][1] if medians else 0.0,
            samples_per_second=max((size * len(each) / sum(each) for size, each in rows), default=0.0),
            queries=sum(len(each) for _, each in rows),
            fast_latency_ms=fast(rows[0][1]) * 1e3 if rows else 0.0,
            fast_samples_per_second=max((size / fast(each) for size, each in rows), default=0.0),
            batches=medians if isinstance(sut, QueuedSut) else [],
        )
        self._say(event="done", drained=sut.draining, completed=sut.completed)
        return 0

    def _listen(self) -> None:
        for word in self._words:
            if word.strip() == "go":
                self._go.set()
            elif word.strip() == "stop":
                break
        self._stop()

    def _stop(self) -> None:
        self._stopped = True
        if self._sut is not None:
            self._sut.drain()

    def _beat(self, sut: Sut) -> None:
        self._say(event="beat", loaded=sut.loaded, completed=sut.completed)

    def _say(self, **message: object) -> None:
        try:
            self._voice.write(json.dumps(message) + "\n")
            self._voice.flush()
        except BrokenPipeError:
            self._stop()

    def _leave(self, code: int) -> None:
        self._voice.flush()
        sys.stderr.flush()
        os._exit(code)


def _kind(error: BaseException) -> str:
    return "user" if isinstance(error, UserError) else "internal"


def _text(error: BaseException) -> str:
    if isinstance(error, UserError):
        return str(error)
    traceback.print_exception(error)
    return f"{type(error).__name__}: {error}"


def _path(text: str) -> Any:
    from pathlib import Path

    return Path(text)


def _versions(bench: Benchmark) -> Mapping[str, str]:
    import platform

    versions = {"python": platform.python_version(), "numpy": str(need("numpy").__version__)}
    for module in bench.extra:
        versions[distribution(module)] = metadata.version(distribution(module))
    return versions


def told() -> tuple[Job, IO[str]]:
    """What the parent wants, and the line to answer it on. LoadGen and runtimes may print: what they say goes to the
    log, the parent's line stays ours."""
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = Job.from_json(json.loads(sys.stdin.readline()))
    if job.loadgen is not None:
        sys.path.insert(0, job.loadgen)
    return job, voice


def main() -> int:
    """Entry point of ``python -m harness.child``."""
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    job, voice = told()
    return Child(job, sys.stdin, voice).run()


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    time.sleep(0)
    os._exit(code)
