"""Our own rules on what a closed result says of its model: retraining, another model, undeclared transformations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from checker.model import Problem, Severity
from checker.result import Result
from checker.rule import EVERY_KIND, INFERENCE, rule
from checker.wording import shorten
from schemas.model_words import families_in, family_of

ABOUT: dict[str, Any] = {
    "severity": Severity.WARNING,
    "link": INFERENCE,
    "needs": ("measurements",),
    "kinds": EVERY_KIND,
}
LONGEST = 10_000
"""Characters of a field that are looked at."""
NOTHING = frozenset(("", "no", "n", "none", "false", "n/a", "na", "-", "0"))
"""Ways in which submitters say that there was none."""
_RETRAINED = re.compile(
    r"^(y|yes|true|1)\b|\b(re-?trained|fine-?tun|qat\b|quanti[sz]ation[- ]aware|distill)", re.IGNORECASE
)
_DROPPED = re.compile(
    r"\b(prun(ed|ing)|sparsif|sparsity|distill|weight dropping|channel elimination)", re.IGNORECASE
)
_NEGATED = re.compile(r"\b(no|not|without|never)\b", re.IGNORECASE)
NARROW_TYPES = re.compile(
    r"\b(u?int[1-8]|i8|s8|u8|fp[468]|float[468]|bf8|hf8|e[45]m[23]|mx?fp[468]|nvfp4|int4|binary)\b",
    re.IGNORECASE,
)


def _said(result: Result, name: str) -> str:
    """A field of the measurements of a closed or network result; empty elsewhere and where it is no text."""
    found = result.measurements.value.get(name)
    return found[:LONGEST].strip() if result.strict and isinstance(found, str) else ""


def _affirms(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.search(text) is not None and _NEGATED.search(text) is None


@rule(
    "quality/retraining",
    title="A closed model was not retrained",
    fix="Submit the result in the open division, or correct the field.",
    good='"retraining": "no"',
    bad='"retraining": "yes" in closed',
    **ABOUT,
)
def retraining(result: Result) -> Iterator[Problem]:
    """The closed division compares systems on the same weights. The field says whether they were trained again; the
    official checker only wants it to be there."""
    said = _said(result, "retraining")
    if _affirms(_RETRAINED, said):
        found = shorten(said, 80)
        message = f"a closed result says of retraining: {found}"
        yield Problem(message, result.measurements.path, found, "no", pointer="/retraining")


@rule(
    "quality/other-model",
    title="Closed weights are those of the benchmark's model",
    fix="Use the reference weights, submit in the open division, or correct the field.",
    good='"starting_weights_filename": "resnet50_v1.onnx" for resnet50',
    bad='"starting_weights_filename": "mobilenet_v1.tflite" for resnet50',
    **ABOUT,
)
def other_model(result: Result) -> Iterator[Problem]:
    """A closed result runs the model of the benchmark. Where the name of the weights speaks of another model and not of
    that one, either the field or the division is wrong."""
    said = _said(result, "starting_weights_filename")
    if not said:
        return
    own = family_of(result.benchmark.model)
    named = frozenset(f for name in said.split(",") for f in families_in(name.strip()))
    if own and named and not own & named:
        found = shorten(said, 100)
        message = f"the weights are named {found}, which speaks of {', '.join(sorted(named))}"
        pointer = "/starting_weights_filename"
        yield Problem(
            message, result.measurements.path, found, f"weights of {result.benchmark.model}", pointer=pointer
        )


@rule(
    "quality/transformations",
    title="Closed weights were transformed as the rules allow, and it is said",
    fix="Say how the weights came to their data type; pruned or distilled models belong in the open division.",
    good='"weight_data_types": "int8", "weight_transformations": "quantization, affine fusion"',
    bad='"weight_data_types": "int8", "weight_transformations": "none"',
    **ABOUT,
)
def transformations(result: Result) -> Iterator[Problem]:
    """References have weights of 16 or 32 bits. Narrower ones were quantised by somebody, and closed allows that with a
    calibration that is described; pruning and distilling it does not allow."""
    said, types = _said(result, "weight_transformations"), _said(result, "weight_data_types")
    declared = isinstance(result.measurements.value.get("weight_transformations"), str)
    path, pointer = result.measurements.path, "/weight_transformations"
    if _affirms(_DROPPED, said):
        found = shorten(said, 80)
        message = f"a closed result says of its weights: {found}"
        yield Problem(message, path, found, "no pruning, no distilling", pointer=pointer)
    elif result.strict and declared and said.lower() in NOTHING and (match := NARROW_TYPES.search(types)):
        message = f"the weights are {shorten(types, 40)}, but no transformation is named"
        yield Problem(message, path, said or "nothing", f"how they became {match.group()}", pointer=pointer)
