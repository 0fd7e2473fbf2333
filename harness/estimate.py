"""How long the runs of a benchmark will take, and whether LoadGen will call them valid, from a short measurement.

LoadGen (facts of 4.1.30): SingleStream and MultiStream prepare queries for twice the duration divided by the
expected latency, and a run that has answered them all ends; Offline issues 1.1 × duration × expected rate
samples in one query; Server spreads duration × rate queries over the duration. No run has fewer queries than
``min_query_count``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.expected import LEAST_QUERIES, OFFLINE_SLACK
from harness.model import LoadSettings
from harness.results import Calibration
from harness.scenarios import Scenario
from schemas.errors import Failed
from schemas.rounds import Round

PREPARED = 2.0
EQUAL_ISSUE = "sample_concatenate_permutation"
"""The key of the setting under which every sample is issued equally often (LoadGen 4.1.30 to 6.0.17: SingleStream then
demands twice the duration's queries at the expected latency, rounded up to whole passes over the loaded samples)."""
QUERY_BYTES = 370
"""Memory of one prepared query; a sample of Offline takes less."""
WARM_UP_S = 5.0
"""Starting a child, importing the runtime, opening the model, warming up; rounded up."""


@dataclass(frozen=True, slots=True)
class Performance:
    """One performance run as it will go: ``queries`` are answered in ``seconds``; ``prepared`` are held in memory.

    ``pace`` is what was measured or expected, in words; ``fault`` what is wrong with an expectation that the
    user gave and ``cure`` the option and value to give instead.
    """

    scenario: str
    seconds: float
    queries: int
    prepared: int
    least: int
    pace: str
    fault: str = ""
    cure: str = ""
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One LoadGen run and how long it will take, loading included."""

    scenario: str
    name: str
    seconds: float


def conf_value(round_: Round, official: str, scenario: str, key: str) -> Any:
    """A setting of the round's ``mlperf.conf``, by LoadGen's order of look-up; None when there is none."""
    conf = (round_.facts.get("loadgen") or {}).get("conf", {})
    model = round_.benchmark(official).loadgen_model
    for where in (f"{model}.{scenario}", f"*.{scenario}", f"{model}.*", "*.*"):
        if f"{where}.{key}" in conf:
            return conf[f"{where}.{key}"]
    return None


def least_queries(round_: Round, official: str, scenario: str) -> int:
    """So many queries a run must have, however long it takes."""
    return int(conf_value(round_, official, scenario, "min_query_count") or LEAST_QUERIES)


def performance(
    round_: Round,
    official: str,
    scenario: Scenario,
    settings: LoadSettings,
    measured: Calibration | None,
    samples: int | None = None,
) -> Performance | None:
    """The performance run of a scenario; None when neither an expectation nor a measurement is there.

    ``samples`` in the data set, None: as many as the round wants.
    """
    least = least_queries(round_, official, scenario.name)
    whole = 1
    if conf_value(round_, official, scenario.name, EQUAL_ISSUE):
        held = round_.benchmark(official).performance_sample_count
        whole = max(1, held if samples is None else min(held, samples))
    length = round_.min_duration_ms / 1000
    try:
        own = (
            None
            if measured is None
            else scenario.expectation(measured, limit_ms(round_, official, scenario, settings))
        )
    except Failed as error:
        return Performance(scenario.name, length, 0, 0, least, "no load keeps the limit", *_parts(str(error)))
    if scenario.expects == "latency":
        latency = settings.target_latency_ms or (own and own.target_latency_ms)
        return _stream(scenario, latency / 1e3, measured, own, least, length, whole) if latency else None
    rate = settings.target_qps or (own and own.target_qps)
    if not rate:
        return None
    return (_offline if scenario.expects == "rate" else _server)(scenario, rate, measured, own, least, length)


def passes(queries: int, whole: int) -> int:
    """So many queries, rounded up to whole passes over ``whole`` samples."""
    return -(-queries // whole) * whole


def limit_ms(round_: Round, official: str, scenario: Scenario, settings: LoadSettings) -> float | None:
    """The latency limit of Server, the user's or the round's; None elsewhere."""
    if scenario.expects != "load":
        return None
    limit_ns = round_.benchmark(official).latency_constraint_ns(scenario.name)
    return settings.target_latency_ms or (None if limit_ns is None else limit_ns / 1e6)


def _parts(sentence: str) -> tuple[str, str]:
    """What was found, and what to do."""
    found, _, cure = sentence.partition("; ")
    return found, cure


def _stream(
    scenario: Scenario,
    expected_s: float,
    measured: Calibration | None,
    own: LoadSettings | None,
    least: int,
    length: float,
    whole: int,
) -> Performance:
    """``whole`` above 1: equal issue, where all that is prepared is demanded, as whole passes over the samples."""
    latency = expected_s if measured is None else measured.p50_latency_ms / 1e3
    prepared = passes(max(least, int(PREPARED * length / expected_s)), whole)
    queries = prepared if whole > 1 else min(prepared, max(least, int(length / latency) + 1))
    least = passes(least, whole)
    seconds = queries * latency
    pace = f"{1e3 * latency:.4g} ms per query" + ("" if measured else " expected")
    fault = cure = ""
    if seconds < length:
        fault = f"with an expected latency of {1e3 * expected_s:.4g} ms it ends after {seconds:.0f} s"
        better = 1e3 * latency * scenario.factor if own is None else own.target_latency_ms
        cure = f"give --target-latency-ms {better:.4g}, or leave it out to calibrate"
    is_long = seconds > 2 * length
    return Performance(scenario.name, seconds, queries, prepared, least, pace, fault, cure, is_long)


def _offline(
    scenario: Scenario,
    expected: float,
    measured: Calibration | None,
    own: LoadSettings | None,
    least: int,
    length: float,
) -> Performance:
    rate = expected if measured is None else measured.samples_per_second
    samples = max(least, int(OFFLINE_SLACK * length * expected))
    seconds = samples / rate
    pace = f"{rate:.4g} samples/s" + ("" if measured else " expected")
    better = f"give --target-qps {own.target_qps if own else rate:.4g}, or leave it out to calibrate"
    fault = cure = ""
    if seconds < length:
        fault, cure = (
            f"with an expected rate of {expected:.4g} samples/s it ends after {seconds:.0f} s",
            better,
        )
    is_long = seconds > 2 * length
    if is_long and samples > least:
        cure = better
    return Performance(scenario.name, seconds, samples, samples, least, pace, fault, cure, is_long)


def _server(
    scenario: Scenario,
    target: float,
    measured: Calibration | None,
    own: LoadSettings | None,
    least: int,
    length: float,
) -> Performance:
    queries = max(least, int(length * target))
    seconds = queries / target
    pace = f"{target:.4g} queries/s offered"
    fault = cure = ""
    if measured is not None and own is not None and own.target_qps is not None:
        pace += f", {measured.samples_per_second:.4g} samples/s measured"
        most = own.target_qps / scenario.factor
        if target > most:
            fault = f"{target:.4g} queries/s are more than the {most:.4g} that keep the latency limit"
            cure = f"give --target-qps {own.target_qps:.4g} or less, or leave it out to calibrate"
    is_long = seconds > 2 * length
    return Performance(scenario.name, seconds, queries, queries, least, pace, fault, cure, is_long)


def runs(
    round_: Round,
    official: str,
    one: Performance,
    *,
    rate: float,
    samples: int,
    load_s: float,
    with_power: bool,
) -> tuple[Run, ...]:
    """All runs of one scenario in their order: ranging, performance, accuracy, compliance tests.

    A performance run that would end early is counted with the length that it must have.
    ``rate`` in samples per second of the scenario, ``samples`` in the data set, ``load_s`` to read one.
    """
    held = min(samples, round_.benchmark(official).performance_sample_count)
    timed = WARM_UP_S + held * load_s + max(one.seconds, round_.min_duration_ms / 1000)
    names = (*(("ranging",) if with_power else ()), "performance")
    accuracy = WARM_UP_S + samples * (load_s + 1.0 / rate)
    return (
        *(Run(one.scenario, name, timed) for name in names),
        Run(one.scenario, "accuracy", accuracy),
        *(Run(one.scenario, name, timed) for name in round_.benchmark(official).compliance_tests),
    )


def size(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def span(seconds: float) -> str:
    """A length of time for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
