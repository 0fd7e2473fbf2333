"""Measure what the telemetry of a run, and with --view its panel too, cost the system under test.

    mlharness make-fixture resnet50 FIXTURE
    python tools/bench/telemetry_cost.py FIXTURE [--pairs 20] [--seconds 3] [--view]

A child process answers queries of one sample with ONNX Runtime all the time. The parent looks at the machine once a
second in one half of a pair and does nothing in the other, in an order drawn by chance. Compared within each pair are
the median latency, and the processor time of the child per query; given is the mean ratio over the pairs with its 95 %
interval. The parent's own processor time per second bounds the energy: a share of one processor's time draws at most
that share of what the processors draw.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import pty
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SLOPE = 1.96
"""Of the normal distribution; with twenty pairs Student's is 2.09, which is used below ten pairs as 2.3."""


@dataclass(frozen=True, slots=True)
class Block:
    """One half of a pair: seconds per query (median), child's processor seconds per query, parent's per second."""

    latency_s: float
    child_s: float
    parent_share: float


def work(fixture: Path) -> int:
    """The child: answers queries for as long as each line of its input says, and tells how that went."""
    from harness.fixtures.description import read
    from harness.registry import backend, benchmark

    made = read(fixture)
    bench = benchmark(made.benchmark)
    engine = backend("onnxruntime")
    engine.load(made.model, inputs=bench.inputs, outputs=bench.outputs, threads=1)
    sample: Any = bench.dataset(made.dataset).load(0)
    batch = sample[None]
    print("ready", flush=True)
    for line in sys.stdin:
        end = time.monotonic() + float(line)
        begin_cpu, latencies = time.process_time(), []
        while time.monotonic() < end:
            begin = time.perf_counter()
            engine.infer(batch)
            latencies.append(time.perf_counter() - begin)
        used = time.process_time() - begin_cpu
        print(json.dumps([statistics.median(latencies), used / len(latencies)]), flush=True)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("fixture", type=Path, help="made by mlharness make-fixture")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one half of a pair")
    parser.add_argument("--view", action="store_true", help="with the panel on a terminal")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.work:
        return work(args.fixture)
    pairs = measured(args.fixture, args.pairs, args.seconds, view=args.view)
    report(pairs, "telemetry and panel" if args.view else "telemetry")
    return 0


def measured(fixture: Path, pairs: int, seconds: float, *, view: bool) -> list[tuple[Block, Block]]:
    """Pairs of (without, with)."""
    command = [sys.executable, __file__, "--work", str(fixture)]
    found = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        block(child, 1.0, fixture, watching=False, view=False)  # caches and clocks settle
        for _ in range(pairs):
            order = [False, True]
            random.shuffle(order)
            halves = {on: block(child, seconds, fixture, watching=on, view=view) for on in order}
            found.append((halves[False], halves[True]))
        child.stdin.close()
    return found


def block(
    child: subprocess.Popen[str], seconds: float, fixture: Path, *, watching: bool, view: bool
) -> Block:
    """One half of a pair."""
    assert child.stdin is not None
    assert child.stdout is not None
    with looking(fixture, view=view) if watching else contextlib.nullcontext():
        begin, cpu = time.monotonic(), time.process_time()
        child.stdin.write(f"{seconds}\n")
        child.stdin.flush()
        latency_s, child_s = json.loads(child.stdout.readline())
        share = (time.process_time() - cpu) / (time.monotonic() - begin)
    return Block(latency_s, child_s, share)


@contextlib.contextmanager
def looking(fixture: Path, *, view: bool) -> Iterator[None]:
    """The telemetry of a run; with ``view`` told to a story that is drawn on a terminal."""
    from harness.telemetry import Telemetry

    if not view:
        with Telemetry(lambda _: None):
            yield
        return
    from harness.expected import Expected
    from harness.live.screen import Screen
    from harness.live.story import Story

    ours, theirs = pty.openpty()
    story = Story()
    planned = plan_of(fixture)
    story.planned(planned)
    story.began(planned.specs[0], Expected(600.0, 100_000))
    story.stage("running")
    with os.fdopen(theirs, "w", encoding="utf-8") as out, Telemetry(story.seen), Screen(story, out):
        os.set_blocking(ours, False)
        yield
        with contextlib.suppress(BlockingIOError):
            while os.read(ours, 65536):
                pass
    os.close(ours)


def plan_of(fixture: Path) -> Any:
    """What the panel shows a part of."""
    from harness.cli import DESCRIPTION
    from harness.commands import run as command
    from harness.plan import plan
    from schemas.cliparse import Parser

    parser = Parser(prog="mlharness", description=DESCRIPTION)
    command.add_arguments(parser)
    words = ["resnet50", "--scenario", "SingleStream", "--output", "never-written", "--fixture", str(fixture)]
    return plan(command.request(parser.parse_args(words)))


def report(pairs: Sequence[tuple[Block, Block]], what: str) -> None:
    """Ratios with their intervals."""
    print(
        f"{what}: {len(pairs)} interleaved pairs on {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    )
    for name, field in (("median latency", "latency_s"), ("processor time per query", "child_s")):
        logs = [math.log(getattr(on, field) / getattr(off, field)) for off, on in pairs]
        mean = statistics.mean(logs)
        half = (2.3 if len(logs) < 10 else SLOPE) * statistics.stdev(logs) / math.sqrt(len(logs))
        low, middle, high = (100 * (math.exp(x) - 1) for x in (mean - half, mean, mean + half))
        print(f"{name} of the child: {middle:+.2f} % (95 % interval {low:+.2f} to {high:+.2f} %)")
    extra = [on.parent_share - off.parent_share for off, on in pairs]
    share = statistics.mean(extra)
    print(
        f"processor time of the parent: {1e3 * share:.2f} ms a second, "
        f"{100 * share / (os.cpu_count() or 1):.3f} % of the machine's"
    )


if __name__ == "__main__":
    sys.exit(main())
