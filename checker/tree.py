"""The nodes of a submission down to the benchmark; ``result`` and ``run`` hold what lies below.

Nothing here judges: a file that cannot be read is a state of its ``Source``, a path that leads out of the
tree is not followed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checker.files import SharedSource, Source, T, Tree, join, read_object
from checker.model import Place
from checker.result import Result
from schemas.kept import kept
from schemas.plainfile import FilePath
from schemas.rounds import BenchmarkRules, Round

NETWORKED = "network"
JUDGED_STRICTLY = ("closed", "network")
PUBLISHABLE = 100_000_000
"""Bytes of a file that are read in rounds without a limit of their own: GitHub publishes none above 100 MB."""


class Submission:
    """The root of a tree, judged as one round."""

    def __init__(self, tree: Tree, round_: Round, *, unofficial_power: bool = False) -> None:
        """The nodes below are made when asked for. ``unofficial_power``: power may come from powerd."""
        self.tree, self.round, self.unofficial_power = tree, round_, unofficial_power
        limits = round_.facts["limits"]
        size = limits["file_size_mb"]
        self.size_limit: int = PUBLISHABLE if size is None else size * limits["bytes_per_mb"]
        self.path = ""
        self.place = Place()

    def source(self, path: str, kind: str, read: Callable[[FilePath], T]) -> Source[T]:
        """A file of the tree."""
        return Source(self.tree, path, kind, read, self.size_limit)

    def shared(self, path: str, kind: str, read: Callable[[FilePath], T]) -> Source[T]:
        """A file of the tree that several results look at."""
        return SharedSource(self.tree, path, kind, read, self.size_limit)

    @kept
    def divisions(self) -> list[str]:
        """Division directories of the round that are there."""
        return [d for d in self.tree.dirs("") if d in self.round.facts["divisions"]]

    @kept
    def submitters(self) -> list[Submitter]:
        """All submitters, division by division."""
        return [Submitter(self, d, name) for d in self.divisions for name in self.tree.dirs(d)]

    @kept
    def systems(self) -> list[System]:
        """All systems that have results."""
        return [system for submitter in self.submitters for system in submitter.systems]

    @kept
    def results(self) -> list[Result]:
        """All scenario directories."""
        return [result for s in self.systems for benchmark in s.benchmarks for result in benchmark.results]


class Submitter:
    """One submitter in one division."""

    def __init__(self, submission: Submission, division: str, name: str) -> None:
        """The directory ``<division>/<name>``."""
        self.submission, self.division, self.name = submission, division, name
        self.tree, self.round = submission.tree, submission.round
        self.path = join(division, name)
        self.place = Place(division, name)
        self.strict = division in JUDGED_STRICTLY

    @kept
    def model_mapping(self) -> Source[dict[str, Any]]:
        """The submitter's own names of benchmarks, open division only."""
        return self.submission.shared(join(self.path, "model_mapping.json"), "model_mapping", read_object)

    @kept
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

    @kept
    def description(self) -> Source[dict[str, Any]]:
        """``systems/<system>.json``."""
        path = self.round.layout["system_json"].format(
            division=self.submitter.division, submitter=self.submitter.name, system=self.name
        )
        return self.submitter.submission.shared(path, "description", read_object)

    @kept
    def facts(self) -> dict[str, Any]:
        """The description, empty when it cannot be read."""
        return self.description.value if self.description.usable else {}

    @kept
    def type(self) -> str:
        """``system_type`` as written, empty when it is no text."""
        found = self.facts.get("system_type")
        return found if isinstance(found, str) else ""

    @kept
    def networked(self) -> bool:
        """Whether the description says that LoadGen reaches the system over a network."""
        found = self.facts.get(self.round.facts["system_fields"]["network_flag"])
        return isinstance(found, str) and found.lower() == "true"

    @kept
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
        self.place = Place(system.place.division, system.place.submitter, system.name, directory)
        self.strict = system.submitter.strict

    @property
    def description(self) -> Source[dict[str, Any]]:
        """The description of the system."""
        return self.system.description

    @kept
    def model(self) -> str:
        """The official name that the directory stands for."""
        mapping = self.submitter.model_mapping if self.submitter.division == "open" else None
        own = mapping.value if mapping is not None and mapping.usable else None
        texts = {k: v for k, v in own.items() if isinstance(v, str)} if own else None
        return self.round.official_name(self.directory, texts)

    @kept
    def rules(self) -> BenchmarkRules | None:
        """Facts of the benchmark; None when the round does not know it."""
        return self.round.benchmark(self.model) if self.model in self.round.facts["benchmarks"] else None

    @kept
    def results(self) -> list[Result]:
        """Scenario directories."""
        return [Result(self, name) for name in self.tree.dirs(self.path)]
