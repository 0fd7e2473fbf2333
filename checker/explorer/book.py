"""Everything that views show, gathered from one or many trees: their reports, and what only their files tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from checker.api import check_with, open_submission
from checker.explorer.rows import Extra, Row, notes_of, rows
from checker.explorer.sources import Told, told
from checker.explorer.traces import Trace, traces
from checker.files import Tree
from checker.model import Report
from checker.options import Options
from checker.result import Result


@dataclass(frozen=True)
class Volume:
    """One tree. ``rows`` are in the order of the report's results; ``told`` and ``traces`` go by path of a result."""

    name: str
    report: Report
    rows: tuple[Row, ...]
    told: dict[str, Told] = field(default_factory=dict)
    traces: Mapping[str, tuple[Trace, ...]] = field(default_factory=dict)


Book = tuple[Volume, ...]


def volume(path: Path, options: Options, number: int = 0, name: str = "") -> Volume:
    """Judge a tree and gather; raises ``UserError`` as ``checker.api.check`` does."""
    report = check_with(path, options)
    submission, _ = open_submission(Tree(path), path, replace(options, round=report.round))
    wanted = {r.path for r in report.results}
    extras: dict[str, Extra] = {}
    found: dict[str, Told] = {}
    results = [r for r in submission.results if r.path in wanted]
    for result in map(_anew, results):
        found[result.path] = told(result)
        extras[result.path] = extra(result, found[result.path])
    rows_ = rows(report, extras, number)
    return Volume(name or path.resolve().name, report, rows_, found, LateTraces(results))


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
