"""What LoadGen must be told beforehand, and what to change when it calls a run INVALID.

A calibration measures the latency of a query. LoadGen's expectation is set 20 % below it, because a run whose
real latency is under half of the expected one runs out of prepared queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.model import LoadSettings
from harness.scenarios import Scenario
from schemas.loadgen import LoadgenLog

CALIBRATION_S = 2.0
RETRY_FACTOR = 0.8
RETRY_RATE_FACTOR = 1.25
"""An expected rate that is too high only makes an Offline run longer."""
FEW = {"latency": 64, "rate": 1024}
"""A run of fewer queries (streams) or samples (Offline) tells its pace badly: the first ones are the slow ones."""
FEW_FACTOR, FEW_RATE_FACTOR = 0.4, 3.0
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


def fast(latencies: Sequence[float]) -> float:
    """The latency that a tenth of the calls keep, in seconds: what a load on the machine does not hide."""
    return sorted(latencies)[len(latencies) // 10]


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
        factor = FEW_FACTOR if _is_few(log, "result_query_count", "latency") else RETRY_FACTOR
        return replace(settings, target_latency_ms=factor * float(mean_ns) / 1e6)
    rate = float(log.first("result_samples_per_second") or 0.0)
    if rate <= 0.0:
        return None
    few = _is_few(log, "effective_samples_per_query", "rate")
    wanted = rate * (FEW_RATE_FACTOR if few else RETRY_RATE_FACTOR)
    return replace(settings, target_qps=max(wanted, (settings.target_qps or 0.0) * RETRY_MORE_FACTOR))


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


def _is_few(log: LoadgenLog, key: str, expects: str) -> bool:
    count = log.first(key)
    return count is not None and int(count) < FEW[expects]


def advice(scenario: Scenario, judgement: Judgement, user_conf: Path | None = None) -> str:
    """What to change, for a run that is still invalid: the option and its value, or the key of ``user_conf``."""
    if judgement.retry is None and TOO_FEW in judgement.reasons:
        return "let it run longer: leave out --rehearsal and any min_query_count of your own, or give larger ones"
    if judgement.retry is None:
        return "look at mlperf_log_summary.txt and mlperf_log_detail.txt of the run"
    bound = {"latency": "smaller", "rate": "larger", "load": "smaller"}[scenario.expects]
    option, value = correction(scenario, judgement.retry)
    if user_conf is None:
        why = ": fewer arrivals wait less" if scenario.expects == "load" else ""
        return f"set {option} {value} or {bound}{why}"
    key = "target_latency" if scenario.expects == "latency" else "target_qps"
    return (
        f"set *.{scenario.name}.{key} = {value} or {bound} in {user_conf}, "
        f"or give {option} {value} in the place of --user-conf"
    )


def correction(scenario: Scenario, settings: LoadSettings) -> tuple[str, str]:
    """The option that carries the expectation of a scenario, and its value in ``settings``."""
    if scenario.expects == "latency":
        return "--target-latency-ms", f"{settings.target_latency_ms:.4g}"
    return "--target-qps", f"{settings.target_qps:.4g}"
