"""One scenario directory: its runs, and every file elsewhere in the tree that belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from checker.client_report import ClientReport
from checker.files import Source, T, join, read_lenient, read_object, read_text
from checker.model import Place
from checker.ptd_log import Log
from checker.rule import ENDPOINT, LOADGEN, Absent
from checker.run import Run, reader
from schemas import loadgen_summary
from schemas.kept import kept
from schemas.layout import ResultPath
from schemas.loadgen import LoadgenLog
from schemas.plainfile import FilePath
from schemas.powerlog import PowerLog
from schemas.rounds import BenchmarkRules

if TYPE_CHECKING:
    from checker.tree import Benchmark

RUN_RECORD = "edgewatt.json"
LARGEST_ACCURACY_TEXT = 1 << 20
"""Bytes of an accuracy.txt; published ones have up to six thousand."""


def _accuracy_text(path: FilePath) -> str:
    return read_text(path, LARGEST_ACCURACY_TEXT)


class Result:
    """One scenario directory, with everything that belongs to it elsewhere in the tree."""

    def __init__(self, benchmark: Benchmark, directory: str) -> None:
        """The directory ``.../<benchmark>/<directory>``."""
        self.benchmark, self.directory = benchmark, directory
        self.system, self.submitter = benchmark.system, benchmark.submitter
        self.submission, self.tree = benchmark.submitter.submission, benchmark.tree
        self.round, self.strict = benchmark.round, benchmark.strict
        above = benchmark.place
        self.place = Place(above.division, above.submitter, above.system, above.benchmark, directory)

    @kept
    def layout(self) -> ResultPath:
        """The place as a pattern of the round."""
        return ResultPath(*self.place)

    @kept
    def path(self) -> str:
        """The scenario directory."""
        return self.layout.path(self.round, "scenario_dir")

    @kept
    def canonical(self) -> str | None:
        """The scenario that the directory is named after; None for a name of another kind."""
        return self.round.canonical_scenario(self.directory) or self._served_scenario()

    @kept
    def scenario(self) -> str:
        """The same, or the directory's name where it names no scenario."""
        return self.canonical or self.directory

    def _served_scenario(self) -> str | None:
        """The scenario of a directory with a name that only an endpoint run may have."""
        names = (self.round.facts.get("endpoints") or {}).get("scenario_names", {})
        found: str | None = names.get(self.directory.lower())
        return found if found is not None and self.kind == ENDPOINT else None

    @kept
    def kind(self) -> str:
        """``loadgen``, or ``endpoint`` where neither detail log is there and a client's report is."""
        if not self.round.facts.get("endpoints") or self.run.log.present or self.accuracy_log.present:
            return LOADGEN
        return ENDPOINT if self.client_report.there else LOADGEN

    @kept
    def client_report(self) -> ClientReport:
        """What a client of a served endpoint wrote, in place of LoadGen's logs."""
        return ClientReport(self.submission, self.path)

    @kept
    def rules(self) -> BenchmarkRules:
        """Facts of the benchmark; ``Absent`` when the round does not know it."""
        if self.benchmark.rules is None:
            raise Absent("benchmark", self.path, self.benchmark.model, "a benchmark of the round")
        return self.benchmark.rules

    @property
    def description(self) -> Source[dict[str, Any]]:
        """The description of the system."""
        return self.system.description

    @kept
    def runs(self) -> tuple[Run, ...]:
        """The performance runs that the round demands: one, or five of Server in the first rounds."""
        wanted = self.round.facts.get("performance_runs", {"default": 1})
        number = wanted.get(self.directory, wanted["default"])
        paths = [join(self.path, "performance", f"run_{n}") for n in range(1, number + 1)]
        return tuple(Run(self, path, "performance_log") for path in paths)

    @kept
    def several_runs(self) -> bool:
        """Whether the round demands more than one performance run."""
        return len(self.runs) > 1

    @kept
    def run(self) -> Run:
        """The performance run whose number counts: the last one that is there."""
        there = [run for run in self.runs if self.tree.folder(run.path) is not None]
        return there[-1] if there else self.runs[0]

    @kept
    def ranging(self) -> Run:
        """The ranging run of a power result."""
        return Run(self, join(self.path, "performance/ranging"), "ranging_log")

    @property
    def performance_log(self) -> Source[LoadgenLog]:
        """The detail log of the performance run."""
        return self.run.log

    @property
    def endpoint_settings(self) -> Source[dict[str, Any]]:
        """The settings of the client of an endpoint run."""
        return self.client_report.settings

    @property
    def ranging_log(self) -> Source[LoadgenLog]:
        """The detail log of the ranging run."""
        return self.ranging.log

    @property
    def spl(self) -> Source[PowerLog]:
        """The power log of the testing run."""
        return self.run.spl

    @property
    def ranging_spl(self) -> Source[PowerLog]:
        """The power log of the ranging run."""
        return self.ranging.spl

    @kept
    def has_power(self) -> bool:
        """Whether ``performance/power`` exists, in a round that knows power."""
        return self.round.layout["power_dir"] is not None and self.tree.exists(self.power_path)

    @kept
    def power_path(self) -> str:
        """The directory of the power session."""
        return join(self.path, "performance/power")

    def _power(self, name: str, kind: str, read: Callable[[FilePath], T]) -> Source[T]:
        return self.submission.source(join(self.power_path, name), kind, read)

    @kept
    def client(self) -> Source[dict[str, Any]]:
        """``client.json``."""
        return self._power("client.json", "client", read_object)

    @kept
    def server(self) -> Source[dict[str, Any]]:
        """``server.json``."""
        return self._power("server.json", "server", read_object)

    @kept
    def ptd_logs(self) -> Source[str]:
        """``ptd_logs.txt``."""
        return self._power("ptd_logs.txt", "ptd_logs", read_lenient)

    @kept
    def daemon_log(self) -> Log:
        """What ``ptd_logs.txt`` says, for all who look for something in it."""
        return Log(self.ptd_logs.value)

    @kept
    def accuracy_path(self) -> str:
        """The directory of the accuracy run."""
        return join(self.path, "accuracy")

    @kept
    def accuracy_txt(self) -> Source[str]:
        """``accuracy.txt``."""
        return self.submission.source(
            join(self.accuracy_path, "accuracy.txt"), "accuracy_txt", _accuracy_text
        )

    @kept
    def accuracy_log(self) -> Source[LoadgenLog]:
        """The detail log of the accuracy run."""
        path = join(self.accuracy_path, "mlperf_log_detail.txt")
        return self.submission.source(path, "accuracy_log", reader(self.round, loadgen_summary.read_errors))

    @kept
    def measurements_path(self) -> str:
        """The directory of the conf files and the measurements JSON."""
        return self.layout.path(self.round, "measurements_dir")

    @kept
    def measurements_name(self) -> str | None:
        """Name of the measurements JSON: as the round says, or it begins with the system, best with the scenario
        at its end."""
        fixed = self.round.layout["measurements_json"]
        if isinstance(fixed, str):
            return fixed if fixed in self.tree.files(self.measurements_path) else None
        names = [
            n
            for n in sorted(self.tree.files(self.measurements_path))
            if n.startswith(self.system.name) and n.endswith(".json") and n != RUN_RECORD
        ]
        own = [n for n in names if n.endswith(f"_{self.directory}.json")]
        return next(iter(own or names), None)

    @kept
    def measurements(self) -> Source[dict[str, Any]]:
        """The measurements JSON."""
        path = join(self.measurements_path, self.measurements_name or f"{self.system.name}.json")
        return self.submission.source(path, "measurements", read_object)

    @kept
    def run_record(self) -> Source[dict[str, Any]]:
        """What our harness says it shortened, simulated or made up."""
        return self.submission.source(join(self.measurements_path, RUN_RECORD), "run_record", read_object)

    def compliance_places(self, *tests: str) -> list[str]:
        """Directories of compliance tests, or the one of all of them; none in a round without such tests."""
        if self.round.layout["compliance_dir"] is None:
            return []
        return [self.compliance_path(test) for test in tests or ("",)]

    @kept
    def _compliance_path(self) -> str:
        return self.layout.path(self.round, "compliance_dir")

    def compliance_path(self, test: str = "") -> str:
        """The directory of a compliance test, or of all of them."""
        return join(self._compliance_path, test)

    @kept
    def compliance_runs(self) -> dict[str, Run]:
        """The performance part of each compliance test, by test."""
        return {
            t: Run(self, join(self.compliance_path(t), "performance/run_1"), "compliance_log", t)
            for t in self.compliance_tests
        }

    @kept
    def compliance_tests(self) -> tuple[str, ...]:
        """The tests of this benchmark and scenario."""
        return self.rules.compliance_tests_of(self.scenario)

    def compliance_text(self, test: str, name: str) -> Source[str]:
        """A text file of a compliance test."""
        path = join(self.compliance_path(test), name)
        return self.submission.source(path, "compliance_text", read_text)
