"""What a compliance test is: how its run is set up, and how its logs are verified against the result.

A score is a rate (queries or samples per second): in the streams the reciprocal of the reported latency, else
the reported figure itself. It may differ from that of the result by a tenth, by a fifth where a query is so
short that the clock and the scheduler weigh in (MLPerf Inference compliance tests, rounds up to v4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.benchmarks.base import Benchmark
from harness.model import Accuracy
from harness.results import Check, Verdict
from harness.scenarios import BY_NAME
from schemas.rounds import Round

TOLERANCE = 0.10
FAST_TOLERANCE = 0.20
FAST_NS = {"SingleStream": 200_000, "MultiStream": 1_600_000}
"""Reported latencies up to which the wider tolerance holds."""


def in_process(bench: Benchmark, log: Path, dataset: Path) -> Accuracy:
    """The score of a log, reckoned in this process."""
    return bench.accuracy(log, dataset)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verifier looks at.

    ``reference`` and ``measured`` are the metrics of the result and of the test as logged (nanoseconds in the
    streams); ``baseline`` is the accuracy log of the accuracy run before it is truncated; ``log_dir`` holds
    the logs of the test and takes what is made while verifying. ``scorer`` scores logs, here or in a process of its
    own.
    """

    scenario: str
    round: Round
    official: str
    benchmark: Benchmark
    dataset: Path
    reference: float
    measured: float
    baseline: Path
    log_dir: Path
    scorer: Callable[[Benchmark, Path, Path], Accuracy] = in_process

    def accuracy(self, log: Path) -> Accuracy:
        """The score of a log of this benchmark."""
        return self.scorer(self.benchmark, log, self.dataset)


class ComplianceTest(Protocol):
    """One test; each implementation is one file in this folder."""

    name: str

    def settings(self, round_: Round, official: str, samples: int) -> Mapping[str, int | float]:
        """What is set over LoadGen's settings of the result.

        ``official``: name of the benchmark in the round; ``samples``: how many the result's run issued.
        """
        ...

    def verify(self, evidence: Evidence) -> Verdict:
        """Read the logs and judge."""
        ...


def compare_scores(evidence: Evidence, *, both_ways: bool) -> Check:
    """Hold the score of a test against that of the result; upwards only unless ``both_ways``."""
    if evidence.reference <= 0 or evidence.measured <= 0:
        return Check(
            False,
            (
                f"No score to compare: result {evidence.reference:g}, test {evidence.measured:g}.",
                "LoadGen reports 0 when a run has too few queries for its percentile.",
            ),
        )
    stream = BY_NAME[evidence.scenario].expects == "latency"
    reference, measured = (_score(m, stream) for m in (evidence.reference, evidence.measured))
    ratio = measured / reference
    tolerance = FAST_TOLERANCE if evidence.reference <= FAST_NS.get(evidence.scenario, 0) else TOLERANCE
    low, high = 1.0 - tolerance, 1.0 + tolerance
    passed = ratio < high and (ratio > low or not both_ways)
    key = evidence.round.benchmark(evidence.official).result_key(evidence.scenario)
    allowed = f"more than {low:.2f} and less than {high:.2f}" if both_ways else f"less than {high:.2f}"
    lines = (
        f"reference score = {reference:.4f}, from {key} of the result: {evidence.reference:g}",
        f"test score = {measured:.4f}, from {key} of this test: {evidence.measured:g}",
        f"speed of this test relative to the result: {ratio:.4f} (allowed: {allowed})",
    )
    return Check(passed, lines)


def _score(metric: float, stream: bool) -> float:
    """A rate: queries per second in the streams, whose metric is a latency in nanoseconds."""
    return 1e9 / metric if stream else metric
