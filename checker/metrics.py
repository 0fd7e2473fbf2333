"""The number that a result reports, and its power metric, as the official summary computes them."""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from checker import clocks, stream_energy
from checker.model import Metric
from checker.result import Result
from checker.rule import Absent
from checker.run import Run
from schemas.loadgen import LogGarbled, PowerWindow
from schemas.power_samples import PowerSamples
from schemas.powerlog import NOT_AVAILABLE, BadLine
from schemas.units import UnixNs

STREAMS = ("SingleStream", "MultiStream")
NS_PER_MS = 1_000_000
SAMPLES_PER_QUERY = "*.MultiStream.samples_per_query"
"""Setting of the round that says how many samples a MultiStream query holds (from v2.0 on)."""


def metric(result: Result) -> tuple[Metric, bool]:
    """The reported number, and whether it is inferred from a run of another scenario; ``Absent`` without one."""
    run = result.run
    value, inferred = logged_metric(run), False
    if result.canonical is not None and result.canonical != run.scenario:
        other = _inferred(run, result.canonical)
        value, inferred = (value, False) if other is None else (other, True)
    return Metric(result.rules.result_key(run.scenario) or "", value, _unit(result)), inferred


PLAIN_UNITS = {
    "SingleStream": "Latency (ms)",
    "MultiStream": "Latency (ms)",
    "Offline": "Samples/s",
    "Server": "Queries/s",
    "Interactive": "Queries/s",
}
"""Units of the scenarios in the official summary, for benchmarks that have none of their own."""


def _unit(result: Result) -> str:
    """The unit that the official summary prints; in one round it is looked up by the directory's name."""
    own = result.benchmark.directory if result.round.reading.get("unit_by") == "directory" else None
    if own is not None and own not in result.round.facts["benchmarks"]:
        return PLAIN_UNITS.get(result.scenario, "")
    return str(result.rules.facts["unit"].get(result.scenario, ""))


def logged_metric(run: Run) -> float:
    """The metric of the logged scenario: milliseconds for the streams, else a rate."""
    key = run.result.rules.result_key(run.scenario)
    if key is None:
        raise Absent("effective_scenario", run.log.path, run.scenario, "a scenario with a metric")
    value = float(run.number(key))
    if run.scenario not in STREAMS or _counts_streams(run):
        return value
    seconds = run.result.rules.facts["unit"].get(run.scenario) == "Latency (s)"
    return value / NS_PER_MS / 1000 if seconds else value / NS_PER_MS


def metric_line(run: Run) -> int | None:
    """Where that number stands in the log."""
    key = run.result.rules.result_key(run.scenario)
    return run.line(key) if key is not None else None


def _counts_streams(run: Run) -> bool:
    """Whether the metric is the number of samples that a query can hold: MultiStream up to v1.1."""
    kind = run.result.round.facts.get("multistream", {}).get("kind")
    return run.scenario == "MultiStream" and kind == "samples-per-query-under-latency"


def _inferred(run: Run, wanted: str) -> float | None:
    """The value of a scenario computed from the log of another; None for a pair that nothing is known of."""
    if (wanted, run.scenario) not in inferred_pairs(run.result):
        if wanted in run.result.round.reading.get("numberless", ()):
            raise Absent("effective_scenario", run.log.path, run.scenario, f"{wanted} or SingleStream")
        return None
    if (wanted, run.scenario) == ("Offline", "SingleStream"):
        return float(run.number("result_qps_without_loadgen_overhead"))
    if (wanted, run.scenario) == ("Offline", "MultiStream"):
        mean_ns = run.number("result_mean_query_latency_ns")
        return run.number("effective_samples_per_query") * 1000 / (mean_ns / NS_PER_MS) if mean_ns else 0.0
    if (wanted, run.scenario) == ("MultiStream", "SingleStream"):
        return run.number("early_stopping_latency_ms") * multistream_samples(run.result) / NS_PER_MS
    return None


MULTISTREAM_SAMPLES = 8
"""Samples of a MultiStream query since v2.0 (LoadGen's ``mlperf.conf``)."""


def multistream_samples(result: Result) -> int:
    """The factor between a SingleStream query and a MultiStream one."""
    conf = result.round.facts.get("loadgen", {}).get("conf", {})
    return int(conf.get(SAMPLES_PER_QUERY, MULTISTREAM_SAMPLES))


INFERRED_PAIRS = (("Offline", "SingleStream"), ("Offline", "MultiStream"), ("MultiStream", "SingleStream"))
SAME_PAIRS = (("Interactive", "Server"),)
"""Directory and logged scenario that are one: Interactive is Server with tighter limits."""


def inferred_pairs(result: Result) -> tuple[tuple[str, str], ...]:
    """Directory and logged scenario of the results that may be inferred in the round."""
    pairs = result.round.reading.get("inferred_pairs", INFERRED_PAIRS)
    return tuple((directory, logged) for directory, logged in pairs)


@dataclass(frozen=True)
class Samples:
    """The samples of a power log, and the places of those strictly inside the power window of its run.

    ``keeps_all``: the official mean of the round takes every sample, also those of 0 W or less.
    """

    window: PowerWindow
    all_lines: PowerSamples
    rows: Sequence[int]
    keeps_all: bool = False

    @cached_property
    def inside(self) -> PowerSamples:
        """The samples in the window, in the order of the file."""
        return self.all_lines.picked(self.rows)

    @cached_property
    def usual_ns(self) -> int:
        """The median of the times from one sample in the window to the next later one; 0 without any."""
        at = self.inside.at
        spacings = list(map(operator.sub, at[1:], at))
        spacings = spacings if self.inside.rising else [s for s in spacings if s > 0]
        return int(statistics.median_low(spacings)) if spacings else 0

    @cached_property
    def kept(self) -> tuple[float, ...]:
        """The watts that the official mean is taken over (those above zero, where it does not take all)."""
        watts = self.inside.power_w
        return tuple(watts if self.keeps_all else [w for w in watts if w > 0])

    @cached_property
    def mean(self) -> float:
        """Unweighted mean of the kept watts; NaN without any."""
        if not self.kept:
            return math.nan
        total = sum(self.kept)
        if math.isfinite(total) or all(map(math.isfinite, self.kept)):
            total = math.fsum(self.kept)
        return total / len(self.kept)

    @cached_property
    def plain_mean(self) -> float:
        """Unweighted mean of the kept watts that are plain readings; NaN without any."""
        plain = [w for w in self.inside.power_w if 0 < w < NOT_AVAILABLE]
        return math.fsum(plain) / len(plain) if plain else math.nan


def samples(run: Run, *, written: bool = False) -> Samples:
    """The power log of a run against its window; ``Absent`` when one of them cannot be used.

    Times are put on UTC as the official checker does it, or, where that is wrong and ``written`` is asked for,
    as they were written. Computed once.
    """
    known: dict[object, Samples] = run.__dict__.setdefault("samples", {})
    if written not in known:
        window = power_window(run)
        _refuse_bad_line(run)
        as_they_are = written and not clocks.truly_local(run.result)
        shifts = (0, 0) if as_they_are else clocks.sample_shifts_ns(run.result)
        known[written] = known[shifts] = known.get(shifts) or _samples(run, window, *shifts)
    return known[written]


def _refuse_bad_line(run: Run) -> None:
    """``Absent`` where a line of the power log that counts is no sample."""
    strict = run.result.round.facts["power"].get("every_spl_line_counts", False)
    bad = next((line for line in run.spl.value.bad if strict or _meant(line)), None)
    if bad is not None:
        raise Absent("spl.txt", run.spl.path, f"line {bad.line} {bad.reason}", "a power sample", bad.line)


def _samples(run: Run, window: PowerWindow, at: int, of_line: int) -> Samples:
    lines = run.spl.value.samples.later(of_line)
    begin, end = UnixNs(window.begin_ns + at), UnixNs(window.end_ns + at)
    keeps_all = run.result.round.facts["power"].get("zero_watt_samples") == "kept"
    return Samples(replace(window, begin_ns=begin, end_ns=end), lines, lines.between(begin, end), keeps_all)


def _meant(line: BadLine) -> bool:
    """Whether a line that cannot be used was to be a sample."""
    return line.text.startswith("Time")


def power_window(run: Run) -> PowerWindow:
    """The first power window of a run; ``Absent`` when it has none that can be used."""
    try:
        windows = run.log.value.power_windows
    except LogGarbled as error:
        raise Absent(
            "power_begin/power_end", run.log.path, error.reason, "a pair of times", error.line
        ) from error
    if not windows:
        raise Absent("power_begin/power_end", run.log.path, "no entry", "a pair of times")
    if windows[0].end_ns <= windows[0].begin_ns:
        line = windows[0].end_line
        raise Absent("power_end", run.log.path, "not after power_begin", "a window with a length", line)
    return windows[0]


def power_metric(result: Result, found: Samples) -> Metric:
    """W for the rate scenarios, energy of a query for the streams: in mJ, up to v2.1 in J."""
    if result.scenario not in STREAMS:
        return Metric("system_power", found.mean, "W")
    if result.round.facts["power"].get("stream_energy", {}).get("unit") == "Joules":
        joules = stream_energy.joules(result.run, result.scenario, found.mean, found.window.seconds)
        return Metric("energy_per_stream", joules, "J")
    queries = result.run.number("result_query_count")
    if not queries:
        raise Absent("result_query_count", result.run.log.path, "0", "the number of queries")
    energy = found.mean * found.window.seconds * 1000 / queries
    if (result.scenario, result.run.scenario) == ("MultiStream", "SingleStream"):
        energy *= multistream_samples(result)
    return Metric("energy_per_stream", energy, "mJ")
