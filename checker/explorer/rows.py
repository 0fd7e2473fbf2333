"""One record per result: what tables, charts, exports and comparisons show of it. Pure, from the report and facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checker.model import AccuracyValue, PowerFigures, Report, ResultReport
from checker.reports.json import finite
from schemas.system_columns import NOTHING, columns


@dataclass(frozen=True, slots=True)
class Extra:
    """What a tree tells of a result beside its report. Paths are relative to the tree; ``samples_per_joule`` and
    ``average_u95_w`` (half-width of 95 %, watts) are None where they are not known; ``ranges`` are volts and amperes
    of the meter while testing; ``model_used`` and ``notes`` are for the open division."""

    details: str = ""
    code: str = ""
    model_used: str = ""
    notes: str = ""
    samples_per_joule: float | None = None
    average_u95_w: float | None = None
    meter_serial: str = ""
    ranges: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One result. ``tree`` counts the trees from 0. Numbers are those of the report, unrounded; None where the report
    has null. ``power_value`` is watts of the system, or energy of a query in ``power_unit``."""

    tree: int
    round: str
    division: str
    submitter: str
    system: str
    system_type: str
    availability: str
    system_name: str
    software: str
    processor: str
    accelerator: str
    benchmark: str
    model: str
    scenario: str
    path: str
    valid: bool
    reference_valid: bool
    inferred: bool
    value: float | None
    unit: str
    accuracy: tuple[AccuracyValue, ...]
    power_name: str
    power_value: float | None
    power_unit: str
    average_watts: float | None
    average_u95_w: float | None
    energy_joules: float | None
    samples_per_joule: float | None
    window_seconds: float | None
    samples: int | None
    bad_samples: int | None
    coverage: float | None
    max_gap_seconds: float | None
    ranging_delta_percent: float | None
    daemon: str
    meter: str
    meter_serial: str
    ranges: tuple[float, float] | None
    official: bool | None
    details: str
    code: str
    model_used: str
    notes: str
    findings: tuple[int, ...]

    @property
    def place(self) -> tuple[str, ...]:
        """Division, submitter, system, benchmark directory and scenario: what names a result within a round."""
        return (self.division, self.submitter, self.system, self.benchmark, self.scenario)


def rows(report: Report, extras: Mapping[str, Extra], tree: int = 0) -> tuple[Row, ...]:
    """The records of a report, in its order; ``extras`` by path of the result."""
    return tuple(row(report.round, r, extras.get(r.path, Extra()), tree) for r in report.results)


def row(round_name: str, result: ResultReport, extra: Extra, tree: int = 0) -> Row:
    """The record of one result."""
    place, shown = result.place, columns(result.system_facts)
    is_open = place.division == "open"
    return Row(
        tree=tree,
        round=round_name,
        division=place.division,
        submitter=place.submitter,
        system=place.system,
        system_type=result.system_type,
        availability=result.availability,
        system_name=shown.system or place.system,
        software=shown.software,
        processor=shown.processor,
        accelerator=shown.accelerator,
        benchmark=place.benchmark,
        model=result.model,
        scenario=result.scenario,
        path=result.path,
        valid=result.valid,
        reference_valid=result.reference_valid,
        inferred=result.inferred,
        value=finite(result.metric.value) if result.metric else None,
        unit=result.metric.unit if result.metric else "",
        accuracy=result.accuracy,
        **_power(result.power),
        samples_per_joule=extra.samples_per_joule,
        average_u95_w=extra.average_u95_w,
        meter_serial=extra.meter_serial,
        ranges=extra.ranges,
        details=extra.details,
        code=extra.code,
        model_used=extra.model_used if is_open else "",
        notes=extra.notes if is_open else "",
        findings=result.findings,
    )


def _power(power: PowerFigures | None) -> dict[str, Any]:
    if power is None:
        empty: dict[str, Any] = dict.fromkeys(
            ("power_value", "average_watts", "energy_joules", "window_seconds", "samples", "bad_samples", "coverage",
             "max_gap_seconds", "ranging_delta_percent", "official")
        )  # fmt: skip
        return empty | dict.fromkeys(("power_name", "power_unit", "daemon", "meter"), "")
    return {
        "power_name": power.metric.name,
        "power_value": finite(power.metric.value),
        "power_unit": power.metric.unit,
        "average_watts": finite(power.average_watts),
        "energy_joules": finite(power.energy_joules),
        "window_seconds": power.seconds,
        "samples": power.samples,
        "bad_samples": power.bad_samples,
        "coverage": power.coverage,
        "max_gap_seconds": power.max_gap_seconds,
        "ranging_delta_percent": finite(power.ranging_delta_percent),
        "daemon": power.daemon,
        "meter": power.meter,
        "official": power.official,
    }


def notes_of(facts: Mapping[str, Any]) -> str:
    """What a submitter noted of software and hardware; words that stand for nothing are left out."""
    said = (str(facts.get(key) or "").strip() for key in ("sw_notes", "hw_notes"))
    return " / ".join(text for text in said if text.lower() not in NOTHING)


def accuracy_text(values: Iterable[AccuracyValue]) -> str:
    """Accuracies in one line: name and value, as tables show them."""
    return ", ".join(f"{a.name} {a.value:.6g}" for a in values)
