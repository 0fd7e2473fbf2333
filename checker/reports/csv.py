"""``summary.csv`` as the official checker writes it, column for column.

Which columns a round has is a fact of it (``csv_columns``), here those of v4.1 stand for the rounds that do not say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from checker.model import Effect, Report, ResultReport
from checker.reports._summary_rows import cells, named_accuracy
from schemas.rounds import load_round

FORMAT = "csv"
COLUMNS = (
    "Organization", "Availability", "Division", "SystemType", "SystemName", "Platform", "Model", "MlperfModel",
    "Scenario", "Result", "Accuracy", "number_of_nodes", "host_processor_model_name", "host_processors_per_node",
    "host_processor_core_count", "accelerator_model_name", "accelerators_per_node", "Location", "framework",
    "operating_system", "notes", "compliance", "errors", "version", "inferred", "has_power", "Units",
)  # fmt: skip
QUOTED = (
    "SystemType", "SystemName", "host_processor_model_name", "accelerator_model_name", "accelerators_per_node",
    "framework", "operating_system", "notes",
)  # fmt: skip
COPIED = (
    "number_of_nodes", "host_processor_model_name", "host_processors_per_node", "host_processor_core_count",
    "accelerator_model_name", "accelerators_per_node", "framework", "operating_system",
)  # fmt: skip
"""Columns that repeat a field of the system description."""
MISSPELT = {"compilance": "compliance", "infered": "inferred"}
"""Columns of the first rounds whose heads are spelled otherwise."""
POWER_UNITS = {"W": "Watts", "mJ": "millijoules", "J": "Joules"}


def write(report: Report, stream: TextIO) -> None:
    """One row per result that the official checker lists, and one more for its power."""
    columns = tuple(load_round(report.round).facts.get("csv_columns") or COLUMNS)
    wide = "total_accelerators" in columns
    quoted = columns if wide else QUOTED
    stream.write(",".join(columns) + "\n")
    for result in report.results:
        if result.reference_valid:
            own = cells(report, result) if wide else {}
            for row in (basic | own for basic in _rows(report, result, columns)):
                texts = (_cell(row[MISSPELT.get(c, c)], quote=c in quoted) for c in columns)
                stream.write(",".join(texts) + "\n")


def _rows(report: Report, result: ResultReport, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """The row of the result and that of its power, which in v1.0 stands in a column of the first."""
    facts = result.system_facts
    copied = [c for c in COLUMNS if c in COPIED]
    row = {name: str(facts.get(name, "")) for name in copied}
    notes = [str(facts.get(k) or "") for k in ("hw_notes", "sw_notes")]
    row |= {
        "Organization": result.place.submitter,
        "Availability": result.availability,
        "Division": result.place.division,
        "SystemType": result.system_type,
        "SystemName": str(facts.get("system_name", "")),
        "Platform": result.place.system,
        "Model": result.place.benchmark,
        "MlperfModel": result.model,
        "Scenario": result.scenario,
        "Accuracy": _accuracy(report, result),
        "Location": result.path,
        "notes": ". ".join(n for n in notes if n),
        "compliance": str(int(not _printed(report, result))),
        "errors": "0",
        "version": report.round,
        "inferred": str(int(result.inferred)),
        "has_power": str(result.power is not None),
        "power": str(result.power.metric.value) if result.power else "0",
    }
    if result.metric is not None:
        yield row | {"Result": str(result.metric.value), "Units": result.metric.unit}
    if result.power is not None and result.power.metric.value > 0 and "power" not in columns:
        power = result.power.metric
        units = load_round(report.round).facts["power_units"] or {}
        unit = units.get(result.scenario, POWER_UNITS[power.unit])
        yield row | {"Result": str(power.value), "Units": unit}


def _accuracy(report: Report, result: ResultReport) -> str:
    """The first value, or in some rounds all of them with their names."""
    if load_round(report.round).reading.get("summary_accuracy") == "all-named":
        return named_accuracy(result)
    return result.accuracy[0].text if result.accuracy else "None"


def _printed(report: Report, result: ResultReport) -> bool:
    """Whether the official checker only prints a breach of compliance, and tells it in the summary (up to v2.0)."""
    untold = load_round(report.round).reading.get("not_in_compliance_column", ())
    own = (report.findings[at] for at in result.findings)
    return any(
        f.rule.startswith("compliance/") and f.rule not in untold and f.effect is Effect.LOG for f in own
    )


def _cell(value: str, *, quote: bool) -> str:
    """A value quoted where the official file quotes it, and also where it would break the row."""
    if quote or any(c in value for c in ',"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value
