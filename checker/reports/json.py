"""The report as one JSON document, ``edgewatt/report/1``. Numbers that JSON cannot hold are null."""

from __future__ import annotations

import math
from typing import Any, TextIO

from checker.model import Finding, Metric, PowerFigures, Report, ResultReport, Severity
from checker.reports import _json_text
from checker.sources import source_of
from schemas import __version__

FORMAT = "json"
SCHEMA = "edgewatt/report/1"


def write(report: Report, stream: TextIO) -> None:
    """Write the document with an end of line."""
    _json_text.write(_document(report), stream, depth=2)


def document(report: Report) -> dict[str, Any]:
    """The document as plain values."""
    whole = _document(report)
    return whole | {name: list(whole[name]) for name in ("results", "findings")}


def _document(report: Report) -> dict[str, Any]:
    """The document; its rows are made when they are asked for, once."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "mlcheck", "version": __version__},
        "tree": report.tree,
        "round": report.round,
        "round_reason": report.round_reason,
        "remarks": list(report.remarks),
        "verdict": verdict(report.valid),
        "reference_verdict": verdict(report.reference_valid),
        "cached_results": report.cached_results,
        "counts": {
            "results": len(report.results),
            "valid": sum(r.valid for r in report.results),
            "invalid": sum(not r.valid for r in report.results),
            "errors": report.count(Severity.ERROR),
            "warnings": report.count(Severity.WARNING),
            "notes": report.count(Severity.NOTE),
        },
        "results": (_result(r) for r in report.results),
        "findings": (_finding(f, report.round) for f in report.findings),
    }


def verdict(valid: bool) -> str:
    """The word for a verdict."""
    return "valid" if valid else "invalid"


def finite(value: float | None) -> float | None:
    """A number, or None for what JSON cannot write."""
    return value if value is not None and math.isfinite(value) else None


def _metric(metric: Metric | None) -> dict[str, Any] | None:
    if metric is None:
        return None
    return {"name": metric.name, "value": finite(metric.value), "unit": metric.unit}


def _result(result: ResultReport) -> dict[str, Any]:
    place = result.place
    return {
        "division": place.division,
        "submitter": place.submitter,
        "system": place.system,
        "system_type": result.system_type,
        "availability": result.availability,
        "benchmark": place.benchmark,
        "model": result.model,
        "scenario": result.scenario,
        "scenario_dir": place.scenario,
        "path": result.path,
        "verdict": verdict(result.valid),
        "reference_verdict": verdict(result.reference_valid),
        "inferred": result.inferred,
        "metric": _metric(result.metric),
        "accuracy": [
            {"name": a.name, "value": finite(a.value), "min": a.minimum, "max": a.maximum}
            for a in result.accuracy
        ],
        "power": None if result.power is None else _power(result.power),
        "durations_s": {name: round(seconds, 3) for name, seconds in result.durations.items()},
        "findings": list(result.findings),
    }


def _power(power: PowerFigures) -> dict[str, Any]:
    return {
        "metric": _metric(power.metric),
        "average_watts": finite(power.average_watts),
        "window": {"begin": power.begin, "end": power.end, "seconds": power.seconds},
        "samples": power.samples,
        "bad_samples": power.bad_samples,
        "coverage": power.coverage,
        "max_gap_seconds": power.max_gap_seconds,
        "ranging_delta_percent": finite(power.ranging_delta_percent),
        "energy_joules": finite(power.energy_joules),
        "daemon": power.daemon,
        "meter": power.meter,
        "official": power.official,
    }


def _finding(found: Finding, round_name: str) -> dict[str, Any]:
    names = ("division", "submitter", "system", "benchmark", "scenario")
    return {
        "rule": found.rule,
        "severity": found.severity.value,
        "reference": found.reference,
        "fingerprint": found.fingerprint,
        "scope": dict(zip(names, (n or None for n in found.place.names), strict=True)),
        "path": found.location.path,
        "line": found.location.line,
        "pointer": found.location.pointer,
        "message": found.message,
        "found": found.found,
        "wanted": found.wanted,
        "source": source_of(found, round_name),
        "why": found.why,
        "fix": found.fix,
        "link": found.link,
        "waived": found.waived,
        "waiver": found.waiver or None,
        "known": found.known,
        "forgiven": found.forgiven,
    }
