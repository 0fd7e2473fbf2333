"""The child of ``probe``: opens the model, reads samples, measures queries, and says what it finds.

It reads a job as one JSON line on standard input and says JSON lines on standard output; the end of its input
ends it. Runtimes and image libraries are imported here and not in the parent.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends.base import Backend, Describing
from harness.benchmarks.base import Dataset
from harness.calibrate import fast
from harness.computing import pin
from harness.opening import opened
from harness.registry import benchmark
from harness.scoring import Demanding
from harness.scoring_child import tried
from harness.sut import Sut
from schemas.errors import UserError

if TYPE_CHECKING:
    from harness.benchmarks.base import Sample

Say = Callable[..., None]
SLOW_S = 1.5
"""A query that takes longer is measured once."""


def examine(job: Mapping[str, Any], say: Say) -> None:
    """The whole look; ``UserError`` for a model or data that do not fit."""
    give_up = time.monotonic() + float(job["total_s"])
    bench = benchmark(job["benchmark"])
    pin(job["cores"])
    engine = opened(
        bench,
        job["backend"],
        Path(job["model"]),
        threads=int(job["threads"]),
        precision=job["precision"],
        options=job["options"],
    )
    tensors = [t.to_json() for t in engine.tensors()] if isinstance(engine, Describing) else None
    say(event="opened", tensors=tensors, versions=dict(engine.versions()))
    dataset = bench.dataset(Path(job["dataset"]))
    counts: list[int] = sorted(job["counts"])
    indices = _spread(len(dataset), counts[-1])
    begin = time.monotonic()
    sizes = [_bytes(dataset.load(i)) for i in dict.fromkeys(indices)]
    say(event="loaded", load_s=(time.monotonic() - begin) / len(sizes), sample_bytes=max(sizes))
    opening = _peak()
    say(event="scored", fault=_unscorable(bench, Path(job["dataset"])))
    _peak()  # what scoring takes is not what a run takes
    rows: list[dict[str, Any]] = []
    for count in counts:
        sut = Sut(bench, engine, dataset, batch=max(count, counts[-1]))
        left = give_up - time.monotonic()
        if left > SLOW_S or not rows:
            rows.append(_measure(sut, engine, dataset, indices[:count], float(job["seconds"])))
    say(event="measured", rows=rows)
    say(event="done", memory_bytes=max(opening, _peak()))


def _unscorable(bench: object, dataset: Path) -> str | None:
    """Why a log could not be scored; the libraries that this takes are often those of the model, and in memory now."""
    try:
        if isinstance(bench, Demanding):
            tried(bench, dataset)
    except UserError as error:
        return str(error)
    return None


def _peak() -> int:
    """The most memory, in bytes, that this process has held since this was asked last."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        peak = next(int(x.split()[1]) for x in text.splitlines() if x.startswith("VmHWM:")) * 1024
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # proc(5): resets VmHWM
    except (OSError, StopIteration, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return peak


def _bytes(sample: Sample) -> int:
    arrays = sample.values() if isinstance(sample, Mapping) else (sample,)
    return sum(int(getattr(array, "nbytes", 0)) for array in arrays)


def _spread(total: int, count: int) -> list[int]:
    """``count`` indices over the whole set; some twice where it is smaller."""
    return [i * total // count for i in range(count)] if total >= count else [i % total for i in range(count)]


def _measure(
    sut: Sut, engine: Backend, dataset: Dataset, indices: list[int], seconds: float
) -> dict[str, Any]:
    """Latencies and rate of calls with these samples, after one that warms up."""
    begin = time.monotonic()
    sut.warm_up(indices[0], 0.0)
    first = (time.monotonic() - begin) * len(indices)
    latencies = [first] if first > SLOW_S else sut.measure(indices, seconds)
    rate = len(indices) * len(latencies) / sum(latencies)
    return {
        "size": len(indices),
        "median_ms": statistics.median(latencies) * 1e3,
        "fast_ms": fast(latencies) * 1e3,
        "samples_per_second": rate,
        "calls": len(latencies),
    }


def main() -> int:
    """Entry point of ``python -m harness.probe_child``."""
    # What libraries print goes to the log; the parent's line stays ours.
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())

    def say(**message: object) -> None:
        voice.write(json.dumps(message) + "\n")
        voice.flush()

    def listen() -> None:
        sys.stdin.readline()  # a word of the parent, or its end: either way nobody waits any more
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()
    try:
        examine(job, say)
    except UserError as error:
        say(event="error", kind="user", message=str(error))
        return 1
    except Exception as error:  # noqa: BLE001 - whatever a runtime throws becomes a sentence for the parent
        traceback.print_exc()
        reason = str(error).splitlines()[0][:200] if str(error) else ""
        say(
            event="error",
            kind="user",
            message=f"the model could not be run: {type(error).__name__}: {reason}",
        )
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
