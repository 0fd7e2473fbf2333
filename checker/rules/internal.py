"""A fault of our own: told as a finding, because what was not judged must not pass."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model import Problem, Scope
from checker.rule import rule
from checker.tree import Submission


@rule(
    "internal/rule-crashed",
    scope=Scope.SUBMISSION,
    title="Every rule could be judged",
    fix="Report the message with the file it names; `--ignore internal` leaves it out.",
    good="all rules ran to their end",
    bad="a rule failed with KeyError",
)
def crashed(submission: Submission) -> Iterator[Problem]:
    """A rule of mlcheck failed on this tree. What it should have judged is unknown, and unknown is not valid."""
    yield from ()


CRASHED = crashed
