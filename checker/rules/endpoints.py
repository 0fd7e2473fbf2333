"""Results of a served endpoint (from v6.0 on): no LoadGen, a client's report in place of its logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checker.client_report import plain_number, pointer
from checker.endpoint_metric import endpoint_metric, metric_key
from checker.files import join, read_object
from checker.metrics import SAME_PAIRS
from checker.model import Effect, Problem, Severity
from checker.result import Result
from checker.rule import ENDPOINT, INFERENCE, rule

SCORES = "/accuracy_scores"
ABOUT: dict[str, Any] = {"link": INFERENCE, "since": "v6.0", "kinds": (ENDPOINT,)}
SETTINGS: dict[str, Any] = {**ABOUT, "needs": ("endpoint_settings",)}


@rule(
    "performance/endpoint-benchmark",
    title="The benchmark may be measured at an endpoint",
    fix="Measure the benchmark with LoadGen, or take the result out.",
    good="gpt-oss-120b",
    bad="llama2-70b-99.9",
    **ABOUT,
)
def endpoint_benchmark(result: Result) -> Iterator[Problem]:
    """Only some benchmarks have rules for a client that sends requests to a served model."""
    allowed = result.round.facts["endpoints"]["allowed_models"]
    if result.benchmark.model not in allowed:
        message = f"{result.benchmark.model!r} may not be measured at an endpoint"
        yield Problem(message, result.path, result.benchmark.model, f"one of {', '.join(allowed)}")


@rule(
    "performance/endpoint-config",
    title="The settings of the endpoint run name its scenario",
    fix="Add the config.yaml that the client was started with; its type names the scenario.",
    good="type: offline",
    bad="no type",
    **ABOUT,
)
def endpoint_config(result: Result) -> Iterator[Problem]:
    """Without LoadGen's logs the settings say what was run. The official checker takes every directory without
    both detail logs for an endpoint run, and ends with a traceback where no scenario is named."""
    report = result.client_report
    if report.settings.broken:
        return  # told by structure/readable
    if not report.scenario:
        found = "no settings" if not report.settings.present else f"type: {report.setting('type')!r:.40}"
        path, wanted = report.settings.path, "type: <scenario>"
        yield Problem("the settings name no scenario", path, found, wanted, pointer="/type")
        return
    named = result.round.facts["scenario_aliases"].get(report.scenario, report.scenario)
    if named != result.canonical and (result.canonical, named) not in SAME_PAIRS:
        message = f"the directory says {result.scenario}, the settings {named}"
        path, effect = report.settings.path, Effect.RESULT
        yield Problem(message, path, named, result.scenario, pointer="/type", effect=effect)


@rule(
    "performance/endpoint-seeds",
    title="The round's random seeds are used at the endpoint",
    fix="Set dataloader_random_seed and scheduler_random_seed to those of the round and run again.",
    good="dataloader_random_seed: 2747215439041700203 (v6.1)",
    bad="dataloader_random_seed: 42",
    **SETTINGS,
)
def endpoint_seeds(result: Result) -> Iterator[Problem]:
    """The order of the samples and the times at which they are sent come from the round's seeds. There is no
    library of samples to draw from, so that its seed is not asked for."""
    report, seeds = result.client_report, result.round.seeds()
    for name in ("sample_index_rng_seed", "schedule_rng_seed"):
        found = report.number(f"effective_{name}")
        if found != seeds[name] or isinstance(found, float):
            message = f"{name} is {found}, wanted {seeds[name]}"
            at = pointer(f"effective_{name}")
            yield Problem(message, report.settings.path, str(found), str(seeds[name]), pointer=at)


@rule(
    "performance/endpoint-duration",
    title="The endpoint run is configured for the minimum duration",
    fix="Set settings.runtime.min_duration_ms to the 600000 ms of the round and run again.",
    good="min_duration_ms: 600000",
    bad="min_duration_ms: 60000",
    forgiven_by=("duration",),
    **SETTINGS,
)
def endpoint_duration(result: Result) -> Iterator[Problem]:
    """A served model warms up and settles like any other system."""
    report, least = result.client_report, result.round.min_duration_ms
    if result.benchmark.model in result.round.facts["limits"]["min_duration_exempt"]:
        return
    found = report.number("effective_min_duration_ms")
    if found is None or found < least:
        message = f"min_duration_ms is {found}, wanted at least {least}"
        wanted, at = f"at least {least}", pointer("effective_min_duration_ms")
        known = found is not None
        yield Problem(message, report.settings.path, str(found), wanted, pointer=at, excusable=known)


@rule(
    "performance/endpoint-metric",
    title="The metric of the scenario is in the client's report",
    fix="Use the client of this round and keep the result_summary.json that it writes.",
    good='"tps": 15000.5',
    bad="no tps",
    **ABOUT,
)
def metric(result: Result) -> Iterator[Problem]:
    """Without its number a result says nothing. Round v6.0 has no table of metrics for endpoints, so that none of
    its endpoint results can be listed."""
    path = result.client_report.performance.path
    key = metric_key(result)
    if key is None:
        yield Problem(
            f"round {result.round.name} has no metric for an endpoint", path, "none", "a later round"
        )
        return
    found = endpoint_metric(result)
    if found is None:
        reason = result.client_report.performance.broken
        yield Problem(f"the report has no value for {key}", path, reason or "no number", key)
    elif found.value == 0:
        yield Problem(f"{key} gives a result of 0", path, "0", "above 0")


@rule(
    "performance/endpoint-failures",
    title="No request failed at the endpoint",
    fix="Find out why requests failed, and run again.",
    good='"n_samples_failed": 0',
    bad='"n_samples_failed": 12',
    **ABOUT,
)
def failures(result: Result) -> Iterator[Problem]:
    """A request that failed was not answered; LoadGen would call such a run INVALID. The official checker does
    not look at it in the performance part."""
    found = result.client_report.failures
    if found:
        report = result.client_report
        message, at = f"{found} requests failed", report.failures_pointer
        yield Problem(message, report.performance.path, str(found)[:40], "0", pointer=at)


@rule(
    "accuracy/endpoint-score",
    title="The client's report has an accuracy score",
    fix="Run the accuracy part with the data set of the benchmark and keep accuracy_results.json.",
    good='"score": 82.9',
    bad="no score",
    **ABOUT,
)
def score(result: Result) -> Iterator[Problem]:
    """A result without accuracy may come from any model. The official checker compares the score with the target
    for one benchmark only; how the others are scaled is not known, so theirs is not compared here either."""
    report = result.client_report
    found = report.score
    if found is None:
        reason = report.accuracy.broken or "nothing"
        yield Problem("the report has no score", report.accuracy.path, reason, "a score", pointer=SCORES)
        return
    if result.benchmark.model not in result.round.facts["endpoints"]["scored_models"] or not result.strict:
        return
    for target in result.rules.lower_limits(result.scenario):
        if not plain_number(found) or not found >= target.limit:
            message = f"{target.metric} is {found!r:.40}, below the target {target.limit:.10g}"
            wanted = f"at least {target.limit:.10g}"
            yield Problem(message, report.accuracy.path, repr(found)[:40], wanted, pointer=SCORES)


@rule(
    "compliance/endpoint-audit",
    title="The audits of an endpoint run passed",
    fix="Run the audit again, and put its audit_<name>.json into audit/.",
    good='{"test": "output_caching_test", "passed": true}',
    bad='{"test": "output_caching_test", "passed": false}',
    **ABOUT,
)
def audit(result: Result) -> Iterator[Problem]:
    """The client repeats its run as the audit tests want it and writes down whether it passed. Only for some
    benchmarks an audit that is not there is a breach; for the others it is a warning."""
    if not result.strict:
        return
    endpoints = result.round.facts["endpoints"]
    for test in result.rules.compliance_tests:
        if test in endpoints["audit_names"]:
            yield from _audit(result, test, endpoints["audit_names"][test])
        elif test == "TEST09":
            yield from _output_length(result)


def _audit(result: Result, test: str, name: str) -> Iterator[Problem]:
    path = join(result.path, f"audit/audit_{name}.json")
    source = result.submission.source(path, "endpoint_json", read_object)
    if not source.present:
        needed = test in result.round.facts["endpoints"]["needed_audits"].get(result.benchmark.model, ())
        message = f"the audit {name} ({test}) is missing"
        severity = None if needed else Severity.WARNING
        effect = None if needed else Effect.NONE
        yield Problem(message, path, "nothing", "an audit that passed", severity=severity, effect=effect)
        return
    document = source.value if source.usable else {}
    if document.get("test") != name or document.get("passed") is not True:
        found = f"test {document.get('test')!r:.40}, passed {document.get('passed')!r:.20}"
        message = f"the audit {name} ({test}) did not pass"
        at = "/passed" if document.get("test") == name else "/test"
        yield Problem(message, path, source.broken or found, f"test {name}, passed true", pointer=at)


def _output_length(result: Result) -> Iterator[Problem]:
    report = result.client_report
    low, high = result.round.facts["limits"]["test09_mean_output_tokens"]
    found = report.number("mean_output_tokens")
    if found is None or not low <= found <= high:
        message = f"TEST09: the mean output is {found} tokens long, wanted {low} to {high}"
        wanted, at = f"{low} to {high}", pointer("mean_output_tokens")
        yield Problem(message, report.performance.path, str(found), wanted, pointer=at)
