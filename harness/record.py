"""The run record ``edgewatt.json`` (``edgewatt/run/1``): what was shortened, simulated, synthetic or unofficial.

It lies beside the measurements of a result and is what ``mlcheck --rehearsal`` goes by: nothing is forgiven
that the record does not declare.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from harness.model import Accuracy, Plan
from harness.results import Done, PowerEvidence, RunResult
from harness.shortened import shortened
from schemas import __version__
from schemas.units import format_rfc3339

SCHEMA = "edgewatt/run/1"


def run_record(
    plan: Plan,
    done: Done,
    accuracy: Accuracy | None,
    power: PowerEvidence | None,
    earlier: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The record of one result. ``earlier`` is that of a run that filled another part of the same result."""
    before: Mapping[str, Any] = earlier or {}
    runs = {**before.get("runs", {}), **{name: _run(result) for name, result in done.results.items()}}
    lost = {} if done.power_lost is None else {"power_lost": asdict(done.power_lost)}
    return {
        **lost,
        "schema": SCHEMA,
        "tool": {"name": "mlharness", "version": __version__},
        "round": plan.round.name,
        "result": {
            "division": plan.result.division,
            "submitter": plan.result.submitter,
            "system": plan.result.system,
            "benchmark": plan.result.benchmark,
            "scenario": plan.scenario,
        },
        "command_line": list(plan.request.command_line),
        "rehearsal": plan.request.rehearsal_s is not None or bool(before.get("rehearsal")),
        "demo": plan.request.demo,
        "shortened": _shortened(plan, done, before.get("shortened", {})),
        "synthetic": {**before.get("synthetic", {}), **_synthetic(plan)},
        "simulated": {**before.get("simulated", {}), **_simulated(power)},
        "unofficial": {**before.get("unofficial", {}), **_unofficial(plan, power)},
        "calibration": _calibration(done) or before.get("calibration"),
        "retried": [*before.get("retried", []), *done.retried],
        "runs": runs,
        "accuracy": _accuracy(accuracy) or before.get("accuracy"),
        "compliance": {**before.get("compliance", {}), **_compliance(done)},
        "windows": _windows(power) or before.get("windows", {}),
    }


def without(record: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """A record that knows nothing of some of its runs any more, nor of what they alone told."""
    kept = {**record, "runs": {n: r for n, r in record["runs"].items() if n not in names}}
    kept["retried"] = [name for name in record["retried"] if name not in names]
    kept["compliance"] = {n: v for n, v in record.get("compliance", {}).items() if n not in names}
    if "accuracy" in names:
        kept["accuracy"] = None
    if "performance" in names:
        kept.pop("power_lost", None)
        kept.update(rehearsal=False, shortened={}, simulated={}, unofficial={}, calibration=None, windows={})
    return kept


def _shortened(plan: Plan, done: Done, before: Mapping[str, Any]) -> dict[str, Any]:
    """What is less than the rules want. The performance run of the result says it, not a later audit of it."""
    now = shortened(plan, done)
    return {**before, **now} if "performance" in done.results else {**now, **before}


def _synthetic(plan: Plan) -> dict[str, Any]:
    fixture = plan.fixture
    if fixture is None:
        return {}
    return {
        "dataset": f"{fixture.samples} generated samples (seed {fixture.seed})",
        "weights": f"random, {fixture.width} width (seed {fixture.seed})",
        "planted_accuracy": {
            "metric": fixture.metric,
            "value": fixture.value,
            "total": fixture.samples,
        },
    }


def _simulated(power: PowerEvidence | None) -> dict[str, Any]:
    if power is None or not any(w.get("simulated") for w in power.windows.values()):
        return {}
    return {"meter": dict(power.meter)}


def _unofficial(plan: Plan, power: PowerEvidence | None) -> dict[str, Any]:
    if power is None:
        return {}
    return {"power_daemon": dict(power.daemon), "power_mode": plan.request.power_mode}


def _calibration(done: Done) -> dict[str, Any] | None:
    if done.calibration is None:
        return None
    return {
        "p50_latency_ms": done.calibration.p50_latency_ms,
        "samples_per_second": done.calibration.samples_per_second,
        "queries": done.calibration.queries,
        "batches": [{"samples": size, "ms": each} for size, each in done.calibration.batches],
    }


def _run(result: RunResult) -> dict[str, Any]:
    clock = result.clock
    return {
        "mode": result.spec.mode,
        "phase": result.spec.phase,
        "begin": format_rfc3339(clock.begin_unix_ns),
        "end": format_rfc3339(clock.end_unix_ns),
        "query_count": result.query_count,
        "metric": result.metric,
        "clock": clock.to_json(),
        "versions": dict(result.versions),
        "telemetry": result.telemetry,
        "computing": dict(result.computing),
    }


def _accuracy(accuracy: Accuracy | None) -> dict[str, Any] | None:
    if accuracy is None:
        return None
    return {
        "metric": accuracy.metric,
        "value": accuracy.value,
        "total": accuracy.total,
        "figures": dict(accuracy.figures),
        **({"files": dict(accuracy.files)} if accuracy.files else {}),
    }


def _compliance(done: Done) -> dict[str, Any]:
    """The verdicts of the compliance tests, with their figures."""
    return {
        name: {
            "performance": {
                "passed": verdict.performance.passed,
                "figures": list(verdict.performance.lines),
            },
            "accuracy": None
            if verdict.accuracy is None
            else {
                "passed": verdict.accuracy_passed,
                "bitwise_equal": verdict.accuracy.passed,
                "figures": list(verdict.accuracy.lines),
            },
        }
        for name, verdict in done.verdicts.items()
    }


def _windows(power: PowerEvidence | None) -> dict[str, Any]:
    return {} if power is None else {name: dict(window) for name, window in power.windows.items()}
