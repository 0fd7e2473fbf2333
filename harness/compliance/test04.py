"""TEST04: the same sample in every query must not be faster, or answers are remembered."""

from __future__ import annotations

from collections.abc import Mapping

from harness.compliance.base import Evidence, compare_scores
from harness.results import Verdict
from schemas.rounds import Round

SAME_INDEX = 3
"""Place of the repeated sample among the loaded ones."""


class Test04:
    """Caching of results."""

    name = "TEST04"

    def settings(self, round_: Round, official: str, samples: int) -> Mapping[str, int | float]:
        """Issue one sample again and again."""
        return {
            "performance_issue_unique": False,
            "performance_issue_same": True,
            "performance_issue_same_index": SAME_INDEX,
        }

    def verify(self, evidence: Evidence) -> Verdict:
        """The score may not rise; a fall has nothing to do with a cache."""
        return Verdict(self.name, compare_scores(evidence, both_ways=False), None, True, {})


TEST = Test04()
