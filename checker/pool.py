"""Judges many units: here one after the other, or shared out by bytes over processes that know the tree already."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from checker.files import Tree
from checker.options import Options
from checker.processes import SELDOM, cores, may_fork
from checker.rules import all_rules
from checker.unit import Judge, Judged, Unit, weigh
from schemas.rounds import load_round

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

WORTH_A_PROCESS = 48 << 20
"""Bytes below which starting another process takes longer than it saves."""
MOST_PROCESSES = 4
"""As many as are started unasked: each has its share of the memory."""
PIECE = 10 << 20
"""Bytes of a piece of work, about: the last ones, one for each process, end at about the same time."""
Weighed = tuple[Unit, int]
"""A unit and how many bytes it reads, about."""

_judge: Judge | None = None
"""The judge of a process that works for another one."""


@contextmanager
def few_collections() -> Iterator[None]:
    """Let the collector of circles run seldom: what a judgement leaves behind is let go of without it."""
    usual = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def judge_all(tree: Tree, options: Options, units: Sequence[Unit]) -> Iterator[Judged]:
    """The judgements of all units, in any order. The round of ``options`` is a name."""
    round_ = load_round(options.round)
    weighed = ((unit, weigh(tree, round_, unit)) for unit in units)
    first, jobs = ([], options.jobs) if options.jobs else _useful(weighed)
    jobs = min(jobs, len(units))
    if jobs <= 1:
        judge = Judge(tree, round_, options)
        yield from map(judge.judge, units)
        return
    with _context().Pool(jobs, _start, (tree, options)) as pool:
        parts = pool.imap_unordered(_work, cut(chain(first, weighed)))
        all_rules()  # imported while the others work: the rules on the submission as a whole run here, after theirs
        for part in parts:
            yield from part
        pool.close()
        pool.join()


def _useful(weighed: Iterator[Weighed]) -> tuple[list[Weighed], int]:
    """Processes that are worth their start, and the units that had to be weighed to know that."""
    most = min(cores(), MOST_PROCESSES)
    taken, weight = list[Weighed](), 0
    for row in weighed if most > 1 else ():
        taken.append(row)
        weight += row[1]
        if weight >= (most - 1) * WORTH_A_PROCESS:
            return taken, most
    return taken, 1 + weight // WORTH_A_PROCESS


def cut(weighed: Iterable[Weighed]) -> Iterator[list[Unit]]:
    """The units in pieces of about the same weight, neighbours together."""
    weight, piece = 0, list[Unit]()
    for unit, own in weighed:
        piece.append(unit)
        weight += own
        if weight >= PIECE:
            yield piece
            weight, piece = 0, []
    if piece:
        yield piece


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
