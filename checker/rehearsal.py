"""``--rehearsal``: which findings a declared rehearsal excuses. Nothing that the run record does not declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checker.result import Result
from checker.run import Run

Document = Mapping[str, Any]


def declared(record: Document, part: str) -> list[str]:
    """The names that a part of the run record declares."""
    found = record.get(part)
    return sorted(found) if isinstance(found, dict) else []


def excuses(result: Result) -> frozenset[str]:
    """Reasons for forgiveness that the run record of a result gives; none without a readable record."""
    if not result.run_record.usable or result.run_record.value.get("schema") != "edgewatt/run/1":
        return frozenset()
    record = result.run_record.value
    short, made = declared(record, "shortened"), declared(record, "synthetic")
    found = {"declared"} if short or made else set()
    found |= {_REASONS[name] for name in short if name in _REASONS}
    if short:
        found |= {"early_stopping", "compliance_performance", "ranging_delta", "queries"}
    if made:
        found.add("accuracy")
    if "meter" in declared(record, "simulated"):
        found |= {"simulated", "ranging_delta"}
    return frozenset(found)


_REASONS = {
    "min_duration_ms": "duration",
    "performance_sample_count": "performance_sample_count",
    "offline_samples": "offline_samples",
    "dataset_size": "dataset_size",
}
_MEASURES = ("result_min_duration_met", "result_min_queries_met", "early_stopping_met")


def only_too_short(run: Run) -> bool:
    """Whether LoadGen called a run INVALID for its duration, its queries or early stopping and nothing else."""
    if not run.log.usable or not any(run.log.value.first(key) is False for key in _MEASURES):
        return False
    return run.log.value.first("result_perf_constraints_met") is not False and not run.log.value.errors
