"""Our own rules on clocks: evidence of a step, a power window of another length than the run, a stalled query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checker import clock_evidence, metrics
from checker.files import Source
from checker.model import Problem, Severity
from checker.result import Result
from checker.rule import INFERENCE, POWER, rule
from checker.run import Run

STEP_S = 0.5
"""Half of the time that a sample stands for. Clocks that are only slewed differ by at most 0.3 s in ten minutes (500
ppm); published sessions by at most 0.02 s, their offsets by at most 0.27 s."""
LENGTH = 0.005
LENGTH_S = 2.0
"""Share and seconds by which the power window may differ from LoadGen's own time. Published runs: at most 0.9 s."""
FOREVER_NS = 1e20
"""No latency: three thousand years."""
STALL = 20
STALL_NS = 5_000_000_000
"""A stalled query: this many times the 99.9th percentile, and at least five seconds."""


@rule(
    "quality/clock",
    severity=Severity.WARNING,
    title="No clock stepped, and client and director agree",
    fix="Let NTP settle before the session, slew instead of stepping, and measure again.",
    good="wall clock and monotonic clock advance alike to 0.02 s",
    bad="the client's clock went 3.2 s back while testing",
    link=POWER,
    needs=("client", "server"),
)
def clock(result: Result) -> Iterator[Problem]:
    """The power window is told by the client's wall clock and the samples by the director's. A step of either, or
    clocks that are apart, moves the window against the samples. The session files hold wall and monotonic clock at
    every phase, and the director's time each time the client asked for it."""
    if not result.has_power:
        return
    for side, source in (("client", result.client), ("director", result.server)):
        yield from _stepped(side, source)
    found = clock_evidence.offsets(result.client.value)
    if not found:
        return
    worst, bound = max(found, key=lambda pair: abs(pair[0]) - pair[1])
    if abs(worst) - bound > STEP_S:
        yield Problem(
            f"the director's clock is {worst:+.2f} s off the client's, give or take {bound:.2f} s",
            result.client.path,
            found=f"{worst:+.2f} s",
            wanted=f"within {STEP_S} s",
            pointer="/messages",
        )


def _stepped(side: str, source: Source[dict[str, Any]]) -> Iterator[Problem]:
    worst = max(clock_evidence.steps(source.value), key=lambda s: abs(s.seconds), default=None)
    if worst is not None and abs(worst.seconds) > STEP_S:
        yield Problem(
            f"the {side}'s wall clock moved {worst.seconds:+.2f} s against its monotonic clock in {worst.mode}",
            source.path,
            found=f"{worst.seconds:+.2f} s",
            wanted=f"within {STEP_S} s",
            pointer=f"/phases/{worst.mode}/{worst.phase + 1}",
        )


@rule(
    "quality/window-length",
    severity=Severity.WARNING,
    title="The power window is one, and as long as the measured run",
    fix="Use an unmodified LoadGen; look for a clock that stepped; measure again.",
    good="window 600.017 s, LoadGen's own time 600.024 s",
    bad="window 480 s, LoadGen's own time 600 s",
    link=POWER,
    needs=("performance_log",),
)
def window_length(result: Result) -> Iterator[Problem]:
    """The window is the performance phase, no more and no less: loading and warming up do not belong to it. LoadGen's
    log has times of its own, so a window that was moved, cut or taken from another run shows, and so does a clock
    that stepped."""
    if not result.has_power:
        return
    for run in (result.run, result.ranging):
        if run.log.usable:
            yield from _length(run)


def _length(run: Run) -> Iterator[Problem]:
    windows, path = len(run.log.value.all("power_begin")), run.log.path
    if windows > 1:
        yield Problem(
            f"the log holds {windows} power windows",
            path,
            f"{windows} windows",
            "one",
            run.line("power_begin"),
        )
        return
    wanted, line = clock_evidence.loadgen_seconds(run.log.value), run.line("power_begin")
    if wanted is None:
        return
    found = metrics.power_window(run).seconds
    if abs(found - wanted) > max(LENGTH_S, LENGTH * wanted):
        message = (
            f"the power window is {found:.1f} s long, the run took {wanted:.1f} s by LoadGen's own times"
        )
        yield Problem(message, path, f"{found:.1f} s", f"{wanted:.1f} s", line)


@rule(
    "quality/stall",
    severity=Severity.WARNING,
    title="No query took as long as a clock step or a sleeping machine",
    fix="Switch off suspend and clock steps while the benchmark runs, and run again.",
    good="slowest query 13 ms, 99.9th percentile 12 ms",
    bad="slowest query 96 s, 99.9th percentile 322 ms",
    link=INFERENCE,
    needs=("performance_log",),
)
def stall(result: Result) -> Iterator[Problem]:
    """LoadGen reads the wall clock. A clock that was set, or a machine that slept, shows as one latency far above all
    others, or as one below zero; the percentiles hide it, the duration and the rate do not."""
    run = result.run
    least, most, usual = (
        _number(run, key)
        for key in ("result_min_latency_ns", "result_max_latency_ns", "result_99.90_percentile_latency_ns")
    )
    if least is not None and least < 0:
        line = run.line("result_min_latency_ns")
        yield Problem(f"a query took {least / 1e9:.3f} s", run.log.path, f"{least:g} ns", "more than 0", line)
    if most is not None and usual is not None and most > max(STALL_NS, STALL * usual):
        message = f"the slowest query took {most / 1e9:.1f} s, 999 of 1000 at most {usual / 1e9:.3g} s"
        line = run.line("result_max_latency_ns")
        yield Problem(message, run.log.path, f"{most / 1e9:.1f} s", f"near {usual / 1e9:.3g} s", line)


def _number(run: Run, key: str) -> float | None:
    entry = run.entry(key)
    found = entry.value if entry is not None and not entry.is_list else None
    if isinstance(found, bool) or not isinstance(found, int | float) or abs(found) > FOREVER_NS:
        return None
    return float(found)
