"""The data set: every file that the labels name is there and can be read, and it is the whole set."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.benchmarks.base import OfFiles
from harness.checks.base import Line, Situation, fail, ok, told, warn
from harness.registry import benchmark
from schemas.errors import UserError

SUBJECT = "data set"
BUDGET_S = 6.0
"""How long files are opened; on a slow disk a part of them must do."""


def check(situation: Situation) -> Iterator[Line]:
    """Form, files, number."""
    work = situation.workload
    if work is None:
        cure = "give --model and --dataset, or --fixture"
        yield warn(SUBJECT, "none was given, so it was not looked at", "a data set", cure)
        return
    try:
        dataset = benchmark(work.benchmark).dataset(work.dataset)
    except UserError as error:
        yield told(
            SUBJECT, str(error), "a complete data set", "copy the missing files, or give another --dataset"
        )
        return
    except OSError as error:
        reason = error.strerror or str(error)
        cure = "give the folder of the data set with --dataset"
        yield fail(SUBJECT, f"{work.dataset} cannot be read ({reason})", "a folder", cure)
        return
    if isinstance(dataset, OfFiles):
        yield _opened(dataset.files())
    yield _number(situation, len(dataset))


def _opened(files: Sequence[Path]) -> Line:
    """Open them all and read a byte of each, as long as the budget lasts."""
    give_up = time.monotonic() + BUDGET_S
    bad: list[str] = []
    count = 0
    for path in files:
        if time.monotonic() > give_up:
            break
        count += 1
        reason = _unreadable(path)
        if reason:
            bad.append(f"{path.name} {reason}")
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        return fail(
            SUBJECT, f"{bad[0]}{more}, of {count} files", "files that can be read", "copy these files again"
        )
    part = f"{count} of {len(files)}, for lack of time" if count < len(files) else f"all {count}"
    return ok(SUBJECT, f"{part} files open")


def _unreadable(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return "" if file.read(1) else "is empty"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def _number(situation: Situation, count: int) -> Line:
    bench, rules = situation.benchmark, situation.round.benchmark(situation.official)
    if situation.fixture is not None:
        cure = "give --model and --dataset for a result that can be submitted"
        found = f"{count} synthetic samples of a fixture, good for a rehearsal"
        return warn(SUBJECT, found, f"the {bench.full_set} samples of {bench.name}", cure)
    if count == bench.full_set:
        return ok(SUBJECT, f"{count} samples, the whole set")
    cure = "complete it; a part of the set, or another one, gives a result that cannot be submitted"
    held = rules.performance_sample_count
    less = f", less than the {held} that a performance run holds in memory" if count < held else ""
    return fail(SUBJECT, f"{count} samples{less}", f"{bench.full_set} samples", cure)
