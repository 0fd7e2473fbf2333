"""The accuracy run covers the whole data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checker.model import Problem, Severity
from checker.result import Result
from checker.rule import ENDPOINT, EVERY_KIND, INFERENCE, effects, rule

KEYS = ("effective_accuracy_sample_count", "qsl_reported_total_count")
"""Entries that say how many samples there were, in the order in which they count."""


@rule(
    "accuracy/dataset-size",
    title="The accuracy run covers the whole data set",
    fix="Run accuracy again over all samples of the data set.",
    good="qsl_reported_total_count: 50000 (resnet)",
    bad="qsl_reported_total_count: 500 (resnet)",
    link=INFERENCE,
    since="v5.1",
    kinds=EVERY_KIND,
    forgiven_by=("dataset_size",),
)
def dataset_size(result: Result) -> Iterator[Problem]:
    """An accuracy over a part of the data set is another number. The official checker of v5.1 only prints it; from
    v6.0 on it is not forgiven in the open division either."""
    wanted, (found, path, line) = result.rules.accuracy_samples(result.scenario), _samples(result)
    if path is None or wanted is None or found == wanted:
        return
    fails = effects(result.round.name, result.place.division)["accuracy/dataset-size"].fails
    yield Problem(
        f"the accuracy run has {found} samples, the data set {wanted}",
        path,
        found=str(found)[:40],
        wanted=str(wanted),
        line=line,
        severity=None if result.strict or fails else Severity.NOTE,
        excusable=found is not None,
    )


def _samples(result: Result) -> tuple[Any, str | None, int | None]:
    """Number of samples with its path and line; no path where the log is missing or broken, which others tell."""
    if result.kind == ENDPOINT:
        return result.client_report.accuracy_samples, result.client_report.accuracy.path, None
    if not result.accuracy_log.usable:
        return None, None, None
    entries = (result.accuracy_log.value.entry(key) for key in KEYS)
    entry = next((e for e in entries if e is not None), None)
    path = result.accuracy_log.path
    return (None, path, None) if entry is None else (entry.value, path, entry.line)
