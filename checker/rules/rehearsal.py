"""What the run record of our harness declares: a shortened, synthetic or simulated run is no valid result."""

from __future__ import annotations

import json
from collections.abc import Iterator

from checker.model import Problem
from checker.rehearsal import declared
from checker.result import Result
from checker.rule import SUBMISSION, rule
from schemas.documents import names, violations

NEEDS = ("run_record",)
EMULATED = "EDGEWATT-EMULATED"


@rule(
    "rehearsal/record",
    title="The run record is what mlharness writes",
    fix="Leave edgewatt.json as mlharness wrote it, or remove it together with the rehearsal.",
    good='"schema": "edgewatt/run/1"',
    bad="a record of another form",
    link=SUBMISSION,
    needs=NEEDS,
)
def record(result: Result) -> Iterator[Problem]:
    """The record decides what --rehearsal forgives, so it must be readable without doubt and belong to this
    result."""
    document, path = result.run_record.value, result.run_record.path
    if "run-record" in names():
        for violation in list(violations("run-record", document))[:5]:
            found, wanted = violation.found, violation.wanted
            yield Problem(violation.message[:200], path, found, wanted, pointer=violation.pointer)
    about = document.get("result")
    own = dict(zip(("division", "submitter", "system", "benchmark"), result.place.names[:4], strict=True))
    if isinstance(about, dict) and any(about.get(k) != v for k, v in own.items()):
        found = json.dumps({k: about.get(k) for k in own})[:160]
        yield Problem("the record belongs to another result", path, found, json.dumps(own), pointer="/result")


@rule(
    "rehearsal/shortened",
    title="The run was not shortened",
    fix="Run without --rehearsal; a full run takes at least ten minutes a scenario.",
    good='"shortened": {}',
    bad='"shortened": {"min_duration_ms": …}',
    link=SUBMISSION,
    needs=NEEDS,
    forgiven_by=("declared",),
)
def shortened(result: Result) -> Iterator[Problem]:
    """A shorter run shows that everything works together; its numbers mean nothing."""
    for name in declared(result.run_record.value, "shortened"):
        cut = result.run_record.value["shortened"][name]
        path, pointer = result.run_record.path, f"/shortened/{name}"
        found = str(cut.get("used")) if isinstance(cut, dict) else ""
        wanted = str(cut.get("wanted")) if isinstance(cut, dict) else ""
        yield Problem(f"{name} was cut short on purpose", path, found, wanted, pointer=pointer)


@rule(
    "rehearsal/synthetic",
    title="Data set and weights are the benchmark's",
    fix="Run with the data set and the checkpoint of the benchmark (--dataset, --model).",
    good='"synthetic": {}',
    bad='"synthetic": {"weights": "random"}',
    link=SUBMISSION,
    needs=NEEDS,
    forgiven_by=("declared",),
)
def synthetic(result: Result) -> Iterator[Problem]:
    """Generated samples and random weights cost the same time and answer nothing."""
    for name in declared(result.run_record.value, "synthetic"):
        if name != "planted_accuracy":
            said = str(result.run_record.value["synthetic"][name])[:100]
            path, pointer = result.run_record.path, f"/synthetic/{name}"
            yield Problem(f"the {name} is generated: {said}", path, said, "the real one", pointer=pointer)


@rule(
    "rehearsal/simulated",
    title="Power was measured by a real meter",
    fix="Connect a meter and name it (--power spawn:DRIVER:PORT).",
    good="a serial number of a real meter",
    bad=f"serial number {EMULATED}",
    link=SUBMISSION,
    forgiven_by=("simulated",),
)
def simulated(result: Result) -> Iterator[Problem]:
    """An emulated meter speaks the instrument's language and measures nothing."""
    if result.run_record.usable and "meter" in declared(result.run_record.value, "simulated"):
        path = result.run_record.path
        yield Problem(
            "the meter is simulated", path, "a simulated meter", "a meter", pointer="/simulated/meter"
        )
    elif result.has_power and result.server.usable:
        about = json.dumps(result.server.value.get("edgewatt"))
        if EMULATED in about or '"simulated": true' in about:
            path = result.server.path
            yield Problem("the meter is simulated", path, "a simulated meter", "a meter", pointer="/edgewatt")
