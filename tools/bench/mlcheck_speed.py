"""Measure mlcheck against a plain loop over the same tree, in one run and on one machine.

    python tools/bench/round_tree.py CORPUS/v4.1 TREE
    python tools/bench/mlcheck_speed.py TREE

The loop walks the tree, looks at every file and reads the detail logs line by line, which is the least that a checker
in Python can do. Measured are the loop, cold mlcheck (nothing known), warm mlcheck (nothing changed) and one submission
alone with start-up, each as a program of its own; wall time is that of the fastest of the rounds, processor time that
of all processes together. Memory is the largest sum over all processes at one moment (PSS, where shared pages are
counted once), sampled every 20 ms in a turn of its own: adding up the pages of a process stops it and takes
processor time, and on two cores nothing may take part in what is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

LOOP = """
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(folder, name)
        os.stat(path)
        if name == "mlperf_log_detail.txt":
            with open(path, encoding="utf-8") as file:
                for line in file:
                    pass
"""
LOG = "mlperf_log_detail.txt"
COLD_BAR, WARM_BAR_S, ONE_BAR_S, MEMORY_BAR_MB = 3.0, 1.0, 0.6, 300.0
EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Run:
    """One program: seconds on the clock and of processors, and the peak of memory of all its processes."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main(argv: list[str] | None = None) -> int:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tree", type=Path, help="made by round_tree.py")
    parser.add_argument("--one", default="closed/UntetherAI000", help="the submission that is measured alone")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is timed (default 3)")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    args = parser.parse_args(argv)
    if not (args.tree / args.one).is_dir():
        print(
            f"mlcheck_speed: {args.tree / args.one} is not there; make the tree with round_tree.py",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(args.tree, args.one, args.rounds, Path(scratch))
    report(args.tree, found)
    if args.json is not None:
        figures = {name: asdict(run) for name, run in found.items()}
        args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(tree: Path, one: str, rounds: int, scratch: Path) -> dict[str, Run]:
    """The best of each program, measured in turns so that all meet the same machine."""
    alone = scratch / "one"
    shutil.copytree(tree / one, alone / one, symlinks=True)
    time.sleep(2.5)  # files younger than the grain of the clock are never taken for known
    cache = scratch / "cache"
    environment = {"EDGEWATT_CACHE_DIR": str(cache), "PYTHONPYCACHEPREFIX": str(scratch / "compiled")}
    check = [sys.executable, "-m", "checker"]
    commands = {
        "loop": [sys.executable, "-c", LOOP, str(tree)],
        "cold": [*check, str(tree)],
        "warm": [*check, str(tree)],
        "one": [*check, str(alone)],
        "one warm": [*check, str(alone)],
    }
    found: dict[str, Run] = {}
    run_once(commands["one"], environment)  # compiles the modules, which an installation does
    for turn in range(rounds + 1):
        shutil.rmtree(cache, ignore_errors=True)
        for name, command in commands.items():
            run = run_once(command, environment, watch=turn == 0)
            best = found.get(name, run)
            fastest = run if turn == 1 else min(run, best, key=lambda r: r.wall_s)
            found[name] = Run(fastest.wall_s, fastest.cpu_s, max(run.peak_mb, best.peak_mb))
    return found


def run_once(command: list[str], environment: Mapping[str, str], *, watch: bool = False) -> Run:
    """Run a program to its end; where asked for, watch the memory of all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**_inherited(), **environment}
    ) as process:
        over, peak = threading.Event(), [0.0]

        def look() -> None:
            while not over.wait(EVERY_S):
                peak[0] = max(peak[0], memory_mb(process.pid))

        watcher = threading.Thread(target=look)
        if watch:
            watcher.start()
        _, said = process.communicate()
        wall_s = time.perf_counter() - began
        over.set()
        if watch:
            watcher.join()
    if process.returncode not in (0, 1):
        raise SystemExit(
            f"{' '.join(command)} ended with {process.returncode}: {said.decode(errors='replace')}"
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall_s, cpu_s, peak[0])


def _inherited() -> dict[str, str]:
    """Our environment, but modules are compiled once, as they are where they were installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def memory_mb(process: int) -> float:
    """Memory of a process and of all below it."""
    return sum(_pss_kb(pid) for pid in _family(process)) / 1000


def _family(process: int) -> list[int]:
    found = [process]
    for pid in found:
        try:
            tasks = os.listdir(f"/proc/{pid}/task")
            children = [c for t in tasks for c in Path(f"/proc/{pid}/task/{t}/children").read_text().split()]
        except OSError:
            continue
        found.extend(int(child) for child in children)
    return found


def _pss_kb(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def report(tree: Path, found: Mapping[str, Run]) -> None:
    """The figures against the bars."""
    files = [p for p in tree.rglob("*") if p.is_file()]
    logs_mb = sum(p.stat().st_size for p in files if p.name == LOG) / 1e6
    loop = found["loop"]
    print(
        f"{tree}: {len(files)} files, {logs_mb:.0f} MB of detail logs; {len(os.sched_getaffinity(0))} cores"
    )
    for name, run in found.items():
        print(
            f"{name:9} {run.wall_s:7.2f} s  {run.wall_s / loop.wall_s:5.2f} x loop  "
            f"{run.cpu_s:7.2f} s of processors  {run.peak_mb:6.0f} MB"
        )
    bars = (
        ("cold, against the loop", found["cold"].wall_s / loop.wall_s, COLD_BAR, "x"),
        ("warm", found["warm"].wall_s, WARM_BAR_S, "s"),
        ("one submission", found["one"].wall_s, ONE_BAR_S, "s"),
        ("peak of memory", max(r.peak_mb for n, r in found.items() if n != "loop"), MEMORY_BAR_MB, "MB"),
    )
    for what, value, bar, unit in bars:
        print(f"{what}: {value:.2f} {unit}, bar {bar:g} {unit}: {'met' if value <= bar else 'not met'}")


if __name__ == "__main__":
    sys.exit(main())
