"""Audit tests that a script judges alone: its verdict is a text, and there is no run to judge again (from v6.0 on)."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model import Problem
from checker.result import Result
from checker.rule import INFERENCE, rule
from checker.rules.compliance import FAILED, PASSED, says_pass_alone, there
from checker.texts import line_of


def _verdict(result: Result, test: str, name: str, *, alone: bool = False) -> Iterator[Problem]:
    """A problem when a test that is there did not pass; ``alone``: the verdict must be a line of its own."""
    if test not in there(result):
        return
    source = result.compliance_text(test, name)
    if not source.usable:
        reason = source.broken or "is missing"
        yield Problem(f"{test}: {name} {reason}", source.path, reason, PASSED)
    elif not (says_pass_alone(source.value) if alone else PASSED in source.value):
        found = source.value.strip()[-120:]
        wanted, line = f"a line {PASSED}" if alone else PASSED, line_of(source.value, FAILED, PASSED)
        yield Problem(f"{test} did not pass", source.path, found, wanted, line)


@rule(
    "compliance/test07",
    title="TEST07 finds the accuracy in the performance run",
    fix="Make the answers of the performance run as good as those of the accuracy run, and run the test again.",
    good="verify_accuracy.txt: TEST PASS",
    bad="verify_accuracy.txt: TEST FAIL",
    link=INFERENCE,
    since="v6.0",
)
def test07(result: Result) -> Iterator[Problem]:
    """The answers given under load are scored as in an accuracy run, against a threshold of the test; a model that
    answers worse when it is hurried would pass otherwise."""
    yield from _verdict(result, "TEST07", "verify_accuracy.txt")


@rule(
    "compliance/test08",
    title="TEST08 finds the same predictions in the performance run",
    fix="Find out which predictions differ between the two runs, and run the test again.",
    good="verify_accuracy.txt: TEST PASS",
    bad="verify_accuracy.txt: TEST FAIL",
    link=INFERENCE,
    since="v6.0",
)
def test08(result: Result) -> Iterator[Problem]:
    """For the recommender the normalised entropy of each sample may differ by a tenth of a percent between the
    runs."""
    yield from _verdict(result, "TEST08", "verify_accuracy.txt", alone=True)


@rule(
    "compliance/test09",
    title="TEST09 finds outputs of the usual length",
    fix="Let the model end its answers by itself; neither cut nor padded answers are the benchmark's.",
    good="verify_output_len.txt: TEST PASS",
    bad="verify_output_len.txt: TEST FAIL",
    link=INFERENCE,
    since="v6.0",
)
def test09(result: Result) -> Iterator[Problem]:
    """Shorter answers are made faster. The mean length of the outputs must lie in a band around that of the reference
    model."""
    yield from _verdict(result, "TEST09", "verify_output_len.txt")
