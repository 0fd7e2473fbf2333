"""The accuracy run covers the whole data set."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model import Problem, Severity
from checker.result import Result
from checker.rule import INFERENCE, rule


@rule(
    "accuracy/dataset-size",
    title="The accuracy run covers the whole data set",
    fix="Run accuracy again over all samples of the data set.",
    good="qsl_reported_total_count: 50000 (resnet)",
    bad="qsl_reported_total_count: 500 (resnet)",
    link=INFERENCE,
    needs=("accuracy_log",),
    since="v5.1",
    until="v5.1",
    forgiven_by=("dataset_size",),
)
def dataset_size(result: Result) -> Iterator[Problem]:
    """An accuracy over a part of the data set is another number. The official checker of v5.1 only prints it."""
    wanted = result.rules.facts["dataset_size"]
    entry = result.accuracy_log.value.entry("qsl_reported_total_count")
    found = entry.value if entry is not None else None
    if wanted is not None and found != wanted:
        yield Problem(
            f"the accuracy run has {found} samples, the data set {wanted}",
            result.accuracy_log.path,
            found=str(found)[:40],
            wanted=str(wanted),
            line=entry.line if entry is not None else None,
            severity=None if result.strict else Severity.NOTE,
        )
