"""Benchmarks that rounds of today no longer have: in which form they still run.

The LoadGen of their rounds (v0.5 to v2.0) cannot be installed any more, so they run as entries of the open division of
a round that has one: there any model may stand for a benchmark of the round, in a directory with its own name. What it
stands for is told by the round's table of aliases, or else by the submitter's ``model_mapping.json``, which is written
beside the results. Targets of accuracy and compliance tests do not hold there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.benchmarks.base import Benchmark
from schemas.errors import UserError
from schemas.layout import ResultPath
from schemas.rounds import Round

DIVISION = "open"
MAPPING = "model_mapping.json"
DEFAULT_ROUND = "v4.1"


@dataclass(frozen=True, slots=True)
class Retired:
    """Under which name and in which rounds a benchmark was held, and which benchmarks it may stand for, best first."""

    official: str
    rounds: str
    stands_for: tuple[str, ...]


def of(bench: Benchmark) -> Retired | None:
    """What is known of a retired benchmark; None for one that rounds of today have."""
    found = getattr(bench, "retired", None)
    return found if isinstance(found, Retired) else None


def names(bench: Benchmark) -> tuple[str, ...]:
    """The names in rounds that can be run, the usual one first."""
    found = of(bench)
    return bench.official if found is None else found.stands_for


def refuse(bench: Benchmark, round_: Round, division: str) -> None:
    """``UserError`` that says how a retired benchmark runs, for a round or a division in which it does not."""
    found = of(bench)
    if found is None:
        return
    stands_for = [name for name in found.stands_for if name in round_.benchmark_names]
    if division == DIVISION and "loadgen" in round_.facts and stands_for:
        return
    raise UserError(
        f"{bench.name} was the benchmark {found.official} of {found.rounds}, whose LoadGen cannot be installed any "
        f"more, so it does not run in round {round_.name}, division {division} (mlcheck judges such results); it "
        f"runs as an open entry for {' or '.join(found.stands_for)}: give --division open and --round {DEFAULT_ROUND}"
    )


def mapping(tree: Path, result: ResultPath, round_: Round, official: str) -> Mapping[PurePosixPath, str]:
    """The submitter's mapping with this benchmark in it, by its place in the tree; nothing where the round itself
    reads the directory so, or where the mapping says it already.

    ``UserError`` for a mapping in the tree that cannot be read or says something else.
    """
    if result.division != DIVISION or round_.official_name(result.benchmark) == official:
        return {}
    place = PurePosixPath(result.division) / result.submitter / MAPPING
    there = _read(tree / place)
    said = there.setdefault(result.benchmark, official)
    if said != official:
        raise UserError(
            f"{tree / place} says that {result.benchmark} stands for {said}, and this run enters it for {official}; "
            "correct it there, or choose another --submitter"
        )
    return {place: json.dumps(there, indent=2) + "\n"}


def read_as(tree: Path, result: ResultPath, round_: Round) -> str:
    """The official name that a result in a tree is read as, by the submitter's mapping in the open division."""
    if result.division != DIVISION:
        return round_.official_name(result.benchmark)
    said = _read(tree / result.division / result.submitter / MAPPING)
    return round_.official_name(result.benchmark, {k: v for k, v in said.items() if isinstance(v, str)})


def _read(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); correct it or move it away") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} is not a JSON object of names; correct it or move it away")
    return found
