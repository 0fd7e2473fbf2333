"""The performance runs of the rounds before early stopping: latencies as they are, and five runs of Server."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model import Problem
from checker.rule import run_rule
from checker.run import Run


@run_rule(
    "performance/latency-percentile",
    title="The 99th percentile is within the latency bound",
    fix="Lower the load until the bound is met, and run again.",
    good="99.00 percentile latency (ns): 49305533 (resnet, MultiStream: 50000000)",
    bad="99.00 percentile latency (ns): 61000000",
    until="v1.1",
)
def latency_percentile(run: Run) -> Iterator[Problem]:
    """In Server and in the old MultiStream a score counts only if the queries were answered in time: 99 of a
    hundred within the bound of the benchmark (97 for gnmt). The official checkers of these rounds print it and
    trust LoadGen's verdict; that of v0.5 does not look."""
    limit = run.result.rules.latency_constraint_ns(run.scenario)
    if limit is None:
        return
    percentile = run.result.rules.facts.get("latency_percentile", {}).get(run.scenario, 99)
    per_query = "per_query_" if run.scenario == "MultiStream" else ""
    key = f"result_{percentile:.2f}_percentile_{per_query}latency_ns"
    found = run.number(key)
    if found > limit:
        message = f"{key} is {found}, above the bound of {limit}"
        yield Problem(message, run.log.path, str(found), f"at most {limit} ns", run.line(key))
