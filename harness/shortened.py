"""What a result has less of than the round wants, read from the log of its performance run.

LoadGen writes the settings in force into its log, whoever set them: a rehearsal, a small data set, or a user's
own ``--user-conf`` by whatever key. So the record says what was, not what was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.model import Plan
from harness.registry import benchmark
from harness.results import Done
from schemas.loadgen import LoadgenLog

PERCENTILE = "effective_target_latency_percentile"
Cut = tuple[str, float, float]
"""Name in the record, value used, value wanted."""


def shortened(plan: Plan, done: Done) -> dict[str, Any]:
    """The cuts by name, each with what was used and what the round wants; only those that apply are there."""
    found = {}
    runs = [r for r in done.results.values() if r.spec.mode == "performance"]
    if runs:
        own = done.results.get("performance", runs[0])
        log = LoadgenLog.read(own.log_dir / "mlperf_log_detail.txt")
        cuts = (c for c in _logged(plan, log) if c[1] < c[2])
        found = {name: {"used": used, "wanted": wanted} for name, used, wanted in cuts}
    full = benchmark(plan.workload.benchmark).full_set
    if plan.samples < full:
        found["dataset_size"] = {"used": plan.samples, "wanted": full}
    return found


def _logged(plan: Plan, log: LoadgenLog) -> Iterator[Cut]:
    """Every value that the round has a limit for, cut or not."""
    round_, official, scenario = plan.round, plan.official, plan.scenario
    rules = round_.benchmark(official)
    each = log.first("effective_samples_per_query")
    wanted: dict[str, tuple[Any, Any]] = {
        "min_duration_ms": (log.first("effective_min_duration_ms"), round_.min_duration_ms),
        "performance_sample_count": (
            log.first("effective_performance_sample_count"),
            rules.performance_sample_count,
        ),
    }
    if scenario == "Offline":
        wanted["offline_samples"] = each, rules.facts["offline_min_samples_per_query"]
    else:
        queries = round_.min_query_count(official, scenario)
        wanted["min_query_count"] = log.first("effective_min_query_count"), queries
        percent = _conf(plan, f"*.{scenario}.target_latency_percentile")
        share = log.first(PERCENTILE)
        # LoadGen logs a share, its settings file has percent.
        wanted["latency_percentile"] = None if share is None else round(100 * float(share), 6), percent
    if scenario == "MultiStream":
        wanted["samples_per_query"] = each, _conf(plan, "*.MultiStream.samples_per_query")
    for name, (used, least) in wanted.items():
        if used is not None and least is not None:
            yield name, used, least


def _conf(plan: Plan, key: str) -> Any:
    return plan.round.facts["loadgen"]["conf"].get(key)
