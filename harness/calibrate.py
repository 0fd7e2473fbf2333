"""What LoadGen must be told beforehand, and what to change when it calls a run INVALID.

A calibration measures the latency of a query. LoadGen's expectation is set 20 % below it, because a run whose
real latency is under half of the expected one runs out of prepared queries.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.model import LoadSettings
from harness.scenarios import Scenario
from schemas.loadgen import LoadgenLog

CALIBRATION_S = 2.0
RETRY_FACTOR = 0.8
RETRY_RATE_FACTOR = 1.25
"""An expected rate that is too high only makes an Offline run longer."""
RETRY_MORE_FACTOR = 1.5
"""At least so much more than was expected before: the machine was busy for a part of the run that was too short."""
RETRY_LOAD_FACTOR = 0.9
"""Server: what is left of the load that would just keep the latency limit."""
LEAST_LOAD_SHARE = 0.4
P99 = "result_99.00_percentile_latency_ns"


@dataclass(frozen=True, slots=True)
class Judgement:
    """LoadGen's verdict on a run: valid or the reasons, and corrected settings when these can cure it."""

    valid: bool
    reasons: tuple[str, ...]
    retry: LoadSettings | None
    only_short: bool = False
    """INVALID for nothing but early stopping: what is expected of a rehearsal with few queries."""


def merged(base: LoadSettings, over: LoadSettings) -> LoadSettings:
    """``base`` with every value that ``over`` has."""
    given = {f: getattr(over, f) for f in LoadSettings.__dataclass_fields__ if getattr(over, f) is not None}
    return replace(base, **given)


def judge(log: LoadgenLog, mode: str, scenario: Scenario, settings: LoadSettings) -> Judgement:
    """Read LoadGen's verdict; a run that ended early for a wrong expectation gets corrected settings."""
    errors = tuple(_first_sentence(str(e.value)) for e in log.errors)
    if mode == "accuracy":
        return Judgement(not errors, errors, None)
    if log.first("result_validity") == "VALID" and not errors:
        return Judgement(True, (), None)
    reasons = [*_reasons(log), *errors] or ["LoadGen wrote no result"]
    short = reasons == [TOO_FEW] and log.first("result_validity") == "INVALID"
    return Judgement(False, tuple(reasons), _correction(log, scenario, settings), short)


TOO_FEW = "too few queries for early stopping"


def _first_sentence(text: str) -> str:
    return text.split(". ", maxsplit=1)[0].rstrip(".")


def _reasons(log: LoadgenLog) -> list[str]:
    found = []
    if log.first("result_min_duration_met") is False:
        wanted = log.first("effective_min_duration_ms")
        found.append(f"it ended before the minimum duration of {wanted} ms")
    if log.first("result_min_queries_met") is False:
        found.append(f"fewer than {log.first('effective_min_query_count')} queries were completed")
    if log.first("result_perf_constraints_met") is False:
        found.append(f"the latency limit of the scenario was not met{_late(log)}")
    if log.first("early_stopping_met") is False:
        found.append(TOO_FEW)
    return found


def _correction(log: LoadgenLog, scenario: Scenario, settings: LoadSettings) -> LoadSettings | None:
    """New settings when the expectation was wrong; None when something else is."""
    if scenario.expects == "load":
        return _lower_load(log, settings)
    if log.first("result_min_duration_met") is not False and log.first("result_min_queries_met") is not False:
        return None
    if scenario.expects == "latency":
        mean_ns = log.first("result_mean_latency_ns") or log.first("result_mean_query_latency_ns")
        if not mean_ns:
            return None
        return replace(settings, target_latency_ms=RETRY_FACTOR * float(mean_ns) / 1e6)
    rate = log.first("result_samples_per_second")
    if not rate:
        return None
    before = settings.target_qps or 0.0
    return replace(settings, target_qps=max(float(rate) * RETRY_RATE_FACTOR, before * RETRY_MORE_FACTOR))


def _late(log: LoadgenLog) -> str:
    """The 99th percentile against its limit, in Server."""
    found, limit = log.first(P99), log.first("effective_target_latency_ns")
    if log.first("effective_scenario") != "Server" or not found or not limit:
        return ""
    return f" (99 % of the queries took up to {found / 1e6:.4g} ms, allowed {limit / 1e6:.4g} ms)"


def _lower_load(log: LoadgenLog, settings: LoadSettings) -> LoadSettings | None:
    """A smaller load when latency or early stopping failed in Server.

    Never above what was completed: a queue that grows has a rate of its own.
    """
    if log.first("result_perf_constraints_met") is not False and log.first("early_stopping_met") is not False:
        return None
    offered = log.first("effective_target_qps") or settings.target_qps
    completed, found = log.first("result_completed_samples_per_sec"), log.first(P99)
    limit = log.first("effective_target_latency_ns")
    if not offered or not completed or not found or not limit:
        return None
    share = min(1.0, max(LEAST_LOAD_SHARE, float(limit) / float(found)))
    return replace(settings, target_qps=RETRY_LOAD_FACTOR * share * min(float(offered), float(completed)))


def advice(scenario: Scenario, judgement: Judgement) -> str:
    """What to change, for a run that is still invalid."""
    if judgement.retry is None:
        return "look at mlperf_log_summary.txt and mlperf_log_detail.txt of the run"
    if scenario.expects == "latency":
        return f"set --target-latency-ms {judgement.retry.target_latency_ms:.4g} or smaller"
    if scenario.expects == "load":
        return f"set --target-qps {judgement.retry.target_qps:.4g} or smaller: fewer arrivals wait less"
    return f"set --target-qps {judgement.retry.target_qps:.4g} or larger"
