"""TEST05: other seeds must give the same score, or the system was tuned for the order of the samples."""

from __future__ import annotations

from collections.abc import Mapping

from harness.compliance.base import Evidence, compare_scores
from harness.results import Verdict
from schemas.rounds import Round


class Test05:
    """Alternate random seeds."""

    name = "TEST05"

    def settings(self, round_: Round, official: str, samples: int) -> Mapping[str, int | float]:
        """The round's own seeds of this test, and the flag without which LoadGen leaves them."""
        seeds = {f"test05_{name}": seed for name, seed in round_.seeds(self.name).items()}
        return {"test05": True, **seeds}

    def verify(self, evidence: Evidence) -> Verdict:
        """The score may neither rise nor fall."""
        return Verdict(self.name, compare_scores(evidence, both_ways=True), None, True, {})


TEST = Test05()
