"""Facts of the MLPerf rounds: one JSON file per round, and the record that reads it.

A file is made by ``tools/rounds/make_round.py``; the form is ``edgewatt/round/1``. Everything that a rule
compares with stands there: scenarios, quality targets, durations (the 600 s are ``limits.min_duration_ms``),
seeds, latency limits, file lists, field names, accepted power daemons. Seeds are unsigned 64-bit integers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from schemas.errors import UserError
from schemas.kept import kept

SCENARIOS = ("SingleStream", "MultiStream", "Server", "Offline", "Interactive")
"""Canonical spelling, in the order in which tables show them."""


@dataclass(frozen=True, slots=True)
class Target:
    """One accuracy limit: ``reference * factor`` in double precision, a minimum or a maximum."""

    metric: str
    limit: float
    reference: float
    factor: float


@dataclass(frozen=True, slots=True)
class Scenarios:
    """What a benchmark must and may run on one system type."""

    required: tuple[str, ...]
    optional: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InferredPair:
    """A result of ``wanted`` may be inferred from a run of ``logged``, from the value of ``key`` in its log."""

    wanted: str
    logged: str
    key: str


@dataclass(frozen=True)
class BenchmarkRules:
    """The facts of one benchmark in one round. ``facts`` is its part of the round's file. There is one of them for
    all results (hence no slots: it keeps what they all ask for)."""

    name: str
    facts: Mapping[str, Any]
    loadgen_model: str | None

    @property
    def listed(self) -> bool:
        """Whether it is an official benchmark of the round."""
        return bool(self.facts["listed"])

    def scenarios(self, system_type: str) -> Scenarios | None:
        """Required and optional scenarios for a system type as written in a description; None if not for it."""
        key = "datacenter-edge" if "," in system_type else system_type
        found = self.facts["scenarios"].get(key)
        return None if found is None else Scenarios(tuple(found["required"]), tuple(found["optional"]))

    def lower_limits(self, scenario: str | None = None) -> tuple[Target, ...]:
        """Accuracy minima."""
        return self._lower.get("all", self._lower.get(scenario or "", ()))

    def upper_limits(self, scenario: str | None = None) -> tuple[Target, ...]:
        """Accuracy maxima; empty where there are none."""
        return self._upper.get("all", self._upper.get(scenario or "", ()))

    @kept
    def _lower(self) -> Mapping[str, tuple[Target, ...]]:
        return _targets(self.facts["accuracy"]["lower"], "min")

    @kept
    def _upper(self) -> Mapping[str, tuple[Target, ...]]:
        return _targets(self.facts["accuracy"]["upper"], "max")

    def result_key(self, scenario: str) -> str | None:
        """The key of the detail log that holds the metric of a scenario (as logged)."""
        found: str | None = self.facts["result_key"].get(scenario)
        return found

    def unit(self, scenario: str) -> str:
        """The unit of the metric as the official summary names it."""
        return str(self.facts["unit"][scenario])

    def counted_in(self, scenario: str) -> str:
        """The unit of the metric itself: where LoadGen counts tokens, some official summaries say samples."""
        tokens = "tokens_per_second" in (self.result_key(scenario) or "")
        return "Tokens/s" if tokens else self.unit(scenario)

    @property
    def performance_sample_count(self) -> int:
        """Samples that must at least be loaded for a performance run."""
        return int(self.facts["performance_sample_count"])

    def accuracy_samples(self, scenario: str) -> int | None:
        """Samples that accuracy is judged on; None where the round does not say."""
        own = self.facts["accuracy_sample_count"]
        own = own.get(scenario) if isinstance(own, dict) else own
        found = self.facts["dataset_size"] if own is None else own
        return None if found is None else int(found)

    @property
    def compliance_tests(self) -> tuple[str, ...]:
        """The audit tests that the closed division demands."""
        return tuple(self.facts["compliance_tests"] or ())

    def compliance_tests_of(self, scenario: str) -> tuple[str, ...]:
        """The audit tests of one scenario: in the first rounds MultiStream has fewer."""
        own = self.facts.get("compliance_tests_by_scenario", {}).get(scenario)
        return self.compliance_tests if own is None else tuple(own)

    def latency_constraint_ns(self, scenario: str) -> int | None:
        """Limit of the target latency; None where the scenario has none."""
        found = self.facts["latency_constraint_ns"].get(scenario)
        return None if found is None else int(found)

    def compliance_delta_percent(self, metric: str) -> float:
        """How far the two accuracies of TEST01 may be apart when not bitwise equal."""
        override = self.facts["accuracy"]["compliance_delta_percent_override"]
        return float(override.get(metric, self.facts["compliance_delta_percent_default"]))

    def equal_issue_required(self, division: str) -> bool:
        """Whether samples must be issued in concatenated permutations."""
        return bool(self.facts["equal_issue_required"].get(division, False))


def _targets(limits: Mapping[str, Any] | None, kind: str) -> Mapping[str, tuple[Target, ...]]:
    """Targets by scenario, or those of ``all`` scenarios."""
    found = limits or {}
    return {
        scenario: tuple(Target(r["metric"], r[kind], r["reference"], r["factor"]) for r in rows)
        for scenario, rows in found.get("by_scenario", found).items()
    }


@dataclass(frozen=True)
class Round:
    """One MLPerf round. ``facts`` is the whole file; the properties name what is used most (no slots: what all results
    ask for is kept)."""

    name: str
    facts: Mapping[str, Any]

    @property
    def layout(self) -> Mapping[str, Any]:
        """Path templates of the submission tree."""
        found: Mapping[str, Any] = self.facts["layout"]
        return found

    @property
    def files(self) -> Mapping[str, Any]:
        """Required and optional file names per place."""
        found: Mapping[str, Any] = self.facts["files"]
        return found

    @property
    def reading(self) -> Mapping[str, Any]:
        """How the official checker of the round reads a tree, where it differs from that of v4.1."""
        found: Mapping[str, Any] = self.facts.get("reading", {})
        return found

    @property
    def min_duration_ms(self) -> int:
        """Length that every performance run must at least be configured for."""
        return int(self.facts["limits"]["min_duration_ms"])

    def seeds(self, test: str = "default") -> Mapping[str, int]:
        """``qsl_rng_seed``, ``sample_index_rng_seed``, ``schedule_rng_seed``; ``test`` may be ``TEST05``."""
        found: Mapping[str, int] | None = self.facts["seeds"].get(test)
        if found is None:
            raise KeyError(f"round {self.name} has no seeds for {test}")
        return found

    @kept
    def benchmark_names(self) -> tuple[str, ...]:
        """Official benchmarks of the round."""
        return tuple(name for name, row in self.facts["benchmarks"].items() if row["listed"])

    def benchmark(self, name: str) -> BenchmarkRules:
        """Rules of a benchmark by official name; KeyError when the round does not know it."""
        return self._benchmarks[name]

    @kept
    def _benchmarks(self) -> Mapping[str, BenchmarkRules]:
        models: Mapping[str, str] = self.facts.get("loadgen", {}).get("models", {})
        return {
            name: BenchmarkRules(name, row, models.get(name))
            for name, row in self.facts["benchmarks"].items()
        }

    def canonical_scenario(self, directory: str) -> str | None:
        """``singlestream`` or ``SingleStream`` to ``SingleStream``; None for other spellings."""
        if directory in SCENARIOS and directory in self.facts["scenario_aliases"].values():
            return directory
        found: str | None = self.facts["scenario_aliases"].get(directory)
        return found

    def official_name(self, directory: str, model_mapping: Mapping[str, str] | None = None) -> str:
        """Benchmark directory to official name; ``model_mapping`` is that of the open division.

        Order: official name, alias, the submitter's mapping, a guess by substring, alias once more. Which
        substrings, and whether there is a mapping, are facts of the round. Unknown names stay as they are.
        """
        aliases: Mapping[str, str] = self.facts["model_aliases"]
        if directory in self.benchmark_names:
            return directory
        if directory in aliases:
            return aliases[directory]
        if model_mapping and directory in model_mapping and self.reading.get("model_mapping", True):
            return model_mapping[directory]
        guess = _guess(directory, self.reading.get("guesses", GUESSES))
        return aliases.get(guess, guess)

    @property
    def log_markers(self) -> tuple[str, ...]:
        """What the lines of a detail log that count begin with."""
        return tuple(self.reading.get("log_markers", (":::MLLOG",)))

    @property
    def inferred_pairs(self) -> tuple[InferredPair, ...]:
        """Scenarios whose result may be computed from a run of another one; none where nothing is known of it."""
        rows = self.facts.get("loadgen", {}).get("inferred", {}).get("pairs", [])
        return tuple(InferredPair(row["to"], row["from"], row["key"]) for row in rows)

    def min_query_count(self, official: str, scenario: str) -> int:
        """Queries that LoadGen of this round asks of a run without a ``user.conf``; for Server the round's own
        table, because LoadGen leaves that number to early stopping."""
        if scenario == "Server":
            return int(self.benchmark(official).facts["min_queries"][scenario])
        conf, model = self.facts["loadgen"]["conf"], self.benchmark(official).loadgen_model
        for key in (f"{model}.{scenario}.min_query_count", f"*.{scenario}.min_query_count"):
            if key in conf:
                return int(conf[key])
        return int(self.facts["loadgen"].get("min_query_count_default", 1))

    @property
    def conf_built_in(self) -> bool:
        """Whether the round's LoadGen has ``mlperf.conf`` compiled in; LoadGen 4.0.1 reads it from a file."""
        return bool(self.facts["loadgen"].get("conf_built_in", True))

    def mlperf_conf_text(self) -> str:
        """``mlperf.conf`` of the round, written from our own data, in LoadGen's form."""
        lines = [
            f"# LoadGen settings of MLPerf Inference {self.name}, written by edgewatt from its round data.",
            "# Form: model.scenario.key = value; a star stands for all.",
        ]
        conf: Mapping[str, int | float] = self.facts["loadgen"]["conf"]
        lines += [f"{key} = {value}" for key, value in conf.items()]
        return "\n".join(lines) + "\n"


GUESSES = (
    (("mobilenet", "efficientnet", "resnet50"), "resnet"),
    (("bert-99.9",), "bert-99.9"),
    (("bert-99",), "bert-99"),
)
"""Parts of a directory's name and the benchmark that they stand for, in order (v4.1 and later)."""


def _guess(directory: str, guesses: Iterable[tuple[Iterable[str], str]]) -> str:
    for parts, name in guesses:
        if any(part in directory for part in parts):
            return name
    return directory


def known_rounds() -> tuple[str, ...]:
    """Rounds with a data file, oldest first."""
    here = resources.files("schemas.rounds")
    names = [f.name.removesuffix(".json") for f in here.iterdir() if f.name.endswith(".json")]
    return tuple(sorted(names, key=lambda n: tuple(int(p) for p in n.removeprefix("v").split("."))))


@cache
def load_round(name: str) -> Round:
    """Facts of a round by name (``v4.1``); UserError naming the known ones when there is no such round."""
    if name not in known_rounds():
        raise UserError(f"round {name!r} is not known; known rounds: {', '.join(known_rounds())}")
    text = (resources.files("schemas.rounds") / f"{name}.json").read_text(encoding="utf-8")
    return Round(name, json.loads(text))
