"""The number that an endpoint result reports."""

from __future__ import annotations

from checker.client_report import plain_number
from checker.metrics import NS_PER_MS, STREAMS
from checker.model import AccuracyValue, Metric
from checker.result import Result


def metric_key(result: Result) -> str | None:
    """The key of the metric: the table of the round for endpoints, unless the benchmark has one of its own.

    None in a round without such a table.
    """
    endpoints = result.round.facts["endpoints"]
    if endpoints["result_key"] is None or result.canonical is None:
        return None
    own = result.benchmark.rules.result_key(result.canonical) if result.benchmark.rules else None
    usual = endpoints["usual_result_key"].get(result.canonical)
    found: str | None = (
        own if own is not None and own != usual else endpoints["result_key"].get(result.canonical.lower())
    )
    return found


def endpoint_metric(result: Result) -> Metric | None:
    """The number with its unit; milliseconds for the streams. None when the report has none."""
    key = metric_key(result)
    value = None if key is None else result.client_report.number(key)
    if key is None or value is None:
        return None
    unit = result.benchmark.rules.facts["unit"].get(result.scenario, "") if result.benchmark.rules else ""
    return Metric(key, value / NS_PER_MS if result.canonical in STREAMS else float(value), unit)


def endpoint_accuracy(result: Result) -> tuple[AccuracyValue, ...]:
    """The first score, under the name of the benchmark's first accuracy."""
    found, rules = result.client_report.score, result.benchmark.rules
    if rules is None or not plain_number(found):
        return ()
    targets = rules.lower_limits(result.scenario)
    judged = result.benchmark.model in result.round.facts["endpoints"]["scored_models"]
    name, least = (targets[0].metric, targets[0].limit) if targets else ("score", None)
    return (AccuracyValue(name, float(found), least if judged else None, None, str(found)),)
