"""Rows of the summary of the rounds from v6.0 on, as far as they differ from those before.

Its cells hold odd things: ``compliance`` the division, ``inferred`` whether the directory's name is spelled otherwise
than the logged scenario, ``Location`` the performance run below the folder as it was named. They are what the official
file holds.
"""

from __future__ import annotations

from typing import Any

from checker.model import Report, ResultReport


def cells(report: Report, result: ResultReport) -> dict[str, str]:
    """Cells by column."""
    facts, more = result.system_facts, result.summary_facts
    return {
        "Availability": str(facts.get("status", "")),
        "Scenario": result.place.scenario,
        "Accuracy": named_accuracy(result),
        "total_accelerators": _product(facts.get("number_of_nodes"), facts.get("accelerators_per_node")),
        "Location": f"{report.tree}/{result.path}/performance/run_1",
        "compliance": result.place.division,
        "inferred": str(int(result.place.scenario != more.get("logged_scenario"))),
        "weight_data_types": _text(more.get("weight_data_types")),
        "design_power_watts": _text(more.get("design_power_watts")),
        "PrivateID": "",
    }


def named_accuracy(result: ResultReport) -> str:
    """Every value with its name."""
    return "  ".join(f"{a.name}: {a.text}" for a in result.accuracy)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _product(nodes: Any, each: Any) -> str:
    try:
        return str(int(nodes) * int(each))
    except (ValueError, TypeError, OverflowError):
        return ""
