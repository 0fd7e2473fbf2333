"""The command that practises a benchmark, whole: it works as it is printed, in one line, from the same folder."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import loadgens, retired
from harness.benchmarks.base import Adapted, Benchmark, Contract
from harness.model import Fixture
from harness.registry import backend_for, benchmark
from harness.system_types import DEFAULT as USUAL_TYPE
from schemas.rounds import Round, known_rounds, load_round

USUAL_ROUND = retired.DEFAULT_ROUND
"""The round of every command that names none."""
SECONDS = 5
LARGE = 1 << 20
"""Bytes of an answer from which on the queries that a stream must have take long."""


def of_fixture(fixture: Fixture) -> str:
    """A rehearsal of a few seconds, in a round that has the benchmark, into a tree beside the fixture."""
    bench = benchmark(fixture.benchmark)
    round_, official, system_type = where(bench)
    folder = fixture.path if fixture.path.name not in ("", "..") else fixture.path.resolve()
    rehearsed = rehearsal(
        bench,
        scenario(bench, round_, official, system_type),
        ["--fixture", str(fixture.path)],
        round_name=round_.name,
        system_type=system_type,
        seconds=SECONDS,
        output=folder.with_name(f"{folder.name}-practice"),
    )
    return rehearsed if _has_loadgen(round_) else f"mlharness fetch --round {round_.name} && {rehearsed}"


def rehearsal(
    bench: Benchmark,
    scenario: str,
    what: Sequence[str],
    *,
    round_name: str,
    system_type: str,
    seconds: int,
    output: Path,
    backend: str | None = None,
) -> str:
    """The command of a short run; ``what`` are the options that name model and data set."""
    words = ["mlharness", "run", bench.name, "--scenario", scenario, *what]
    for option, value, usual in (
        ("--backend", backend, backend_for(bench, None)),
        ("--round", round_name, USUAL_ROUND),
        ("--system-type", system_type, USUAL_TYPE),
    ):
        if value not in (None, usual):
            words += [option, str(value)]
    return shlex.join([*words, "--rehearsal", str(seconds), "--output", str(output)])


def where(bench: Benchmark) -> tuple[Round, str, str]:
    """A round that requires the benchmark, its name there, and of which systems.

    For edge systems where there is one; the usual round first, then those whose LoadGen is on this machine, then the
    newest.
    """
    rounds = list(_rounds())
    for system_type, round_ in itertools.product((USUAL_TYPE, "datacenter"), rounds):
        for official in retired.names(bench):
            if official in round_.benchmark_names:
                rules = round_.benchmark(official).scenarios(system_type)
                if rules is not None and rules.required:
                    return round_, official, system_type
    raise LookupError(f"no round requires {bench.name}")


def _rounds() -> Iterator[Round]:
    """Rounds that can be run, in the order in which they are taken."""
    able = [r for r in map(load_round, reversed(known_rounds())) if "loadgen" in r.facts]
    yield from sorted(able, key=lambda r: (r.name != USUAL_ROUND, not _has_loadgen(r)))


def _has_loadgen(round_: Round) -> bool:
    version = loadgens.wanted(round_)
    return loadgens.here(version) or loadgens.there(version)


def scenario(bench: Benchmark, round_: Round, official: str, system_type: str) -> str:
    """The scenario that is rehearsed soonest: SingleStream, or Offline where each query takes its time."""
    rules = round_.benchmark(official).scenarios(system_type)
    assert rules is not None
    slow = isinstance(bench, Adapted) or (isinstance(bench, Contract) and bench.response_bytes >= LARGE)
    wanted = "Offline" if slow or "SingleStream" not in rules.required else "SingleStream"
    return wanted if wanted in rules.required else rules.required[0]
