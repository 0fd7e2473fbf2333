"""A report of a hundred thousand findings, in every form: within the bounds that hold for hostile trees."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

import pytest

from checker.model import Effect, Finding, Location, Place, Report, ResultReport, Severity
from checker.reports import writers

NUMBER, SYSTEMS = 100_000, 500
MEMORY_MIB = 1024
SECONDS = 20.0
ROOT = Path(__file__).resolve().parents[2]


class Sink(io.StringIO):
    """Counts and forgets."""

    length = 0

    def write(self, text: str) -> int:
        self.length += len(text)
        return len(text)


def flood() -> Report:
    """Findings of three severities on 500 results, each in a file of its own."""
    places = [Place("closed", "Bench", f"board{at}", "resnet50", "offline") for at in range(SYSTEMS)]
    rules = ("accuracy/hash", "system/non-empty", "system/unknown-fields")
    findings = tuple(
        Finding(
            rules[at % 3], tuple(Severity)[at % 3], Effect.RESULT, places[at % SYSTEMS],
            Location(f"closed/Bench/results/f{at}", at + 1), f"number {at} is wrong", "found", "wanted",
            "why", "Do it.", "https://example.org", f"{at:016x}",
        )
        for at in range(NUMBER)
    )  # fmt: skip
    results = tuple(
        ResultReport(
            place=place, system_type="edge", availability="available", model="resnet", scenario="Offline",
            path=f"closed/Bench/results/{place.system}/resnet50/offline", valid=False, reference_valid=False,
            inferred=False, metric=None, accuracy=(), power=None, findings=tuple(range(at, NUMBER, SYSTEMS)),
        )
        for at, place in enumerate(places)
    )  # fmt: skip
    return Report("tree", "v4.1", "told", False, False, results, findings)


@pytest.mark.proof
@pytest.mark.timeout(300)
@pytest.mark.parametrize("form", sorted(writers()))
def test_a_hundred_thousand_findings_are_written_in_time_and_memory(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.checker.test_many_findings", form],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, mebibytes, length = map(float, done.stdout.split())
    assert length > 0
    assert seconds < SECONDS
    assert mebibytes < MEMORY_MIB


def main(form: str) -> None:
    """Print processor seconds of the writer, peak memory in MiB, and the characters written."""
    import resource

    report, sink = flood(), Sink()
    begin = time.process_time()
    writers()[form](report, sink)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.process_time() - begin, peak, sink.length)


if __name__ == "__main__":
    main(sys.argv[1])
