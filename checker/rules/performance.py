"""The performance run: what LoadGen was told, and what it says came out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from checker import metrics
from checker.model import Effect, Problem, Severity
from checker.result import Result
from checker.rule import INFERENCE, effects, rule, run_rule
from checker.run import Run, in_summary
from checker.schema_rules import of_run


@run_rule(
    "performance/validity",
    title="LoadGen calls the run VALID",
    fix="Read the reasons at the end of mlperf_log_summary.txt, change target or duration, and run again.",
    good="result_validity: VALID",
    bad="result_validity: INVALID",
    forgiven_by=("duration", "queries", "early_stopping"),
)
def validity(run: Run) -> Iterator[Problem]:
    """LoadGen itself decides whether a run met its minimum duration, its query count, its latency bound and
    early stopping. A run that it calls INVALID has no result, in every division."""
    aspect = "token-latencies" if run.result.rules.facts["llm_check"] else None
    for problem in of_run(run, "performance/validity"):
        yield replace(problem, aspect=aspect)


def _with_effect(problem: Problem, effect: Effect) -> Problem:
    return replace(problem, effect=effect)


@run_rule(
    "performance/loadgen-errors",
    title="No errors in the detail log of the performance run",
    fix="Correct what the entry names and run again; an unmodified LoadGen logs no errors.",
    good='"metadata": {"is_error": false}',
    bad='"metadata": {"is_error": true}',
)
def loadgen_errors(run: Run) -> Iterator[Problem]:
    """An entry that LoadGen marks as an error says that the run was not what it should be: settings that may
    not be changed, a build with local changes, queries that were answered twice."""
    errors = run.log.value.errors
    if errors:
        first = errors[0]
        yield Problem(
            f"{len(errors)} errors in the detail log, the first is {first.key}: {str(first.value)[:160]}",
            run.detail_path,
            found=f"{len(errors)} errors",
            wanted="none",
            line=first.line,
        )


@run_rule(
    "performance/sample-count",
    title="Enough samples are held in memory",
    fix="Set performance_sample_count_override as in the round's mlperf.conf, or leave it alone, and run again.",
    good="effective_performance_sample_count: 1024 (resnet)",
    bad="effective_performance_sample_count: 500 (resnet)",
    forgiven_by=("performance_sample_count",),
)
def sample_count(run: Run) -> Iterator[Problem]:
    """LoadGen draws its queries from the samples that are loaded. With too few of them caches would hold
    the whole set, so every benchmark has a smallest number."""
    return of_run(run, "performance/sample-count", raises=True)


@run_rule(
    "performance/seeds",
    title="The round's random seeds are used",
    fix="Use the mlperf.conf of this round (LoadGen of the round has it built in) and run again.",
    good="effective_qsl_rng_seed: 2085463073848966840 (v6.1)",
    bad="effective_qsl_rng_seed: 12345",
)
def seeds(run: Run) -> Iterator[Problem]:
    """The seeds of a round are published shortly before the deadline, so that nobody can tune for the order
    of the samples. TEST05 has its own set. The official checker looks for the word TEST05 anywhere in the
    path, also in the name of a submitter."""
    named = run.result.round.facts["seeds"].get("TEST05")
    by_path = named is not None and "TEST05" in run.path and run.test != "TEST05"
    wrong = list(of_run(run, "performance/seeds", raises=in_summary(run.result.round)))
    if not by_path:
        yield from wrong
        return
    values = {key: run.log.value.first(f"effective_{key}") for key in named}
    accepted = values == dict(named)
    for problem in wrong:
        yield _with_effect(problem, Effect.NONE) if accepted else problem
    if not wrong:
        yield Problem(
            "the seeds are right, but the path holds the word TEST05 and the official checker wants that test's",
            run.log.path,
            found="seeds of the round",
            wanted="no directory named TEST05",
            severity=Severity.WARNING,
        )


@run_rule(
    "performance/early-stopping",
    title="Early stopping is satisfied",
    fix="Let the run take longer: more queries are needed for the confidence bound of this percentile.",
    good="early_stopping_met: true",
    bad="early_stopping_met: false",
    since="v2.0",
    forgiven_by=("early_stopping",),
)
def early_stopping(run: Run) -> Iterator[Problem]:
    """In SingleStream, MultiStream and Server LoadGen estimates a percentile with a confidence bound; below
    a smallest number of queries there is no estimate. The official checker prints it up to v5.1 and goes on."""
    return of_run(run, "performance/early-stopping")


@run_rule(
    "performance/server-latency",
    title="The Server latency bound is not above the round's",
    fix="Set target_latency to the constraint of the benchmark or below, and run again.",
    good="effective_target_latency_ns: 15000000 (resnet)",
    bad="effective_target_latency_ns: 20000000 (resnet)",
    since="v2.0",
)
def server_latency(run: Run) -> Iterator[Problem]:
    """In Server the score counts only with the 99th percentile within the benchmark's constraint. LoadGen
    judges with the configured bound, so that one must not be looser."""
    return of_run(run, "performance/server-latency", raises=True)


@run_rule(
    "performance/p99-latency",
    title="The 99th percentile is within the latency bound of the directory",
    fix="Lower the load until the 99th percentile is within the constraint, and run again.",
    good="effective_scenario: Interactive; result_99.00_percentile_latency_ns: 1200000000 (qwen3-vl-235b-a22b)",
    bad="effective_scenario: Interactive; result_99.00_percentile_latency_ns: 1600000000 (qwen3-vl-235b-a22b)",
    since="v6.0",
)
def p99_latency(run: Run) -> Iterator[Problem]:
    """Where LoadGen logs a scenario without early stopping, the percentile itself is held to the constraint of the
    scenario that the directory names."""
    result = run.result
    limit = result.rules.latency_constraint_ns(result.scenario)
    if run.streaming or limit is None:
        return
    key = "result_99.00_percentile_latency_ns"
    found = run.number(key)
    if found > limit:
        message = f"{key} is {found}, wanted at most {limit}"
        yield Problem(message, run.log.path, str(found), f"at most {limit} ns", run.line(key))


@run_rule(
    "performance/min-queries",
    title="Enough queries",
    fix="Leave min_query_count at the round's value and run again.",
    good="effective_min_query_count: 1",
    bad="effective_min_query_count: 0",
)
def min_queries(run: Run) -> Iterator[Problem]:
    """Offline sends at least one query. For the other scenarios early stopping decides since v2.0; before, each
    had its number of queries. The official checkers of those rounds only print what is missing. Where the table has
    no number for a scenario that is asked, they meet an exception."""
    yield from of_run(run, "performance/min-queries", raises=True)
    known = run.result.rules.facts["min_queries"]
    asked = run.scenario == "Offline" or not run.result.round.facts["early_stopping_scenarios"]
    if asked and known is not None and run.scenario not in known:
        line, model = run.line("effective_scenario"), run.result.benchmark.model
        message = f"the round has no number of queries for {run.scenario:.40} of {model}"
        yield Problem(message, run.log.path, run.scenario, f"a scenario of {model}", line, raises=True)


@run_rule(
    "performance/offline-samples",
    title="The Offline query has enough samples",
    fix="Raise target_qps until duration times rate reaches the number, or leave min_query_count alone; run again.",
    good="effective_samples_per_query: 24576 (resnet)",
    bad="effective_samples_per_query: 1000 (resnet)",
    since="v0.7",
    forgiven_by=("offline_samples",),
)
def offline_samples(run: Run) -> Iterator[Problem]:
    """The single query of Offline must be large enough that start and end do not matter: at least the
    benchmark's number of samples. From v6.0 on the open division may send fewer, and officially network too."""
    about, round_name = "performance/offline-samples", run.result.round.name
    own, general = effects(round_name, run.result.place.division)[about], effects(round_name)[about]
    forgiven = own is Effect.LOG and general is not Effect.LOG
    for problem in of_run(run, "performance/offline-samples", raises=True):
        yield replace(problem, severity=Severity.NOTE, raises=False) if forgiven else problem


@run_rule(
    "performance/min-duration",
    title="The run is configured for the minimum duration",
    fix="Set min_duration to the 600000 ms of the round or leave it alone, and run again.",
    good="effective_min_duration_ms: 600000",
    bad="effective_min_duration_ms: 30000",
    forgiven_by=("duration",),
)
def min_duration(run: Run) -> Iterator[Problem]:
    """A run lasts at least ten minutes in every scenario, so that clocks, caches and temperature settle. The
    configured duration is compared; LoadGen itself sees to it that the run lasts as long."""
    exempt = run.result.round.facts["limits"].get("min_duration_exempt", ())
    return (
        iter(())
        if run.result.benchmark.model in exempt
        else of_run(run, "performance/min-duration", raises=True)
    )


@run_rule(
    "performance/test-mode",
    title="The run was made in performance mode",
    fix="Run in PerformanceOnly mode; an accuracy run is no performance run.",
    good="effective_test_mode: PerformanceOnly",
    bad="effective_test_mode: AccuracyOnly",
)
def test_mode(run: Run) -> Iterator[Problem]:
    """Only a run in performance mode is paced and timed by LoadGen. The official checker does not look at the
    mode."""
    found = run.log.value.first("effective_test_mode")
    if found is not None and found != "PerformanceOnly":
        yield Problem(
            f"the run was made in mode {found}",
            run.log.path,
            found=str(found)[:80],
            wanted="PerformanceOnly",
            line=run.line("effective_test_mode"),
        )


@rule(
    "performance/inferred-pair",
    title="A log of another scenario stands only where a result may be inferred",
    fix="Put the log of the right scenario into this directory.",
    good="a SingleStream log under offline",
    bad="an Offline log under multistream",
    link=INFERENCE,
    needs=("performance_log",),
)
def inferred_pair(result: Result) -> Iterator[Problem]:
    """On edge systems Offline may be inferred from a SingleStream or MultiStream run, and MultiStream from a
    SingleStream run; up to v1.1 only Offline, from SingleStream. Interactive is logged as Server. The official
    checker up to v5.1 accepts other pairs and prints a number whose unit is wrong."""
    logged = result.run.scenario
    if (
        result.canonical is None
        or logged == result.canonical
        or (result.canonical, logged) in metrics.SAME_PAIRS
    ):
        return
    edge = not result.round.reading.get("inference_needs_edge") or "edge" in result.system.type
    if (result.canonical, logged) not in metrics.inferred_pairs(result) or not edge:
        yield Problem(
            f"the directory says {result.canonical}, the log {logged}",
            result.run.log.path,
            found=logged,
            wanted=result.canonical,
            line=result.run.line("effective_scenario"),
        )


@rule(
    "performance/metric",
    title="The metric of the scenario is in the log",
    fix="Use LoadGen of this round and let the run end by itself.",
    good="result_samples_per_second: 149.84",
    bad="no result_samples_per_second",
    link=INFERENCE,
    needs=("performance_log",),
)
def metric(result: Result) -> Iterator[Problem]:
    """Without its number a result says nothing. Which key counts is a fact of round, benchmark and logged
    scenario. A result of exactly zero is neither listed nor reported as missing by the official checker; with
    power the early ones list it."""
    found, inferred = metrics.metric(result)
    if not math.isfinite(found.value):
        wanted = "a finite number"
        message = f"{found.name} is {found.value}"
        line = result.run.line(found.name)
        yield Problem(message, result.run.log.path, str(found.value), wanted, line, effect=Effect.NONE)
    elif found.value == 0:
        message = f"{found.name} gives a result of 0"
        estimate = inferred and result.canonical == "MultiStream"
        aspect = "zero-with-power" if result.has_power and not estimate else None
        path, line = result.run.log.path, result.run.line(found.name)
        yield Problem(message, path, "0", "above 0", line, aspect=aspect)
