"""Everything that views show, gathered from one or many trees: their reports, and what only their files tell."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checker.api import judged_with
from checker.explorer.rows import Extra, Row, notes_of, rows
from checker.explorer.sources import Told, told
from checker.explorer.traces import Trace, traces
from checker.files import Tree
from checker.model import Report
from checker.options import Options
from checker.result import Result
from checker.tree import Submission
from schemas.errors import UserError
from schemas.rounds import load_round


@dataclass(frozen=True)
class Volume:
    """One tree. ``rows`` are in the order of the report's results; ``told`` and ``traces`` go by path of a result."""

    name: str
    report: Report
    rows: tuple[Row, ...]
    told: dict[str, Told] = field(default_factory=dict)
    traces: Mapping[str, tuple[Trace, ...]] = field(default_factory=dict)


Book = tuple[Volume, ...]
WORTH_A_PROCESS = 200
"""Results below which starting another process takes longer than it saves."""
PIECES = 48
"""Pieces of work for all processes."""


def volume(path: Path, options: Options, number: int = 0, name: str = "") -> Volume:
    """Judge a tree and gather; raises ``UserError`` as ``checker.api.check`` does."""
    report, submission = judged_with(path, options)
    return _gathered(report, submission, options.jobs, number, name or path.resolve().name)


def volume_of(report: Report) -> Volume:
    """What a report that is there already says, with what the files of its tree tell; without that where the tree is
    gone since."""
    path = Path(report.tree)
    name = path.resolve().name
    try:
        submission = Submission(Tree(path), load_round(report.round))
    except (UserError, OSError, ValueError):
        return Volume(name, report, rows(report, {}))
    return _gathered(report, submission, 0, 0, name)


def _gathered(report: Report, submission: Submission, jobs: int, number: int, name: str) -> Volume:
    wanted = {r.path for r in report.results}
    results = [r for r in submission.results if r.path in wanted]
    heard = _heard(results, jobs)
    rows_ = rows(report, {path: more for path, (_, more) in heard.items()}, number)
    found = {path: facts for path, (facts, _) in heard.items()}
    return Volume(name, report, rows_, found, LateTraces(results))


Heard = dict[str, tuple[Told, Extra]]


def _heard(results: Sequence[Result], jobs: int) -> Heard:
    """What the files of each result tell, by its path; with several processes where there is enough to read."""
    jobs = min(jobs or os.cpu_count() or 1, 1 + len(results) // WORTH_A_PROCESS)
    if jobs <= 1:
        return _listen(results)
    from concurrent.futures import ProcessPoolExecutor

    pieces = [range(at, len(results), PIECES) for at in range(PIECES)]
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(results,)) as pool:
        parts = {path: said for heard in pool.map(_work, pieces) for path, said in heard.items()}
    return {r.path: parts[r.path] for r in results}


_mine: Sequence[Result] = ()
"""The results of a process that works for another one."""


def _begin(results: Sequence[Result]) -> None:
    global _mine  # noqa: PLW0603 - a process of a pool has no other place for what it begins with
    _mine = results


def _work(numbers: Iterable[int]) -> Heard:
    return _listen(_mine[n] for n in numbers)


def _listen(results: Iterable[Result]) -> Heard:
    """What one process reads."""
    found: Heard = {}
    for result in map(_anew, results):
        facts = told(result)
        found[result.path] = facts, extra(result, facts)
    return found


def _anew(result: Result) -> Result:
    """The same node without the files that it has read, which are forgotten with it."""
    return Result(result.benchmark, result.directory)


class LateTraces(Mapping[str, tuple[Trace, ...]]):
    """Power over time by path of a result, read when it is asked for and kept by nobody: a round has millions of
    samples."""

    def __init__(self, results: Iterable[Result]) -> None:
        """The results that have power are known from here on."""
        self._results = {r.path: r for r in results if r.has_power}

    def __getitem__(self, path: str) -> tuple[Trace, ...]:
        """The runs whose logs can be read; KeyError without power."""
        return traces(_anew(self._results[path]))

    def __iter__(self) -> Iterator[str]:
        """Paths of results with power."""
        return iter(self._results)

    def __len__(self) -> int:
        """Number of results with power."""
        return len(self._results)


def book(paths: Sequence[Path], options: Options) -> Book:
    """Trees in the order given, each with a name of its own."""
    return tuple(
        volume(path, options, number, name)
        for number, (path, name) in enumerate(zip(paths, _names(paths), strict=True))
    )


def _names(paths: Sequence[Path]) -> Iterator[str]:
    """Last parts of the paths, as many as tell them apart."""
    parts = [path.resolve().parts for path in paths]
    for own in parts:
        deep = 1
        while deep < len(own) and sum(other[-deep:] == own[-deep:] for other in parts) > 1:
            deep += 1
        yield "/".join(own[-deep:])


def extra(result: Result, facts: Told) -> Extra:
    """What a tree tells of a result beside its report."""
    sure = facts.uncertainty
    return Extra(
        details=result.description.path,
        code=_code(result),
        model_used=_model_used(result),
        notes=notes_of(result.system.facts),
        samples_per_joule=facts.samples_per_joule,
        average_u95_w=sure.u95_w if sure else None,
        meter_serial=sure.serial if sure else "",
        ranges=sure.ranges if sure else None,
    )


def _code(result: Result) -> str:
    """The folder of the submission's code for the benchmark, or for all; empty where there is none."""
    template = result.round.layout.get("source_dir")
    if not isinstance(template, str):
        return ""
    base = template.format(division=result.submitter.division, submitter=result.submitter.name)
    names = (f"{base}/{result.benchmark.directory}", f"{base}/{result.benchmark.model}", base)
    return next((path for path in names if result.tree.exists(path)), "")


def _model_used(result: Result) -> str:
    """The directory's name, and the weights that the measurements name."""
    said = result.measurements.value if result.measurements.usable else {}
    weights = said.get("starting_weights_filename")
    name = result.benchmark.directory
    return f"{name} ({weights})" if isinstance(weights, str) and weights.strip() else name
