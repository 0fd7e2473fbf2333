"""Measure what the harness and LoadGen add to a runtime: time per query and per sample, speed, memory.

    python tools/bench/harness_overhead.py [--pairs 20] [--fixture DIR]

One process, one thread: a block of raw ONNX Runtime calls, written as one writes them by hand on prepared inputs, and a
block of the same calls through LoadGen and the harness, in an order drawn by chance, so many pairs of them. What is
compared is the processor time of the thread that issues, from the first query to the last answer; what other processes
do on the machine is not in it. Given is the mean over the pairs with its 95 % interval.

- *added time*: a model so small that nothing else is seen. Turning outputs into the bytes of an answer counts as
  added, and in Offline so does putting the samples that LoadGen names together into a batch (of 64).
- *share of speed*: a model of some milliseconds (a fixture, made when none is given): the time of the raw loop in
  shares of that through the harness. In Offline both put the batch together.
- *memory*: the largest resident size of a process that answers so many queries with the harness, above that of one
  whose callback only completes them.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

BATCH = 64
SAMPLES = 256
WIDTH = 8
ROUND = "v4.1"
STEADY = 16 * BATCH
"""Queries or samples of a block of a model of some milliseconds. A run loads its samples just before, and the first
ones are slower for it; a run of the rule lasts 600 s, a block so long at least 2."""
MEMORY_QUERIES = 300_000
QUANTILES = {5: 2.78, 10: 2.26, 20: 2.09}
"""Of Student's distribution by the number of pairs, for intervals of 95 %; the nearest one below is taken."""
Block = Callable[[], float]
"""Does its work and gives the thread's processor seconds per query or sample."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A loaded model with the samples that it is asked about."""

    benchmark: Any
    engine: Any
    dataset: Any
    scenario: str
    count: int
    """Queries of a block in SingleStream, samples in Offline."""


class Numbers:
    """Small samples, so that copying them is nearly nothing."""

    def __len__(self) -> int:
        return SAMPLES

    def load(self, index: int) -> Any:
        """Sample ``index``."""
        import numpy as np

        return np.roll(np.arange(WIDTH, dtype=np.float32), index)


class Marked:
    """A SUT whose first query and last answer are noted in processor time of the thread that issues."""

    def __init__(self, sut: Any) -> None:
        self._sut = sut
        self._begin: float | None = None
        self.spent_s = 0.0
        self.connect, self.load, self.unload = sut.connect, sut.load, sut.unload
        self._issue = sut.issue

    def issue(self, ids: Sequence[int], indices: Sequence[int]) -> None:
        """LoadGen's query."""
        if self._begin is None:
            self._begin = time.thread_time()
        self._issue(ids, indices)

    def flush(self) -> None:
        """LoadGen's last word."""
        self._sut.flush()
        self.spent_s = time.thread_time() - (self._begin or 0.0)


class Idle:
    """A SUT that completes and does nothing else."""

    def __init__(self) -> None:
        self._complete: Any = None
        self.error = None

    def connect(self, complete: Any, tell: Any = None) -> None:
        """Say how finished samples are handed back."""
        self._complete = complete

    def load(self, indices: Sequence[int]) -> None:
        """Nothing is held."""

    unload = load

    def issue(self, ids: Sequence[int], indices: Sequence[int]) -> None:
        """LoadGen's query, answered with nothing, in the batches that the harness uses."""
        for begin in range(0, len(ids), BATCH):
            self._complete([(i, 0, 0) for i in ids[begin : begin + BATCH]])

    def flush(self) -> None:
        """Nothing is queued."""


def through_harness(subject: Subject, folder: Path, sut: Any = None) -> float:
    """One LoadGen run; the thread's processor seconds per query or sample."""
    from harness import loadgen
    from harness.sut import Sut

    batch = BATCH if subject.scenario == "Offline" else 1
    own = sut or Sut(subject.benchmark, subject.engine, subject.dataset, batch=batch)
    marked = Marked(own)
    loadgen.run(_job(subject, folder, batch), marked, len(subject.dataset))  # type: ignore[arg-type]
    if own.error is not None:
        raise own.error
    return marked.spent_s / subject.count


def _job(subject: Subject, folder: Path, batch: int) -> Any:
    from harness.model import Job
    from schemas.rounds import load_round

    expected = "target_latency = 1000" if subject.scenario == "SingleStream" else "target_qps = 1"
    rows = ("min_duration = 1", f"min_query_count = {subject.count}", expected)
    conf = folder / "user.conf"
    conf.write_text("".join(f"*.{subject.scenario}.{row}\n" for row in rows))
    return Job(
        kind="loadgen",
        benchmark=subject.benchmark.name,
        loadgen_model="resnet50",
        scenario=subject.scenario,
        mode="performance",
        model="",
        dataset="",
        backend="onnxruntime",
        threads=1,
        log_dir=str(folder),
        user_conf=str(conf),
        audit_conf=str(folder / "none"),
        seeds=load_round(ROUND).seeds(),
        performance_sample_count=len(subject.dataset),
        batch=batch,
    )


def raw_loop(subject: Subject, session: Any, *, gathering: bool) -> Block:
    """The same number of calls on inputs that are ready; ``gathering`` copies each batch together from its samples."""
    import numpy as np

    name, outputs = subject.benchmark.inputs[0], list(subject.benchmark.outputs)
    total = len(subject.dataset)
    stacked = np.stack([subject.dataset.load(i) for i in range(total)])
    chance = np.random.default_rng(1)
    if subject.scenario == "SingleStream":
        feeds = [{name: stacked[i : i + 1]} for i in chance.integers(0, total, subject.count)]
        return lambda: _timed(session.run, outputs, feeds) / subject.count
    places = [chance.integers(0, total, BATCH) for _ in range(subject.count // BATCH)]
    if not gathering:
        ready = [{name: stacked[p]} for p in places[:8]]
        feeds = [ready[n % len(ready)] for n in range(len(places))]
        return lambda: _timed(session.run, outputs, feeds) / subject.count
    run = session.run

    def by_hand() -> float:
        begin = time.thread_time()
        for place in places:
            run(outputs, {name: stacked[place]})
        return (time.thread_time() - begin) / subject.count

    return by_hand


def _timed(run: Any, outputs: list[str], feeds: Sequence[Mapping[str, Any]]) -> float:
    begin = time.thread_time()
    for feed in feeds:
        run(outputs, feed)
    return time.thread_time() - begin


def pairs_of(raw: Block, harness: Block, pairs: int) -> list[tuple[float, float]]:
    """Pairs of (raw, harness), each in an order drawn by chance; the first of each block warms up."""
    raw(), harness()
    found = []
    for _ in range(pairs):
        if random.random() < 0.5:
            first = raw()
            found.append((first, harness()))
        else:
            last = harness()
            found.append((raw(), last))
    return found


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half of its 95 % interval."""
    factor = next((q for n, q in sorted(QUANTILES.items(), reverse=True) if n <= len(values)), 4.3)
    return statistics.mean(values), factor * statistics.stdev(values) / math.sqrt(len(values))


def tiny_model(path: Path) -> Path:
    """A model with the names of ResNet50 that does nearly nothing."""
    import onnx
    from onnx import TensorProto, helper

    node = helper.make_node("ArgMax", ["input_tensor:0"], ["ArgMax:0"], axis=1, keepdims=0)
    inputs = [helper.make_tensor_value_info("input_tensor:0", TensorProto.FLOAT, ["N", WIDTH])]
    outputs = [helper.make_tensor_value_info("ArgMax:0", TensorProto.INT64, ["N"])]
    graph = helper.make_graph([node], "tiny", inputs, outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def engine_of(bench: Any, model: Path) -> Any:
    """The runtime of the harness with a model."""
    from harness.registry import backend

    engine = backend("onnxruntime")
    engine.load(model, inputs=bench.inputs, outputs=bench.outputs, threads=1)
    return engine


def session_of(model: Path) -> Any:
    """ONNX Runtime by hand, with the same settings."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def added(folder: Path, pairs: int) -> Iterator[str]:
    """Time added to a model that takes nearly none."""
    from harness.registry import benchmark

    bench = benchmark("resnet50")
    model = tiny_model(folder / "tiny.onnx")
    engine, session = engine_of(bench, model), session_of(model)
    for scenario, count, what, bar in (
        ("SingleStream", 20_000, "query", 10.0),
        ("Offline", 64_000, "sample", 1.0),
    ):
        subject = Subject(bench, engine, Numbers(), scenario, count)
        raw = raw_loop(subject, session, gathering=False)
        found = pairs_of(raw, lambda s=subject: through_harness(s, folder), pairs)  # type: ignore[misc]
        mean, half = interval([1e6 * (ours - theirs) for theirs, ours in found])
        own = 1e6 * statistics.mean(theirs for theirs, _ in found)
        yield (
            f"{scenario}: {mean:+.2f} µs per {what} (95 % interval {mean - half:.2f} to {mean + half:.2f}) above "
            f"{own:.2f} µs of the raw loop; bar {bar:g} µs"
        )


def shares(folder: Path, fixture: Path | None, pairs: int) -> Iterator[str]:
    """Speed in shares of the raw loop's for a model of some milliseconds."""
    from harness.fixtures.description import read
    from harness.registry import benchmark

    bench = benchmark("resnet50")
    made = (
        read(fixture)
        if fixture
        else bench.make_fixture(folder / "fixture", width="small", seed=1, samples=64)
    )
    engine, session = engine_of(bench, made.model), session_of(made.model)
    dataset = bench.dataset(made.dataset)
    for scenario, count in (("SingleStream", STEADY), ("Offline", STEADY)):
        subject = Subject(bench, engine, dataset, scenario, count)
        raw = raw_loop(subject, session, gathering=True)
        found = pairs_of(raw, lambda s=subject: through_harness(s, folder), pairs)  # type: ignore[misc]
        mean, half = interval([theirs / ours for theirs, ours in found])
        middle = statistics.median(theirs / ours for theirs, ours in found)
        own = 1e3 * statistics.mean(theirs for theirs, _ in found)
        yield (
            f"{scenario}: {mean:.4f} of the raw loop's speed (95 % interval {mean - half:.4f} to {mean + half:.4f}, "
            f"median {middle:.4f}) at {own:.2f} ms per sample; bar 0.99"
        )


def memory(folder: Path, pairs: int) -> Iterator[str]:
    """Bytes per query above those of a process that only completes."""
    tiny_model(folder / "tiny.onnx")
    for scenario in ("SingleStream", "Offline"):
        found = [
            (_resident(folder, scenario, "idle"), _resident(folder, scenario, "harness"))
            for _ in range(max(2, pairs // 5))
        ]
        # Both at two sizes: what a process needs at all falls out.
        mean, half = interval([ours - theirs for theirs, ours in found])
        yield (
            f"{scenario}: {mean:+.1f} bytes per query (95 % interval {mean - half:.1f} to {mean + half:.1f}) above a "
            f"SUT that only completes ({statistics.mean(t for t, _ in found):.0f}); bar 200"
        )


def _resident(folder: Path, scenario: str, kind: str) -> float:
    """Growth of the largest resident size per query, between a third of the queries and all of them."""
    sizes = []
    counts = (MEMORY_QUERIES // 3, MEMORY_QUERIES)
    for count in counts:
        words = [sys.executable, __file__, "--resident", kind, scenario, str(count), str(folder)]
        sizes.append(int(subprocess.run(words, capture_output=True, text=True, check=True).stdout))
    return next((b - a) / (n - m) for (a, b), (m, n) in zip(pairwise(sizes), pairwise(counts), strict=True))


def resident(kind: str, scenario: str, count: int, folder: Path) -> int:
    """In a process of its own: answer queries, give the largest resident size in bytes."""
    from harness.registry import benchmark

    bench = benchmark("resnet50")
    subject = Subject(bench, engine_of(bench, folder / "tiny.onnx"), Numbers(), scenario, count)
    through_harness(subject, folder, Idle() if kind == "idle" else None)
    # Not getrusage: its figure starts with that of the process that forked this one.
    status = Path("/proc/self/status").read_text()
    return next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM:")) * 1024


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--fixture", type=Path, help="of resnet50, for the share of speed")
    parser.add_argument("--only", choices=("added", "shares", "memory"), help="one of the three parts")
    parser.add_argument("--resident", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.resident:
        kind, scenario, count, folder = args.resident
        print(resident(kind, scenario, int(count), Path(folder)))
        return 0
    with tempfile.TemporaryDirectory(prefix="edgewatt-overhead-") as made:
        parts = {
            "added": lambda: added(Path(made), args.pairs),
            "shares": lambda: shares(Path(made), args.fixture, args.pairs),
            "memory": lambda: memory(Path(made), args.pairs),
        }
        for name in [args.only] if args.only else parts:
            for line in parts[name]():
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
