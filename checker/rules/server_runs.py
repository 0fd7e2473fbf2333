"""The five Server runs of v0.5 and v0.7."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checker.model import Effect, Problem
from checker.result import Result
from checker.rule import INFERENCE, effect_of, rule
from checker.rules.compliance import judge

SERVER_RUNS = "performance/server-runs"


@rule(
    SERVER_RUNS,
    title="Server has five valid runs",
    fix="Run Server five times with the same settings, into performance/run_1 to run_5.",
    good="run_1 to run_5, each VALID",
    bad="run_1 alone",
    link=INFERENCE,
    until="v0.7",
)
def server_runs(result: Result) -> Iterator[Problem]:
    """The latency of Server scatters, so five runs had to be valid. The official checker of v0.7 is content with
    one good run, and prints the number of the last one; that of v0.5 fails on a bad one."""
    if not result.several_runs:
        return
    there = [run for run in result.runs if result.tree.folder(run.path) is not None]
    found = {run.path: list(judge(run, run.path.rpartition("/")[2])) for run in there}
    name, division = result.round.name, result.place.division
    good = [
        path
        for path, rows in found.items()
        if not any(effect_of(SERVER_RUNS, p, name, division).fails for p in rows)
    ]
    enough = bool(good) and result.round.reading["performance_runs"] == "any"
    for problems in found.values():
        yield from (replace(p, effect=Effect.LOG) if enough else p for p in problems)
    for run in result.runs:
        if run not in there and there:
            yield Problem(f"{run.path} is missing", run.path, "nothing", "a run", aspect="missing")
