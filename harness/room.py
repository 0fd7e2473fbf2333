"""Room on the disk for the logs of a run: asked for before it, and looked at after it.

LoadGen says nothing when it cannot write: its logs are cut short. So what is missing is told from the disk.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.benchmarks.base import Contract
from harness.checks.disk import ANSWER_BYTES, ENTRY_BYTES, RUN_BYTES, existing
from harness.estimate import size
from harness.model import Plan
from harness.registry import benchmark
from schemas.errors import UserError

FULL_BYTES = 64 * 1024
"""Less than this is no room for anything."""


def bytes_needed(plan: Plan) -> int:
    """The logs of all runs of a plan, with those in the tree beside them; rounded up."""
    bench = benchmark(plan.workload.benchmark)
    answer = bench.response_bytes if isinstance(bench, Contract) else ANSWER_BYTES
    entries = plan.samples * (ENTRY_BYTES + 2 * answer)
    return sum(RUN_BYTES + (2 * entries if spec.mode == "accuracy" else 0) for spec in plan.specs)


def refuse_full(plan: Plan) -> None:
    """``UserError`` when the logs will not fit on the disk of the output."""
    place = existing(plan.work)
    free, needed = shutil.disk_usage(place).free, bytes_needed(plan)
    if free < needed:
        raise UserError(
            f"the logs need {size(needed)} and {place} has {size(free)} free; free some, or choose an "
            "--output on another disk"
        )


def refuse_filled(folder: Path) -> None:
    """``UserError`` when the disk has become full in a run: then nothing in its logs can be relied on."""
    if shutil.disk_usage(folder).free < FULL_BYTES:
        raise UserError(
            f"the disk of {folder} is full, so LoadGen's logs may be cut short; free some, then run it again"
        )
