"""The disk at ``--output``: may we write, and is there room for the logs of all runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from harness.benchmarks.base import Contract
from harness.checks.base import Line, Situation, fail, ok
from harness.estimate import size

SUBJECT = "disk"
ENTRY_BYTES = 90
"""One answer in LoadGen's accuracy log without its data, which stands there in hexadecimal; rounded up."""
ANSWER_BYTES = 4096
"""An answer's length where the benchmark does not tell it; rounded up."""
RUN_BYTES = 2_000_000
"""Summary and detail logs, the child's log and the power daemon's files of one run; rounded up."""
MARGIN = 2.0
"""The logs lie in the work folder and, cut or copied, in the tree."""


def check(situation: Situation) -> Iterator[Line]:
    """Rights and room."""
    output = situation.output or Path()
    folder = existing(output)
    if output.exists() and not output.is_dir():
        yield fail(SUBJECT, f"{output} is a file", "a folder", "choose another --output")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        cure = "choose another --output, or ask its owner for the right to write"
        yield fail(SUBJECT, f"{folder} may not be written", "a folder of yours", cure)
    free = shutil.disk_usage(folder).free if situation.free_bytes is None else situation.free_bytes
    needed = bytes_needed(situation)
    found = f"{size(free)} free at {folder}"
    wanted = f"{size(needed)} for the logs of {len(situation.scenarios)} scenarios"
    if free < needed:
        yield fail(SUBJECT, found, wanted, "free some, or choose an --output on another disk")
    else:
        yield ok(SUBJECT, found, wanted)


def bytes_needed(situation: Situation) -> int:
    """Logs of the accuracy run, of the performance and compliance runs, of every scenario, twice."""
    bench = situation.benchmark
    answer = bench.response_bytes if isinstance(bench, Contract) else ANSWER_BYTES
    samples = bench.full_set if situation.fixture is None else situation.fixture.samples
    tests = len(situation.round.benchmark(situation.official).compliance_tests)
    each = samples * (ENTRY_BYTES + 2 * answer) + (3 + 2 * tests) * RUN_BYTES
    return round(MARGIN * each * len(situation.scenarios))


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next((p for p in (folder.absolute(), *folder.absolute().parents) if p.is_dir()), Path("/"))
