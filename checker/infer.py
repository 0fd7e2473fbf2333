"""Missing scenarios of an edge system that may be told from a run of another one: its logs are submitted again
under the missing name, and the checker computes the number."""

from __future__ import annotations

from collections.abc import Iterator

from checker.changes import Copy, Move
from checker.files import join
from checker.metrics import INFERRED_PAIRS
from checker.model import Place, Report
from checker.result import Result
from checker.tree import Benchmark, Submission

RULE = "structure/required-scenarios"
EDGE = "edge"


def fill(submission: Submission, report: Report, tried: set[Place]) -> Iterator[Copy | Move]:
    """Copies for the scenarios that findings miss; a place that was filled before is not filled again."""
    lacking = {f.place for f in report.findings if f.rule == RULE}
    for system in submission.systems:
        for benchmark in system.benchmarks:
            if benchmark.place in lacking and EDGE in system.type.split(","):
                yield from _benchmark(benchmark, tried)


def _benchmark(benchmark: Benchmark, tried: set[Place]) -> Iterator[Copy | Move]:
    scenarios = benchmark.rules.scenarios(benchmark.system.type) if benchmark.rules is not None else None
    measured = {r.canonical: r for r in benchmark.results if _measured(r)}
    there = {r.canonical for r in benchmark.results}
    for wanted in scenarios.required if scenarios is not None else ():
        sources = [s for missing, s in INFERRED_PAIRS if missing == wanted and s in measured]
        place = benchmark.place._replace(scenario=wanted)
        if wanted not in there and sources and place not in tried:
            tried.add(place)
            yield from _copies(measured[sources[0]], wanted)


def _measured(result: Result) -> bool:
    """Whether its log is of its own scenario: what was inferred is no source."""
    return result.run.log.usable and result.run.log.value.first("effective_scenario") == result.canonical


def _copies(source: Result, wanted: str) -> Iterator[Copy | Move]:
    """The result with its measurements and compliance runs, spelled as the source is."""
    name = wanted.lower() if source.directory.islower() else wanted
    reason = f"{wanted} is inferred from {source.canonical}"
    tree = source.tree
    for path in dict.fromkeys([source.path, source.measurements_path, *source.compliance_places()]):
        if tree.folder(path) is not None:
            yield Copy(path, join(path.rpartition("/")[0], name), RULE, reason)
    folder = join(source.measurements_path.rpartition("/")[0], name)
    for file in tree.files(source.measurements_path):
        ending = f"_{source.directory}.json"
        if file.endswith(ending):
            new = f"{file.removesuffix(ending)}_{name}.json"
            yield Move(join(folder, file), join(folder, new), RULE, reason)
