"""``summary.csv`` as the official checker writes it, column for column.

Which columns a round has is a fact of it (``csv_columns``), here those of v4.1 stand for the rounds that do not say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from checker.model import Report, ResultReport
from checker.reports._summary_rows import cells
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
POWER_UNITS = {"W": "Watts", "mJ": "millijoules", "J": "joules"}


def write(report: Report, stream: TextIO) -> None:
    """One row per result that the official checker lists, and one more for its power."""
    columns = tuple(load_round(report.round).facts.get("csv_columns") or COLUMNS)
    wide = "total_accelerators" in columns
    quoted = columns if wide else QUOTED
    stream.write(",".join(columns) + "\n")
    for result in report.results:
        if result.reference_valid:
            own = cells(report, result) if wide else {}
            for row in (basic | own for basic in _rows(result, report.round)):
                stream.write(",".join(_cell(row[c], quote=c in quoted) for c in columns) + "\n")


def _rows(result: ResultReport, version: str) -> Iterator[dict[str, str]]:
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
        "Accuracy": result.accuracy[0].text if result.accuracy else "None",
        "Location": result.path,
        "notes": ". ".join(n for n in notes if n),
        "compliance": "1",
        "errors": "0",
        "version": version,
        "inferred": str(int(result.inferred)),
        "has_power": str(result.power is not None),
    }
    if result.metric is not None:
        yield row | {"Result": str(result.metric.value), "Units": result.metric.unit}
    if result.power is not None and result.power.metric.value > 0:
        power = result.power.metric
        yield row | {"Result": str(power.value), "Units": POWER_UNITS[power.unit]}


def _cell(value: str, *, quote: bool) -> str:
    """A value quoted where the official file quotes it, and also where it would break the row."""
    if quote or any(c in value for c in ',"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value
