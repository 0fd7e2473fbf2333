"""What powerd costs: one meter at 1 Hz, and twenty at 1 Hz with four at 10 Hz, the daemon on one core.

    .venv/bin/python tools/bench/powerd_load.py [--seconds 60] [--meters 1,20+4]

Emulated WT310E meters on pseudo-terminals, on another core than the daemon, which runs as users run it. Processor time
is that of the daemon's process, so that a busy machine changes it little. How long threads that could run had to wait
for a core (of the daemon, of the meter that waited longest) is shown. The emulated meters write down when they heard
and spoke (``stamped_meter``); a late or spoilt sample that they caused themselves, for want of a core, is not powerd's
(``blame``) and is told apart. Ends with 1 when a bar is missed: a sample lost, or late by powerd's doing, or one meter
that needs 1 % of a core or 80 MB; with 2 when nothing is missed but the meters spoilt more than one sample in a
hundred, or one of them hung for a second, which proves nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.bench import blame  # noqa: E402

MOST_CPU_SHARE, MOST_RSS_BYTES = 0.01, 80_000_000
"""Of one meter at 1 Hz: processor time of a core, and resident memory."""
MOST_OWN_SHARE = 0.01
"""Of the samples may be spoilt by the emulated meters themselves; above it the machine is too busy for a verdict."""
HUNG_NS = 1_000_000_000
SETTLE_S = 6.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """So many meters once a second and so many ten times a second."""

    slow: int
    fast: int

    @property
    def intervals(self) -> list[str]:
        """The interval of each meter."""
        return ["1s"] * self.slow + ["100ms"] * self.fast

    def __str__(self) -> str:
        return f"{self.slow} at 1 Hz" + (f" + {self.fast} at 10 Hz" if self.fast else "")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process had used at an instant."""

    at_s: float
    cpu_s: float
    waited_s: float
    wakeups: int
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What one load gave."""

    load: Load
    cpu_share: float
    waited_share: float
    meters_waited_share: float
    wakeups_per_s: float
    rss_bytes: int
    samples: int
    wanted: int
    lost: int
    bad: dict[str, int]
    own: int = 0
    """Of the bad ones, those that the emulated meters caused themselves."""
    hung: int = 0
    """Emulated meters that hung for a second: what is missing of them is not counted."""

    @property
    def is_decided(self) -> bool:
        """Whether the meters were good enough for a verdict."""
        return self.own <= MOST_OWN_SHARE * max(1, self.samples) and not self.hung

    def __str__(self) -> str:
        bad = ", ".join(f"{count} {name}" for name, count in sorted(self.bad.items())) or "none"
        return (
            f"{self.load!s:23} {self.cpu_share:7.2%} {self.waited_share:7.2%} {self.meters_waited_share:7.2%} "
            f"{self.wakeups_per_s:6.0f}/s {self.rss_bytes / 1e6:6.1f} MB {self.samples:6} of {self.wanted:<6} "
            f"lost {self.lost}, bad {bad}" + (f", {self.own} of these the meters' own" if self.own else "")
        )

    def misses(self) -> list[str]:
        """The bars that these figures miss."""
        found = []
        theirs = sum(self.bad.values()) - self.own
        if self.lost or theirs:
            found.append(f"{self.load}: {self.lost} samples lost, {theirs} not good")
        if self.load == Load(1, 0) and self.cpu_share >= MOST_CPU_SHARE:
            found.append(f"one meter needs {self.cpu_share:.2%} of a core")
        if self.load == Load(1, 0) and self.rss_bytes >= MOST_RSS_BYTES:
            found.append(f"one meter needs {self.rss_bytes / 1e6:.0f} MB")
        return found


def pinned(number: int, module: str, *command: str) -> subprocess.Popen[str]:
    """``python -m MODULE …`` on one of our cores; its first line says that it is ready."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-m", module, *command], stdout=subprocess.PIPE, text=True, env=environment
    )
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(child.pid, {cores[number % len(cores)]})
    return child


def usage(pid: int) -> Usage:
    """Processor time, voluntary context switches of all threads, and resident memory, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    wakeups, waited_ns = 0, 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            lines = (task / "status").read_text().splitlines()
            wakeups += int(
                dict(line.split(":", 1) for line in lines if ":" in line)["voluntary_ctxt_switches"]
            )
            waited_ns += int((task / "schedstat").read_text().split()[1])
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
    return Usage(time.monotonic(), cpu_s, waited_ns / 1e9, wakeups, pages * os.sysconf("SC_PAGE_SIZE"))


@contextlib.contextmanager
def running(load: Load, folder: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """A daemon on one core, and on another the emulated meters that it reads: first the meters, last the daemon."""
    children: list[subprocess.Popen[str]] = []
    try:
        ports = []
        for number in range(len(load.intervals)):
            link = folder / f"tty{number}"
            children.append(
                pinned(1, "tools.bench.stamped_meter", str(folder / f"m{number}.stamps"), "yokogawa-wt300", "--link",
                       str(link), "--seed", str(number), "--load", "sine:100,40,7")
            )  # fmt: skip
            ports.append(link)
        for child in children:
            assert child.stdout is not None
            child.stdout.readline()
        meters = [
            f"--meter=m{n}=yokogawa-wt300:{port},interval={interval},baud={9600 if interval == '1s' else 57600}"
            ",voltage_range=300,current_range=1"
            for n, (port, interval) in enumerate(zip(ports, load.intervals, strict=True))
        ]
        data = str(folder / "data")
        daemon = pinned(0, "powerd", "run", *meters, "--data-dir", data, "--listen", "127.0.0.1:0")
        children.append(daemon)
        assert daemon.stdout is not None
        daemon.stdout.readline()
        yield children
    finally:
        for child in reversed(children):
            child.terminate()
        for child in children:
            child.wait(30)


def samples(folder: Path, since_ns: int, until_ns: int) -> dict[str, list[blame.Row]]:
    """The readings of each meter that ended in the time."""
    with contextlib.closing(sqlite3.connect(folder / "data/powerd.sqlite")) as store:
        rows = store.execute(
            "SELECT meter, sequence, request_ns, first_byte_ns, last_byte_ns, quality FROM readings "
            "WHERE end_ns BETWEEN ? AND ? ORDER BY meter, sequence",
            (since_ns, until_ns),
        ).fetchall()
    found: dict[str, list[blame.Row]] = {}
    for meter, *fields in rows:
        found.setdefault(meter, []).append(blame.Row(*fields))
    return found


def measure(load: Load, seconds: float, settle_s: float = SETTLE_S) -> Figures:
    """Run one load for so long, after it has settled."""
    from powerd.boottime import boottime_ns

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running(load, folder) as children:
            *meters, daemon = children
            time.sleep(settle_s)
            since, before = boottime_ns(), usage(daemon.pid)
            idle = [usage(meter.pid) for meter in meters]
            time.sleep(seconds)
            until, after = boottime_ns(), usage(daemon.pid)
            busy = [usage(meter.pid) for meter in meters]
            time.sleep(1.5)
        rows = samples(folder, since, until)
        stamps = {f"m{n}": blame.Stamps.read(folder / f"m{n}.stamps") for n in range(len(load.intervals))}
        spoilt = [bad for meter, own in rows.items() for bad in blame.bad(meter, own, stamps[meter])]
    for bad in spoilt:
        print(f"  {bad}", file=sys.stderr)
    count = sum(map(len, rows.values()))
    lost = sum(b.sequence - a.sequence - 1 for own in rows.values() for a, b in pairwise(own))
    passed = after.at_s - before.at_s
    due = {f"m{n}": int(passed if text == "1s" else 10 * passed) for n, text in enumerate(load.intervals)}
    hung = {meter for meter, own in stamps.items() if own.slow_ns(since, until) > HUNG_NS}
    lost += sum(max(0, due[m] - 1 - len(rows.get(m, ()))) for m in due if m not in hung)
    return Figures(
        load,
        (after.cpu_s - before.cpu_s) / passed,
        (after.waited_s - before.waited_s) / passed,
        max(b.waited_s - a.waited_s for a, b in zip(idle, busy, strict=True)) / passed,
        (after.wakeups - before.wakeups) / passed,
        after.rss_bytes,
        count,
        sum(due.values()),
        lost,
        dict(Counter(quality for bad in spoilt for quality in bad.qualities)),
        sum(len(bad.qualities) for bad in spoilt if bad.by_meter),
        len(hung),
    )


def _loads(text: str) -> list[Load]:
    found = []
    for part in text.split(","):
        slow, _, fast = part.partition("+")
        found.append(Load(int(slow), int(fast or 0)))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description="what powerd costs")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each load is measured")
    parser.add_argument("--meters", type=_loads, default=_loads("1,20+4"), metavar="SLOW[+FAST],…")
    args = parser.parse_args(arguments)
    print(
        f"{'meters':23} {'core':>7} {'waited':>7} {'meter':>7} {'wake-ups':>8} {'memory':>9} {'samples':>16}"
    )
    missed: list[str] = []
    undecided: list[Load] = []
    for load in args.meters:
        figures = measure(load, args.seconds)
        print(figures, flush=True)
        missed += figures.misses()
        undecided += [] if figures.is_decided else [load]
    for text in missed:
        print(f"missed: {text}")
    for load in undecided:
        print(
            f"undecided: {load}: the emulated meters themselves were too late: measure on a quieter machine"
        )
    return 1 if missed else 2 if undecided else 0


if __name__ == "__main__":
    sys.exit(main())
