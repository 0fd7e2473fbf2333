"""What the run record of our harness declares: a shortened, synthetic or simulated run is no valid result."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from checker.model import Problem, Severity
from checker.rehearsal import declared, flaws
from checker.result import Result
from checker.rule import EVERY_KIND, SUBMISSION, rule

NEEDS = ("run_record",)
EMULATED = "EDGEWATT-EMULATED"


@rule(
    "rehearsal/record",
    title="The run record is what mlharness writes",
    fix="Leave edgewatt.json as mlharness wrote it, or remove it together with the rehearsal.",
    good='"schema": "edgewatt/run/1"',
    bad="a record of another form",
    link=SUBMISSION,
    kinds=EVERY_KIND,
    needs=NEEDS,
)
def record(result: Result) -> Iterator[Problem]:
    """The record decides what --rehearsal forgives, so it must be readable without doubt and belong to this
    result."""
    yield from flaws(result)


@rule(
    "rehearsal/shortened",
    title="The run was not shortened",
    fix="Run without --rehearsal and without a fixture; a full run takes at least ten minutes a scenario.",
    good='"shortened": {}',
    bad='"shortened": {"min_duration_ms": {"used": 25000, "wanted": 600000}}',
    link=SUBMISSION,
    kinds=EVERY_KIND,
    needs=NEEDS,
    forgiven_by=("declared",),
)
def shortened(result: Result) -> Iterator[Problem]:
    """A shorter run shows that everything works together; its numbers mean nothing."""
    for name in declared(result.run_record.value, "shortened"):
        cut = result.run_record.value["shortened"][name]
        path, pointer = result.run_record.path, f"/shortened/{name}"
        what, unit = CUTS.get(name, (name, ""))
        found, wanted = (f"{_figure(cut, key)}{unit}" for key in ("used", "wanted"))
        message = f"{what} was cut on purpose: {found} in place of {wanted}"
        lenient = Severity.WARNING if name == QUERIES and _stopped_early(result) else None
        yield Problem(message, path, found, wanted, pointer=pointer, severity=lenient)


QUERIES = "min_query_count"


def _stopped_early(result: Result) -> bool:
    """Whether LoadGen found the queries enough: the rules then accept fewer than the table names."""
    run = result.run
    return (
        run.log.usable
        and run.scenario in result.round.facts["early_stopping_scenarios"]
        and run.log.value.first("early_stopping_met") is True
    )


CUTS = {
    "min_duration_ms": ("the minimum duration", " ms"),
    QUERIES: ("the number of queries", " queries"),
    "samples_per_query": ("the query", " samples"),
    "latency_percentile": ("the percentile of the latency", " %"),
    "performance_sample_count": ("the set of samples in memory", " samples"),
    "offline_samples": ("the Offline query", " samples"),
    "dataset_size": ("the data set", " samples"),
}
"""Cuts by their name in the run record: what they cut, and in which unit."""


LOGGED = {
    "min_duration_ms": ("effective_min_duration_ms", 1),
    QUERIES: ("effective_min_query_count", 1),
    "performance_sample_count": ("effective_performance_sample_count", 1),
    "offline_samples": ("effective_samples_per_query", 1),
    "samples_per_query": ("effective_samples_per_query", 1),
    "latency_percentile": ("effective_target_latency_percentile", 100),
    "dataset_size": ("qsl_reported_total_count", 1),
}
"""Cuts by name: the key under which LoadGen logs the value in force, and what it is multiplied by."""


@rule(
    "rehearsal/agrees",
    title="The run record says what the log says",
    fix="Leave edgewatt.json and the log as they were written; run again when one of them was changed.",
    good='"min_duration_ms": {"used": 25000, …} and effective_min_duration_ms: 25000',
    bad='"min_duration_ms": {"used": 590000, …} and effective_min_duration_ms: 25000',
    link=SUBMISSION,
    needs=(*NEEDS, "performance_log"),
)
def agrees(result: Result) -> Iterator[Problem]:
    """A record that declares less than was cut, or another cut than there was, would have a rehearsal judged
    by something that never ran."""
    log, record = result.run.log, result.run_record
    for name in declared(record.value, "shortened"):
        key, scale = LOGGED.get(name, ("", 1))
        used, logged = record.value["shortened"][name], log.value.first(key)
        said = used.get("used") if isinstance(used, dict) else None
        if not isinstance(logged, int | float) or not isinstance(said, int | float):
            continue
        if not math.isclose(said, logged * scale, rel_tol=1e-6):
            what, unit = CUTS[name]
            message = f"{what} in the record is {said:g}{unit}, in the log {logged * scale:g}{unit} ({key})"
            pointer = f"/shortened/{name}/used"
            yield Problem(message, record.path, f"{said:g}", f"{logged * scale:g}", pointer=pointer)


def _figure(cut: object, key: str) -> str:
    value = cut.get(key) if isinstance(cut, dict) else None
    return f"{value:g}" if isinstance(value, float) else str(value)


@rule(
    "rehearsal/synthetic",
    title="Data set and weights are the benchmark's",
    fix="Run with the data set and the checkpoint of the benchmark (--dataset, --model).",
    good='"synthetic": {}',
    bad='"synthetic": {"weights": "random"}',
    link=SUBMISSION,
    kinds=EVERY_KIND,
    needs=NEEDS,
    forgiven_by=("declared",),
)
def synthetic(result: Result) -> Iterator[Problem]:
    """Generated samples and random weights take as long as real ones, and their accuracy says nothing."""
    for name in declared(result.run_record.value, "synthetic"):
        if name in GENERATED:
            said = str(result.run_record.value["synthetic"][name])[:100]
            path, pointer = result.run_record.path, f"/synthetic/{name}"
            sentence, wanted = GENERATED[name]
            yield Problem(f"{sentence}: {said}", path, said, wanted, pointer=pointer)


GENERATED = {
    "dataset": ("the data set is generated", "the data set of the benchmark"),
    "weights": ("the weights are generated", "the checkpoint of the benchmark"),
}
"""Parts of a fixture: what is said of them, and what a result needs in their place."""


@rule(
    "rehearsal/simulated",
    title="Power was measured by a real meter",
    fix="Connect a meter and name it (--power spawn:DRIVER:PORT).",
    good="a serial number of a real meter",
    bad=f"serial number {EMULATED}",
    link=SUBMISSION,
    kinds=EVERY_KIND,
    forgiven_by=("simulated",),
)
def simulated(result: Result) -> Iterator[Problem]:
    """An emulated meter speaks the instrument's language and measures nothing."""
    if result.run_record.usable and "meter" in declared(result.run_record.value, "simulated"):
        path = result.run_record.path
        yield Problem(
            "the meter is simulated", path, "a simulated meter", "a real meter", pointer="/simulated/meter"
        )
    elif result.has_power and result.server.usable:
        about = json.dumps(result.server.value.get("edgewatt"))
        if EMULATED in about or '"simulated": true' in about:
            path = result.server.path
            yield Problem(
                "the meter is simulated", path, "a simulated meter", "a real meter", pointer="/edgewatt"
            )
