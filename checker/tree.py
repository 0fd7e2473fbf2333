"""The submission tree: walked once, then nodes with parsed files that appear on first use and are kept.

Nothing here judges: a file that cannot be read is a state of its ``Source``, a path that leads out of the
tree is not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from checker.files import Source, T, Tree, join, read_lenient, read_object, read_samples, read_text
from checker.model import Place
from checker.rule import Absent
from schemas.layout import ResultPath
from schemas.loadgen import LoadgenLog, LogEntry
from schemas.powerlog import BadLine, PowerLine
from schemas.rounds import BenchmarkRules, Round

NETWORKED = "network"
JUDGED_STRICTLY = ("closed", "network")


class Submission:
    """The root of a tree, judged as one round."""

    def __init__(self, tree: Tree, round_: Round, *, unofficial_power: bool = False) -> None:
        """The nodes below are made when asked for. ``unofficial_power``: power may come from powerd."""
        self.tree, self.round, self.unofficial_power = tree, round_, unofficial_power
        limits = round_.facts["limits"]
        self.size_limit: int = limits["file_size_mb"] * limits["bytes_per_mb"]
        self.path = ""
        self.place = Place()

    def source(self, path: str, kind: str, read: Callable[[Path], T]) -> Source[T]:
        """A file of the tree."""
        return Source(self.tree, path, kind, read, self.size_limit)

    @cached_property
    def divisions(self) -> list[str]:
        """Division directories of the round that are there."""
        return [d for d in self.tree.dirs("") if d in self.round.facts["divisions"]]

    @cached_property
    def submitters(self) -> list[Submitter]:
        """All submitters, division by division."""
        return [Submitter(self, d, name) for d in self.divisions for name in self.tree.dirs(d)]

    @property
    def systems(self) -> Iterator[System]:
        """All systems that have results."""
        for submitter in self.submitters:
            yield from submitter.systems

    @property
    def results(self) -> Iterator[Result]:
        """All scenario directories."""
        for system in self.systems:
            for benchmark in system.benchmarks:
                yield from benchmark.results


class Submitter:
    """One submitter in one division."""

    def __init__(self, submission: Submission, division: str, name: str) -> None:
        """The directory ``<division>/<name>``."""
        self.submission, self.division, self.name = submission, division, name
        self.tree, self.round = submission.tree, submission.round
        self.path = join(division, name)
        self.place = Place(division, name)
        self.strict = division in JUDGED_STRICTLY

    @cached_property
    def model_mapping(self) -> Source[dict[str, Any]]:
        """The submitter's own names of benchmarks, open division only."""
        return self.submission.source(join(self.path, "model_mapping.json"), "model_mapping", read_object)

    @cached_property
    def systems(self) -> list[System]:
        """Systems that have a results directory."""
        return [System(self, name) for name in self.tree.dirs(join(self.path, "results"))]


class System:
    """One system of a submitter, with its description."""

    def __init__(self, submitter: Submitter, name: str) -> None:
        """The directory ``<division>/<submitter>/results/<name>``."""
        self.submitter, self.name = submitter, name
        self.tree, self.round = submitter.tree, submitter.round
        self.path = join(submitter.path, "results", name)
        self.place = Place(submitter.division, submitter.name, name)

    @cached_property
    def description(self) -> Source[dict[str, Any]]:
        """``systems/<system>.json``."""
        path = self.round.layout["system_json"].format(
            division=self.submitter.division, submitter=self.submitter.name, system=self.name
        )
        return self.submitter.submission.source(path, "description", read_object)

    @property
    def facts(self) -> dict[str, Any]:
        """The description, empty when it cannot be read."""
        return self.description.value if self.description.usable else {}

    @property
    def type(self) -> str:
        """``system_type`` as written, empty when it is no text."""
        found = self.facts.get("system_type")
        return found if isinstance(found, str) else ""

    @property
    def networked(self) -> bool:
        """Whether the description says that LoadGen reaches the system over a network."""
        found = self.facts.get(self.round.facts["system_fields"]["network_flag"])
        return isinstance(found, str) and found.lower() == "true"

    @cached_property
    def benchmarks(self) -> list[Benchmark]:
        """Benchmark directories."""
        return [Benchmark(self, name) for name in self.tree.dirs(self.path)]


class Benchmark:
    """One benchmark on one system. ``model`` is the official name, ``rules`` its facts in this round."""

    def __init__(self, system: System, directory: str) -> None:
        """The directory ``.../results/<system>/<directory>``."""
        self.system, self.directory = system, directory
        self.submitter, self.tree, self.round = system.submitter, system.tree, system.round
        self.path = join(system.path, directory)
        self.place = replace(system.place, benchmark=directory)
        self.strict = system.submitter.strict

    @property
    def description(self) -> Source[dict[str, Any]]:
        """The description of the system."""
        return self.system.description

    @cached_property
    def model(self) -> str:
        """The official name that the directory stands for."""
        mapping = self.submitter.model_mapping
        own = mapping.value if self.submitter.division == "open" and mapping.usable else None
        texts = {k: v for k, v in own.items() if isinstance(v, str)} if own else None
        return self.round.official_name(self.directory, texts)

    @cached_property
    def rules(self) -> BenchmarkRules | None:
        """Facts of the benchmark; None when the round does not know it."""
        return self.round.benchmark(self.model) if self.model in self.round.facts["benchmarks"] else None

    @cached_property
    def results(self) -> list[Result]:
        """Scenario directories."""
        return [Result(self, name) for name in self.tree.dirs(self.path)]


class Run:
    """One LoadGen run: the performance run, the ranging run, or a compliance run (``test`` names it)."""

    def __init__(self, result: Result, path: str, kind: str, test: str | None = None) -> None:
        """The directory that holds the detail log."""
        self.result, self.path, self.test, self.kind = result, path, test, kind

    @cached_property
    def log(self) -> Source[LoadgenLog]:
        """The detail log."""
        path = join(self.path, "mlperf_log_detail.txt")
        return self.result.submission.source(path, self.kind, LoadgenLog.read)

    @cached_property
    def spl(self) -> Source[tuple[PowerLine | BadLine, ...]]:
        """The power log beside it."""
        return self.result.submission.source(join(self.path, "spl.txt"), "spl", read_samples)

    @property
    def scenario(self) -> str:
        """``effective_scenario``, the logged scenario."""
        return self.text("effective_scenario")

    @property
    def streaming(self) -> bool:
        """Whether the logged scenario uses early stopping."""
        return self.scenario in self.result.round.facts["early_stopping_scenarios"]

    def entry(self, key: str) -> LogEntry | None:
        """The first entry of a key."""
        return self.log.value.entry(key)

    def line(self, key: str) -> int | None:
        """The line of the first entry of a key."""
        found = self.entry(key)
        return None if found is None else found.line

    def number(self, key: str) -> int | float:
        """A number of the log; ``Absent`` when it is not there or not a number."""
        found = self.entry(key)
        if found is None:
            raise Absent(key, self.log.path, "no entry", "a number")
        if isinstance(found.value, bool) or not isinstance(found.value, int | float):
            raise Absent(key, self.log.path, repr(found.value)[:80], "a number", found.line)
        return found.value

    def text(self, key: str) -> str:
        """A text of the log; ``Absent`` when it is not there or not a text."""
        found = self.entry(key)
        if found is None:
            raise Absent(key, self.log.path, "no entry", "a text")
        if not isinstance(found.value, str):
            raise Absent(key, self.log.path, repr(found.value)[:80], "a text", found.line)
        return found.value


class Result:
    """One scenario directory, with everything that belongs to it elsewhere in the tree."""

    def __init__(self, benchmark: Benchmark, directory: str) -> None:
        """The directory ``.../<benchmark>/<directory>``."""
        self.benchmark, self.directory = benchmark, directory
        self.system, self.submitter = benchmark.system, benchmark.submitter
        self.submission, self.tree = benchmark.submitter.submission, benchmark.tree
        self.round, self.strict = benchmark.round, benchmark.strict
        self.place = replace(benchmark.place, scenario=directory)
        self.layout = ResultPath(*self.place.names)
        self.path = self.layout.results(self.round).as_posix()
        self.canonical = self.round.canonical_scenario(directory)
        self.scenario = self.canonical or directory

    @property
    def rules(self) -> BenchmarkRules:
        """Facts of the benchmark; ``Absent`` when the round does not know it."""
        if self.benchmark.rules is None:
            raise Absent("benchmark", self.path, self.benchmark.model, "a benchmark of the round")
        return self.benchmark.rules

    @property
    def description(self) -> Source[dict[str, Any]]:
        """The description of the system."""
        return self.system.description

    @cached_property
    def run(self) -> Run:
        """The performance run that counts."""
        return Run(self, self.layout.performance(self.round, "run_1").as_posix(), "performance_log")

    @cached_property
    def ranging(self) -> Run:
        """The ranging run of a power result."""
        return Run(self, self.layout.performance(self.round, "ranging").as_posix(), "ranging_log")

    @property
    def performance_log(self) -> Source[LoadgenLog]:
        """The detail log of the performance run."""
        return self.run.log

    @property
    def ranging_log(self) -> Source[LoadgenLog]:
        """The detail log of the ranging run."""
        return self.ranging.log

    @property
    def spl(self) -> Source[tuple[PowerLine | BadLine, ...]]:
        """The power log of the testing run."""
        return self.run.spl

    @property
    def ranging_spl(self) -> Source[tuple[PowerLine | BadLine, ...]]:
        """The power log of the ranging run."""
        return self.ranging.spl

    @cached_property
    def has_power(self) -> bool:
        """Whether ``performance/power`` exists."""
        return self.tree.exists(self.power_path)

    @property
    def power_path(self) -> str:
        """The directory of the power session."""
        return self.layout.performance(self.round, "power").as_posix()

    def _power(self, name: str, kind: str, read: Callable[[Path], T]) -> Source[T]:
        return self.submission.source(join(self.power_path, name), kind, read)

    @cached_property
    def client(self) -> Source[dict[str, Any]]:
        """``client.json``."""
        return self._power("client.json", "client", read_object)

    @cached_property
    def server(self) -> Source[dict[str, Any]]:
        """``server.json``."""
        return self._power("server.json", "server", read_object)

    @cached_property
    def ptd_logs(self) -> Source[str]:
        """``ptd_logs.txt``."""
        return self._power("ptd_logs.txt", "ptd_logs", read_lenient)

    @property
    def accuracy_path(self) -> str:
        """The directory of the accuracy run."""
        return self.layout.accuracy(self.round).as_posix()

    @cached_property
    def accuracy_txt(self) -> Source[str]:
        """``accuracy.txt``."""
        return self.submission.source(join(self.accuracy_path, "accuracy.txt"), "accuracy_txt", read_text)

    @cached_property
    def accuracy_log(self) -> Source[LoadgenLog]:
        """The detail log of the accuracy run."""
        path = join(self.accuracy_path, "mlperf_log_detail.txt")
        return self.submission.source(path, "accuracy_log", LoadgenLog.read)

    @property
    def measurements_path(self) -> str:
        """The directory of the conf files and the measurements JSON."""
        return self.layout.measurements(self.round).as_posix()

    @cached_property
    def measurements_name(self) -> str | None:
        """Name of the measurements JSON: begins with the system, best with the scenario at its end."""
        names = [
            n
            for n in sorted(self.tree.files(self.measurements_path))
            if n.startswith(self.system.name) and n.endswith(".json") and n != RUN_RECORD
        ]
        own = [n for n in names if n.endswith(f"_{self.directory}.json")]
        return next(iter(own or names), None)

    @cached_property
    def measurements(self) -> Source[dict[str, Any]]:
        """The measurements JSON."""
        path = join(self.measurements_path, self.measurements_name or f"{self.system.name}.json")
        return self.submission.source(path, "measurements", read_object)

    @cached_property
    def run_record(self) -> Source[dict[str, Any]]:
        """What our harness says it shortened, simulated or made up."""
        return self.submission.source(join(self.measurements_path, RUN_RECORD), "run_record", read_object)

    def compliance_path(self, test: str = "") -> str:
        """The directory of a compliance test, or of all of them."""
        path = self.layout.compliance(self.round, test or "TEST").as_posix()
        return path if test else path.rpartition("/")[0]

    @cached_property
    def compliance_runs(self) -> dict[str, Run]:
        """The performance part of each compliance test, by test."""
        tests = self.rules.compliance_tests
        return {
            t: Run(self, join(self.compliance_path(t), "performance/run_1"), "compliance_log", t)
            for t in tests
        }

    def compliance_text(self, test: str, name: str) -> Source[str]:
        """A text file of a compliance test."""
        path = join(self.compliance_path(test), name)
        return self.submission.source(path, "compliance_text", read_text)


RUN_RECORD = "edgewatt.json"
