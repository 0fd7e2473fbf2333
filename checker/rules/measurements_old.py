"""What the first round alone asked of the measurements JSON."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model import Problem, Severity
from checker.result import Result
from checker.rule import rule
from checker.wording import listing, pointer_to


@rule(
    "measurements/unknown-fields",
    severity=Severity.WARNING,
    title="Only known fields are in the measurements JSON",
    fix="Take the field out, or correct its spelling.",
    good='"weight_data_types": "fp32"',
    bad='"weights": "fp32"',
    until="v0.5",
    needs=("measurements",),
)
def unknown_fields(result: Result) -> Iterator[Problem]:
    """The checker of v0.5 compared the description with a template and failed the submission for a field that
    is not in it. Later rounds leave further fields free."""
    unknown = sorted(set(result.measurements.value) - set(result.round.facts["measurement_fields"]))
    if unknown:
        wanted = ", ".join(result.round.facts["measurement_fields"])
        message = f"fields that the template does not have: {listing(unknown)[:200]}"
        found, at = f"{len(unknown)} unknown fields", pointer_to(unknown[0])
        yield Problem(message, result.measurements.path, found, wanted, pointer=at)
