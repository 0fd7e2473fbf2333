"""Where each number of a result comes from: files and lines, and the formula with the numbers filled in.

``filled`` is an expression of plain numbers with ``+ - * / sqrt()``; worked out, it gives the number of the report.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from checker import metrics
from checker.explorer.uncertainty import Uncertainty, average_u95
from checker.result import Result
from checker.rule import ENDPOINT, Absent
from checker.rules.accuracy import read
from checker.rules.quality import judge
from checker.run import Run

T = TypeVar("T")
_NAME = re.compile(r"[a-z][a-z_]+")
_PERCENTILE = re.compile(r"result_(\d+\.\d+)_percentile_(?:per_query_)?latency_ns\Z")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the tree and its lines, counted from 1; no lines where the whole file is meant."""

    path: str
    line: int | None = None
    last_line: int | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit, where it was read, and how it follows from what was read (empty: as written)."""

    name: str
    value: float
    unit: str
    sources: tuple[Source, ...]
    formula: str = ""
    filled: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """All numbers of a result, and its latencies: percentile and milliseconds, as its log has them."""

    numbers: tuple[Number, ...]
    latencies: tuple[tuple[float, float], ...]
    samples_per_joule: float | None
    uncertainty: Uncertainty | None


def told(result: Result) -> Told:
    """What the files of a result say; a part that cannot be read is left out."""
    numbers = [n for part in (_performance, _accuracy, _power) for n in _readable(result, part)]
    efficient = next(_readable(result, _efficiency), None)
    sure = next(_readable(result, _uncertainty), None)
    found = sure[1] if sure else None
    numbers += [n for n in (efficient, sure[0] if sure else None) if n is not None]
    return Told(tuple(numbers), _latencies(result), efficient.value if efficient else None, found)


def _readable(result: Result, part: Callable[[Result], Iterator[T]]) -> Iterator[T]:
    """What a part tells before it meets something that cannot be read."""
    try:
        yield from part(result)
    except Absent:
        return


def _performance(result: Result) -> Iterator[Number]:
    if result.kind == ENDPOINT:
        return
    number, _ = metrics.metric(result)
    run = result.run
    formula, names = _metric_formula(result, number.name)
    lines = tuple(Source(run.log.path, run.line(name)) for name in names)
    filled = _fill(formula, run) if formula else ""
    yield Number("performance", number.value, number.unit, lines, formula, filled)


def _metric_formula(result: Result, key: str) -> tuple[str, tuple[str, ...]]:
    """How the reported number follows from keys of the log; empty where it is one of them."""
    run, pair = result.run, (result.canonical, result.run.scenario)
    if pair[0] is not None and pair[0] != pair[1] and pair in metrics.inferred_pairs(result):
        if pair == ("Offline", "SingleStream"):
            return "", ("result_qps_without_loadgen_overhead",)
        if pair == ("Offline", "MultiStream"):
            names = ("effective_samples_per_query", "result_mean_query_latency_ns")
            return "effective_samples_per_query * 1000 / (result_mean_query_latency_ns / 1000000)", names
        factor = metrics.multistream_samples(result)
        return f"early_stopping_latency_ms * {factor} / 1000000", ("early_stopping_latency_ms",)
    raw, value = run.number(key), metrics.logged_metric(run)
    if value == raw:
        return "", (key,)
    if value == raw / metrics.NS_PER_MS:
        return f"{key} / 1000000", (key,)
    return f"{key} / 1000000 / 1000", (key,)


def _fill(formula: str, run: Run, **known: float) -> str:
    """The formula with a number in place of each name: a given one, else that of the log."""

    def number(found: re.Match[str]) -> str:
        name = found[0]
        if name == "sqrt":
            return name
        return repr(known[name] if name in known else run.number(name))

    return _NAME.sub(number, formula)


def _accuracy(result: Result) -> Iterator[Number]:
    text = read(result)
    for target in result.rules.lower_limits(result.scenario):
        seen = text.last(target.metric)
        if seen is not None and seen.value is not None:
            where = (Source(result.accuracy_txt.path, seen.line),)
            yield Number(f"accuracy {target.metric}", seen.value, "", where)


def _power(result: Result) -> Iterator[Number]:
    if not result.has_power:
        return
    found = metrics.samples(result.run)
    if not found.kept:
        return
    metric, where = metrics.power_metric(result, found), _samples_from(result, found)
    total = math.fsum(found.kept)
    yield Number(
        "average_watts", found.mean, "W", where,
        "sum of the watts of the samples inside the window / number of them", f"{total!r} / {len(found.kept)}",
    )  # fmt: skip
    window = found.window
    yield Number(
        "window", window.seconds, "s", where[:1], "power_end - power_begin, seconds",
        f"({int(window.end_ns)} - {int(window.begin_ns)}) / 1000000000",
    )  # fmt: skip
    if metric.name == "energy_per_stream":
        formula, keys = _energy_formula(result)
        filled = _fill(formula, result.run, avg_watts=found.mean, duration_s=window.seconds)
        lines = tuple(Source(result.run.log.path, result.run.line(key)) for key in keys)
        yield Number("energy_per_stream", metric.value, metric.unit, (*where, *lines), formula, filled)
    else:
        yield Number("system_power", metric.value, metric.unit, where, "average_watts", repr(found.mean))
    quality = judge(result)
    if quality is not None and quality.energy is not None:
        energy = quality.energy
        covered, length = sum(energy.weights_ns), energy.end_ns - energy.begin_ns
        yield Number("coverage", energy.coverage, "", where,
                     "time that good samples stand for / length of the window", f"{covered} / {length}")  # fmt: skip
        yield Number("energy_joules", energy.energy_j, "J", where, "joules of good samples + joules of gaps bridged",
                     f"{energy.measured_j!r} + {energy.bridged_j!r}")  # fmt: skip


def _samples_from(result: Result, found: metrics.Samples) -> tuple[Source, ...]:
    window, spl = found.window, result.run.spl.path
    return (
        Source(result.run.log.path, window.begin_line, window.end_line),
        Source(spl, found.inside[0].line, found.inside[-1].line),
    )


def _energy_formula(result: Result) -> tuple[str, tuple[str, ...]]:
    """The round's formula of the energy of a query, and the keys of the log in it."""
    facts, inferred = (
        result.round.facts["power"],
        (result.scenario, result.run.scenario) == ("MultiStream", "SingleStream"),
    )
    stream = facts.get("stream_energy", {})
    if stream.get("unit") == "Joules":
        formula = str(stream[result.scenario]).replace("*", " * ").replace("/", " / ")
        factor = stream["inferred_multistream_factor"] if inferred else None
    else:
        formula = "avg_watts * duration_s * 1000 / result_query_count"
        factor = metrics.multistream_samples(result) if inferred else None
    keys = tuple(k for k in _NAME.findall(formula) if k not in ("avg_watts", "duration_s"))
    return (f"{formula} * {factor}" if factor else formula), keys


def _efficiency(result: Result) -> Iterator[Number]:
    """Samples (tokens, queries) per joule: the rate over the watts; for streams what a run answered over its energy."""
    if not result.has_power:
        return
    found, run = metrics.samples(result.run), result.run
    watts = found.mean
    if not found.kept or not watts > 0 or not math.isfinite(watts):
        return
    number, _ = metrics.metric(result)
    where = _samples_from(result, found)
    if number.unit.endswith("/s"):
        rate = Source(run.log.path, run.line(number.name))
        unit = number.unit.removesuffix("/s") + "/J"
        yield Number("samples_per_joule", number.value / watts, unit, (rate, *where), "performance / average_watts",
                     f"{number.value!r} / {watts!r}")  # fmt: skip
    elif number.unit.startswith("Latency"):
        keys = ("result_query_count", "effective_samples_per_query")
        formula = "result_query_count * effective_samples_per_query / (avg_watts * duration_s)"
        seconds = found.window.seconds
        value = run.number(keys[0]) * run.number(keys[1]) / (watts * seconds)
        lines = tuple(Source(run.log.path, run.line(key)) for key in keys)
        filled = _fill(formula, run, avg_watts=watts, duration_s=seconds)
        yield Number("samples_per_joule", value, "Samples/J", (*lines, *where), formula, filled)


def _uncertainty(result: Result) -> Iterator[tuple[Number, Uncertainty]]:
    found = average_u95(result)
    if found is not None:
        path = Source(result.server.path) if found.measured else Source(result.ptd_logs.path)
        yield Number("average_u95_w", found.u95_w, "W", (path,), found.formula, found.filled), found


def _latencies(result: Result) -> tuple[tuple[float, float], ...]:
    """Percentile and milliseconds, with the least and the largest as 0 and 100."""
    if result.kind == ENDPOINT or not result.performance_log.usable:
        return ()
    found: dict[float, float] = {}
    for entry in result.performance_log.value.entries:
        match = _PERCENTILE.match(entry.key)
        at = (
            float(match[1])
            if match
            else {"result_min_latency_ns": 0.0, "result_max_latency_ns": 100.0}.get(entry.key)
        )
        value = entry.value if at is not None else None
        if (
            at is not None
            and isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(value)
        ):
            found.setdefault(at, value / metrics.NS_PER_MS)
    return tuple(sorted(found.items())) if len(found) > 2 else ()
