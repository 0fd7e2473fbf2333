"""What the run record of a rehearsal declares, and which reasons for forgiveness that gives. Nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from checker.model import Problem
from checker.result import Result
from checker.run import Run
from schemas.documents import violations

Document = Mapping[str, Any]

MADE = ("dataset", "weights")
"""Parts of a fixture that decide its accuracy."""
SHORT = ("min_duration_ms", "min_query_count", "offline_samples")
"""Cuts that make a run short, with fewer queries and a score and a power that scatter more."""
_BY_CUT = {
    "min_duration_ms": ("duration", "queries", "early_stopping"),
    "min_query_count": ("queries", "early_stopping"),
    "offline_samples": ("offline_samples", "queries"),
    "performance_sample_count": ("performance_sample_count",),
    "dataset_size": ("dataset_size",),
    "samples_per_query": (),
    "latency_percentile": (),
}
_SHORT_AT = ("shortened/min_duration_ms", "shortened/min_query_count", "shortened/offline_samples")
DECLARATIONS = {
    "declared": ("shortened", "synthetic"),
    "duration": _SHORT_AT[:1],
    "queries": _SHORT_AT,
    "early_stopping": _SHORT_AT[:2],
    "performance_sample_count": ("shortened/performance_sample_count",),
    "offline_samples": ("shortened/offline_samples",),
    "dataset_size": ("shortened/dataset_size",),
    "compliance_performance": _SHORT_AT,
    "ranging_delta": (*_SHORT_AT, "simulated/meter"),
    "accuracy": ("synthetic/dataset", "synthetic/weights"),
    "simulated": ("simulated/meter",),
}
"""Reasons for forgiveness, and where in ``edgewatt.json`` each of them is declared."""


def declared(record: Document, part: str) -> list[str]:
    """The names that a part of the run record declares."""
    found = record.get(part)
    return sorted(found) if isinstance(found, dict) else []


def flaws(result: Result) -> Iterator[Problem]:
    """Why the run record is none of mlharness, or none of this result."""
    document, path = result.run_record.value, result.run_record.path
    for violation in list(violations("run-record", document))[:5]:
        found, wanted = violation.found, violation.wanted
        missing = violation.keyword == "required"
        message = f"{wanted!r} is missing" if missing else violation.message[:200]
        yield Problem(message, path, found, wanted, pointer=violation.pointer)
    about, place = document.get("result"), result.place
    own = {
        "division": place.division,
        "submitter": place.submitter,
        "system": place.system,
        "benchmark": place.benchmark,
        "scenario": result.scenario,
    }
    if isinstance(about, dict) and any(about.get(k) != v for k, v in own.items()):
        found = json.dumps({k: about.get(k) for k in own})[:200]
        yield Problem("the record belongs to another result", path, found, json.dumps(own), pointer="/result")
    if document.get("round") != result.round.name:
        found, wanted = str(document.get("round"))[:40], result.round.name
        yield Problem("the record belongs to another round", path, found, wanted, pointer="/round")


def excuses(result: Result) -> frozenset[str]:
    """Reasons for forgiveness that the run record of a result gives; none without a flawless record."""
    if not result.run_record.usable or any(flaws(result)):
        return frozenset()
    record = result.run_record.value
    cut, made = declared(record, "shortened"), declared(record, "synthetic")
    simulated = "meter" in declared(record, "simulated")
    found = {reason for name in cut for reason in _BY_CUT[name]}
    if cut or made:
        found.add("declared")
    if set(SHORT).intersection(cut):
        found |= {"compliance_performance", "ranging_delta"}
    if set(MADE).intersection(made):
        found.add("accuracy")
    if simulated:
        found |= {"simulated", "ranging_delta"}
    return frozenset(found)


DURATION, QUERIES, EARLY_STOPPING = (
    "result_min_duration_met",
    "result_min_queries_met",
    "early_stopping_met",
)
_REASON = {DURATION: "duration", QUERIES: "queries", EARLY_STOPPING: "early_stopping"}


def only_too_short(run: Run, reasons: frozenset[str]) -> bool:
    """Whether LoadGen called a run INVALID only for measures of its length, each of them excused."""
    if not run.log.usable:
        return False
    failed = {reason for key, reason in _REASON.items() if run.log.value.first(key) is False}
    if not failed or not failed <= reasons:
        return False
    return run.log.value.first("result_perf_constraints_met") is not False and not run.log.value.errors
