"""What ``tools/agreement.py`` compares in one row of a golden table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from checker.model import Effect, Report, ResultReport
from schemas.rounds import load_round

Row = Mapping[str, str]
Comparison = tuple[str, bool, str]
"""What was compared, whether it agrees, and both values."""
TOLERANCE = 1e-9
ENDING = (Effect.CRASH, Effect.LOADING, Effect.LISTING)
"""Effects with which the official checker ends before it has listed the result."""


def published(result: ResultReport, row: Row) -> Iterator[Comparison]:
    """Verdict and numbers of the official summary."""
    listed = "valid" if result.reference_valid else "invalid"
    yield "verdict", listed == row["verdict"], f"{result.path}: {listed} / {row['verdict']}"
    if row["verdict"] != "valid" or not row["metric_value"]:
        return
    power = result.power.metric.value if result.power else None
    metric = result.metric.value if result.metric else None
    yield "accuracy", same_accuracies(result, row["accuracy"]), f"{result.accuracy} / {row['accuracy']}"
    for name, found, text in (("metric", metric, row["metric_value"]), ("power", power, row["power_value"])):
        if text or found is not None:
            yield name, same(found, text), f"{result.path}: {found} / {text}"


def power(result: ResultReport, row: Row, round_name: str) -> Iterator[Comparison]:
    """Verdict of the official power checker, and figures of the power log computed a second time."""
    passed = row["verdict"] in ("pass", "warn")
    yield "power verdict", result.reference_valid == passed, f"{result.path} / {row['verdict']}"
    found = result.power
    if found is None:
        yield "power figures", False, "none"
        return
    all_count = load_round(round_name).facts["power"].get("zero_watt_samples") == "kept"
    mean = row["avg_watts_all" if all_count else "avg_watts_positive"]
    yield "mean power", same(found.average_watts, mean), f"{found.average_watts} / {mean}"
    yield "samples", found.samples == int(row["samples_in_window"]), f"{found.samples}"
    bad = int(row["samples_nonpositive"]) + int(row["samples_nan"])
    yield "bad samples", found.bad_samples == bad, f"{found.bad_samples} / {bad}"
    if not bad:  # ours is the longest time without a good sample
        gap = abs(found.max_gap_seconds - float(row["max_gap_s"])) < 1e-3
        yield "largest gap", gap, f"{found.max_gap_seconds} / {row['max_gap_s']}"


def same(found: float | None, text: str) -> bool:
    """Whether a number is the one of a table; an empty text stands for none."""
    if not text or found is None:
        return not text and found is None
    return math.isclose(found, float(text), rel_tol=TOLERANCE)


def same_accuracies(result: ResultReport, text: str) -> bool:
    """Either the first number alone, or from v5.0 on all of them with their names."""
    if ":" not in text:
        return same(result.accuracy[0].value if result.accuracy else None, text)
    found = {a.name: a.value for a in result.accuracy}
    wanted = dict(re.findall(r"(\S+): (\S+)", text))
    return found.keys() == wanted.keys() and all(same(found[n], wanted[n]) for n in found)


def mutant(report: Report, row: Row, column: str, power_column: str) -> Iterator[Comparison]:
    """One broken result: its verdict, and with the power checker also exit code, what is lost elsewhere, numbers."""
    results = {r.path: r for r in report.results}
    target = results.get(row["target"])
    listed = target is not None and target.reference_valid
    about = f"{row['id']} ({row['mutation']})"
    yield column, listed == (row[column] == "valid"), f"{about}: {listed} / {row[column]}"
    if column == "verdict":
        exits = "0" if report.reference_valid else "1"
        yield "exit code", exits == row["exit_code"], f"{about}: {exits} / {row['exit_code']}"
        lost = [r for r in row["other_results_lost"].split() if r in results and results[r].reference_valid]
        yield "results lost elsewhere", not lost, f"{about}: {lost}"
    if target is not None and listed and row[column] == "valid":
        if column == "verdict":
            metric = target.metric.value if target.metric else None
            yield "metric", same(metric, row["metric_value"]), f"{about}: {metric}"
            yield "accuracy", same_accuracies(target, row["accuracy"]), f"{about}: {target.accuracy}"
        if row[power_column]:
            watts = target.power.metric.value if target.power else None
            yield "power", same(watts, row[power_column]), f"{about}: {watts} / {row[power_column]}"


def sample(report: Report, result: ResultReport, row: Row) -> Iterator[Comparison]:
    """A row of the table of v6: verdict or traceback, and the numbers of the official summary."""
    ends = any(report.findings[at].effect in ENDING for at in result.findings)
    listed = "crash" if ends else "valid" if result.reference_valid else "invalid"
    about = f"{result.path}: {listed} / {row['verdict']}"
    yield "verdict", listed == row["verdict"], about
    if row["verdict"] != "valid":
        return
    metric = result.metric
    yield "metric", metric is not None and same(metric.value, row["metric_value"]), f"{result.path}: {metric}"
    yield "unit", metric is not None and metric.unit == row["metric_unit"], f"{result.path}: {metric}"
    yield "accuracy", same_accuracies(result, row["accuracy"]), f"{result.accuracy} / {row['accuracy']}"
