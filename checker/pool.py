"""Judges many units: here one after the other, or shared out by bytes over processes that know the tree already."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from checker.files import Tree
from checker.options import Options
from checker.processes import cores, may_fork
from checker.rules import all_rules
from checker.unit import Judge, Judged, Unit, weigh
from schemas.rounds import load_round

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

WORTH_A_PROCESS = 48 << 20
"""Bytes below which starting another process takes longer than it saves."""
MOST_PROCESSES = 4
"""As many as are started unasked: each has its share of the memory."""
PIECES = 24
"""Pieces of work for each process: the last ones end at about the same time."""

_judge: Judge | None = None
"""The judge of a process that works for another one."""


@contextmanager
def few_collections() -> Iterator[None]:
    """Let the collector of circles run seldom: what a judgement leaves behind is let go of without it."""
    usual = gc.get_threshold()
    gc.set_threshold(200_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def judge_all(tree: Tree, options: Options, units: Sequence[Unit]) -> Iterator[Judged]:
    """The judgements of all units, in any order. The round of ``options`` is a name."""
    round_ = load_round(options.round)
    weights = [weigh(tree, round_, unit) for unit in units]
    jobs = min(options.jobs or _useful(sum(weights)), len(units))
    if jobs <= 1:
        judge = Judge(tree, round_, options)
        yield from map(judge.judge, units)
        return
    pieces = cut(units, weights, jobs * PIECES)
    with _context().Pool(jobs, _start, (tree, options)) as pool:
        parts = pool.imap_unordered(_work, pieces)
        all_rules()  # imported while the others work: the rules on the submission as a whole run here, after theirs
        for part in parts:
            yield from part
        pool.close()
        pool.join()


def _useful(weight: int) -> int:
    """Processes that are worth their start."""
    return max(1, min(cores(), MOST_PROCESSES, 1 + weight // WORTH_A_PROCESS))


def cut(units: Sequence[Unit], weights: Sequence[int], pieces: int) -> list[list[Unit]]:
    """The units in about as many pieces of about the same weight, neighbours together, the heaviest first."""
    least = max(1, sum(weights) // max(1, pieces))
    found: list[tuple[int, list[Unit]]] = []
    weight, piece = 0, list[Unit]()
    for unit, own in zip(units, weights, strict=True):
        piece.append(unit)
        weight += own
        if weight >= least:
            found.append((weight, piece))
            weight, piece = 0, []
    if piece:
        found.append((weight, piece))
    return [piece for _, piece in sorted(found, key=lambda pair: -pair[0])]


def _context() -> BaseContext:
    """A fork shares the tree and all modules as they are."""
    import multiprocessing

    return multiprocessing.get_context("fork" if may_fork() else "spawn")


def _start(tree: Tree, options: Options) -> None:
    """Begin the work of a process. Its memory is shared until it is written to: the collector leaves it alone, and
    does not even look through it now."""
    global _judge  # noqa: PLW0603 - a process of a pool has no other place for what it begins with
    gc.freeze()
    _judge = Judge(tree, load_round(options.round), options)


def _work(units: Sequence[Unit]) -> list[Judged]:
    assert _judge is not None
    return [_judge.judge(unit) for unit in units]
