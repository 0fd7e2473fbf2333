"""The report on one result: its numbers, as far as its files give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from checker import metrics, nameplate, session
from checker.durations import durations
from checker.endpoint_metric import endpoint_accuracy, endpoint_metric
from checker.model import AccuracyValue, Metric, Place, PowerFigures, ResultReport
from checker.result import Result
from checker.rule import ENDPOINT, Absent
from checker.rules.accuracy import read
from checker.rules.power_runs import delta_percent
from checker.rules.quality import judge
from checker.verdicts import Verdicts
from schemas.units import format_rfc3339


def numbers(result: Result) -> ResultReport:
    """The numbers of a result; verdicts, findings and the description of its system are filled in by ``judged``."""
    number, inferred = _metric(result)
    status = result.system.facts.get("status")
    return ResultReport(
        place=result.place,
        system_type=result.system.type,
        availability=status.lower() if isinstance(status, str) else "",
        model=result.benchmark.model,
        scenario=result.scenario,
        path=result.path,
        valid=False,
        reference_valid=False,
        inferred=inferred,
        metric=number,
        accuracy=_accuracy(result),
        power=power(result) if result.has_power else None,
        findings=(),
        has_power=result.has_power,
        durations=durations(result),
        summary_facts=summary_facts(result),
    )


def judged(
    report: ResultReport, systems: Mapping[Place, Mapping[str, Any]], shown: Verdicts, official: Verdicts
) -> ResultReport:
    """A report with its system's description and its verdicts: ours from the findings that are shown, the official one
    from all of them."""
    has_number = report.metric is not None
    return replace(
        report,
        valid=has_number and shown.valid(report.place),
        reference_valid=has_number and official.reference_valid(report.place),
        findings=shown.about(report.place),
        system_facts=systems[report.place.cut(3)],
    )


def summary_facts(result: Result) -> dict[str, Any]:
    """What the official summary shows of a result beside its numbers."""
    measurements = result.measurements.value if result.measurements.usable else {}
    report = result.client_report if result.kind == ENDPOINT else None
    log = result.performance_log.value if result.performance_log.usable else None
    return {
        "weight_data_types": measurements.get("weight_data_types"),
        "logged_scenario": report.scenario if report else log and log.first("effective_scenario"),
        "design_power_watts": nameplate.design_power(result.system) if result.has_power else None,
    }


def _metric(result: Result) -> tuple[Metric | None, bool]:
    if result.kind == ENDPOINT:
        return endpoint_metric(result), False
    try:
        return metrics.metric(result)
    except Absent:
        return None, False


def _accuracy(result: Result) -> tuple[AccuracyValue, ...]:
    if result.kind == ENDPOINT:
        return endpoint_accuracy(result)
    try:
        text, rules = read(result), result.rules
    except Absent:
        return ()
    upper = {t.metric: t.limit for t in rules.upper_limits(result.scenario)}
    found = []
    for target in rules.lower_limits(result.scenario):
        seen = text.last(target.metric)
        if seen is not None and seen.value is not None:
            limits = (target.limit, upper.get(target.metric))
            found.append(AccuracyValue(target.metric, seen.value, *limits, seen.text))
    return tuple(found)


def power(result: Result) -> PowerFigures | None:
    """What the power files say; None when there is no number in them."""
    try:
        found = metrics.samples(result.run)
        if not found.kept:
            return None
        number, quality = metrics.power_metric(result, found), judge(result)
        written = metrics.samples(result.run, written=True).window
    except Absent:
        return None
    energy = quality.energy if quality is not None else None
    server = result.server.value if result.server.usable else {}
    daemon, meter = _who(server)
    return PowerFigures(
        metric=number,
        average_watts=found.mean,
        begin=format_rfc3339(written.begin_ns, 6),
        end=format_rfc3339(written.end_ns, 6),
        seconds=found.window.seconds,
        samples=len(found.inside),
        bad_samples=quality.bad if quality is not None else 0,
        coverage=quality.coverage if quality is not None else 0.0,
        max_gap_seconds=energy.max_gap_s if energy is not None else found.window.seconds,
        ranging_delta_percent=_delta(result),
        energy_joules=energy.energy_j if energy is not None else None,
        daemon=daemon,
        meter=meter,
        official=not session.unofficial_session(server),
    )


def _delta(result: Result) -> float | None:
    try:
        return delta_percent(result)
    except Absent:
        return None


def _who(server: dict[str, Any]) -> tuple[str, str]:
    """Names of the daemon and of the meter."""
    own = server.get("edgewatt")
    if isinstance(own, dict):
        return session.name_of(own.get("daemon")), session.name_of(own.get("meter"))
    meter, version = session.identity(server)
    return (f"PTDaemon {version}" if version else ""), meter
