"""Which runs must be made, or made again, before a tree is valid, and how long they take.

Times are those of the runs that are there; where there is none, the minimum duration of the round or the time
that its smallest number of queries needs at the speed of the other scenarios, whichever is longer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from checker.model import Finding, Place, Report, ResultReport
from schemas.rounds import SCENARIOS, BenchmarkRules, Round, load_round

PERFORMANCE, ACCURACY, COMPLIANCE, ALL = "performance", "accuracy", "compliance", "all"
MODES = (ALL, PERFORMANCE, ACCURACY, COMPLIANCE)
EVERYTHING = (PERFORMANCE, ACCURACY, COMPLIANCE)
MISSING_SCENARIO = ("structure/required-scenarios", "structure/server-or-interactive")
BY_FAMILY = {
    "performance": (PERFORMANCE,),
    "accuracy": (ACCURACY,),
    "compliance": (COMPLIANCE,),
    "power": (PERFORMANCE,),
    "quality": (PERFORMANCE,),
    "rehearsal": EVERYTHING,
}
"""Runs that cure a finding, where its rule is not named below."""
BY_RULE: dict[str, tuple[str, ...]] = {
    "accuracy/target": EVERYTHING,  # another model or another precision: every run is another one
    "accuracy/upper-limit": EVERYTHING,
    "accuracy/hash": (),
    "accuracy/log-truncated": (),
    "accuracy/number": (),
    "power/results-hash": (),
    "accuracy/endpoint-score": EVERYTHING,
    "performance/endpoint-benchmark": (),
    "performance/endpoint-config": (),
    "compliance/perf-verdict": (PERFORMANCE, COMPLIANCE),
    "rehearsal/record": (),
    "rehearsal/simulated": (PERFORMANCE,),
    "structure/perf-run-dir": (PERFORMANCE,),
    "structure/acc-txt": (ACCURACY,),
    "structure/extra-accuracy-files": (ACCURACY,),
}
BY_PLACE = (
    "structure/perf-file-list", "structure/acc-file-list", "structure/readable", "structure/detail-logs",
    "power/files",
    "compliance/perf-files",
)  # fmt: skip
"""Rules about files: the folder says which run it was, and a file too many needs none."""
NOTHING = "nothing"
"""What rules say they found where a file is missing."""
EARLY_STOPPING_QUERIES = {"SingleStream": 64, "MultiStream": 662, "Server": 662}
"""Queries below which LoadGen's early stopping gives no estimate of the 90th and the 99th percentile."""
STREAM_SAMPLES = {"SingleStream": 1, "MultiStream": 8}
SECONDS = {"Latency (ms)": 1e-3, "Latency (s)": 1.0}
"""Seconds in the units of a latency; the MultiStream of the first rounds counts streams instead."""
_TEST = re.compile(r"TEST\d\d(?:-[AB])?")


@dataclass(frozen=True, slots=True)
class Rerun:
    """Runs of one result to make. ``place`` has the canonical scenario; ``mode`` is one of ``MODES``.

    ``tests``: the compliance tests among them. ``seconds`` is None where nothing tells how long;
    ``measured``: whether it comes from runs of this result.
    """

    place: Place
    mode: str
    tests: tuple[str, ...]
    power: bool
    seconds: float | None
    measured: bool
    reasons: tuple[str, ...]


def reruns(report: Report) -> tuple[Rerun, ...]:
    """The runs to make, in the order of the tree, scenarios as tables show them."""
    needs, missing = _needs(report), _missing(report)
    clock = _Clock(report)
    found = [r for place, rules in missing.items() for r in clock.missing(place, rules)]
    results = {r.place: r for r in report.results}
    found += [
        r for place, parts in needs.items() if place in results for r in clock.again(results[place], parts)
    ]
    return tuple(sorted(found, key=_order))


def total_seconds(rows: Iterable[Rerun]) -> tuple[float, int]:
    """Seconds of all runs that have a time, and how many entries have none."""
    every = list(rows)
    return sum(r.seconds or 0.0 for r in every), sum(r.seconds is None for r in every)


def _order(rerun: Rerun) -> tuple[object, ...]:
    names = rerun.place.names
    scenario = SCENARIOS.index(names[4]) if names[4] in SCENARIOS else len(SCENARIOS)
    return (*names[:4], scenario, MODES.index(rerun.mode))


Parts = dict[str, list[str]]
"""Runs of a result (``performance``, ``accuracy``, a test, or ``compliance`` for all tests), each with its rules."""


def _needs(report: Report) -> dict[Place, Parts]:
    found: dict[Place, Parts] = defaultdict(lambda: defaultdict(list))
    for finding in report.findings:
        if finding.counts and finding.place.scenario:
            for part in runs_that_cure(finding):
                found[finding.place][part].append(finding.rule)
    return found


def runs_that_cure(finding: Finding) -> tuple[str, ...]:
    """Which runs of its result a finding asks for; none where files are to be put right."""
    if finding.rule in BY_PLACE:
        return _by_place(finding) if _lost(finding) else ()
    parts = BY_RULE.get(finding.rule)
    if parts is None:
        parts = BY_FAMILY.get(finding.rule.split("/")[0], ())
    test = _TEST.search(finding.location.path)
    return tuple(test.group() if p == COMPLIANCE and test else p for p in parts)


def _lost(finding: Finding) -> bool:
    return finding.rule == "structure/readable" or finding.found == NOTHING


def _by_place(finding: Finding) -> tuple[str, ...]:
    folders = finding.location.path.split("/")
    test = next((f for f in folders if _TEST.fullmatch(f)), None)
    if test is not None:
        return (test,)
    return next(((p,) for p in EVERYTHING if p in folders[1:]), ())


def _missing(report: Report) -> dict[Place, list[str]]:
    """Missing scenarios by place, each with the rules that ask for it."""
    there: dict[Place, set[str]] = defaultdict(set)
    for result in report.results:
        there[result.place.cut(4)].add(result.scenario)
    found: dict[Place, list[str]] = {}
    for finding in report.findings:
        if finding.rule in MISSING_SCENARIO and finding.counts:
            wanted = [s for s in re.findall(r"\w+", finding.wanted) if s in SCENARIOS]
            names = [s for s in wanted if s not in there[finding.place]]
            for name in names[:1] if finding.rule == MISSING_SCENARIO[1] else names:
                found[finding.place._replace(scenario=name)] = [finding.rule]
    return found


@dataclass(frozen=True, slots=True)
class _Beside:
    """What the results of one benchmark on one system tell of the runs of another: its model, whether there is power,
    the longest accuracy run, and the seconds of a sample, of which the slowest counts."""

    model: str
    power: bool
    accuracy: float | None
    per_sample: float | None

    @classmethod
    def of(cls, results: Sequence[ResultReport]) -> _Beside:
        """Looked up once for a benchmark: it may have as many results as somebody makes directories."""
        accuracy = [r.durations[ACCURACY] for r in results if ACCURACY in r.durations]
        per_sample = [s for r in results if (s := _per_sample(r)) is not None]
        power = any(r.has_power for r in results)
        return cls(results[0].model, power, max(accuracy, default=None), max(per_sample, default=None))


class _Clock:
    """Knows how long runs take on the systems of a report."""

    def __init__(self, report: Report) -> None:
        self._round: Round = load_round(report.round)
        results: dict[Place, list[ResultReport]] = defaultdict(list)
        for result in report.results:
            results[result.place.cut(4)].append(result)
        self._beside = {place: _Beside.of(rows) for place, rows in results.items()}

    def missing(self, place: Place, rules: Sequence[str]) -> Iterator[Rerun]:
        """All runs of a scenario that is not there."""
        beside = self._beside.get(place.cut(4))
        model = beside.model if beside else self._round.official_name(place.benchmark)
        tests = self._tests(model, place.division, place.scenario)
        power = beside is not None and beside.power
        parts: Parts = {PERFORMANCE: list(rules), ACCURACY: list(rules), **{t: list(rules) for t in tests}}
        yield from self._entries(place, model, parts, power, {})

    def again(self, result: ResultReport, parts: Parts) -> Iterator[Rerun]:
        """The runs of a result that are to be made again."""
        tests = self._tests(result.model, result.place.division, result.scenario)
        parts = dict(parts)
        for test in tests if COMPLIANCE in parts else ():
            parts[test] = [*parts.get(test, []), *parts[COMPLIANCE]]
        parts.pop(COMPLIANCE, None)
        kept = {p: rules for p, rules in parts.items() if p in (PERFORMANCE, ACCURACY) or p in tests}
        place = result.place._replace(scenario=result.scenario)
        yield from self._entries(place, result.model, kept, result.has_power, result.durations)

    def _entries(
        self, place: Place, model: str, parts: Parts, power: bool, durations: object
    ) -> Iterator[Rerun]:
        """One entry for everything, or one for each mode."""
        tests = tuple(sorted(p for p in parts if p not in (PERFORMANCE, ACCURACY)))
        wanted = {PERFORMANCE, ACCURACY, *self._tests(model, place.division, place.scenario)}
        groups = [(ALL, tuple(parts))] if set(parts) >= wanted else [
            (mode, rows)
            for mode, rows in ((PERFORMANCE, (PERFORMANCE,)), (ACCURACY, (ACCURACY,)), (COMPLIANCE, tests))
            if rows and all(r in parts for r in rows)
        ]  # fmt: skip
        own = durations if isinstance(durations, dict) else {}
        for mode, rows in groups:
            times = [self._seconds(place, model, part, power, own) for part in rows]
            reasons = dict.fromkeys(rule for part in rows for rule in parts[part])
            yield Rerun(
                place=place,
                mode=mode,
                tests=tests if mode in (ALL, COMPLIANCE) else (),
                power=power and mode in (ALL, PERFORMANCE),
                seconds=None if None in times else sum(t for t in times if t is not None),
                measured=all(part in own for part in rows),
                reasons=tuple(reasons),
            )

    def _tests(self, model: str, division: str, scenario: str) -> tuple[str, ...]:
        rules = self._rules(model)
        return rules.compliance_tests_of(scenario) if rules is not None and division != "open" else ()

    def _rules(self, model: str) -> BenchmarkRules | None:
        return self._round.benchmark(model) if model in self._round.facts["benchmarks"] else None

    def _seconds(
        self, place: Place, model: str, part: str, power: bool, own: dict[str, float]
    ) -> float | None:
        """How long one part takes; with power a performance run is made twice, for the ranges and for the
        record."""
        if part == ACCURACY:
            return own.get(ACCURACY) or self._accuracy(place, model)
        once = max(self._least(place, model), own.get(part, own.get(PERFORMANCE, 0.0)))
        return once * 2 if power and part == PERFORMANCE else once

    def _accuracy(self, place: Place, model: str) -> float | None:
        beside = self._beside.get(place.cut(4))
        if beside is not None and beside.accuracy is not None:
            return beside.accuracy
        rules, per_sample = self._rules(model), self._seconds_per_sample(place)
        facts = rules.facts if rules is not None else {}
        samples = facts.get("accuracy_sample_count") or facts.get("dataset_size")
        return samples * per_sample if isinstance(samples, int) and per_sample else None

    def _least(self, place: Place, model: str) -> float:
        """The shortest valid performance run."""
        limits = self._round.facts["limits"]
        least = 0.0 if model in limits["min_duration_exempt"] else self._round.min_duration_ms / 1000
        rules, per_sample = self._rules(model), self._seconds_per_sample(place)
        if rules is None or per_sample is None:
            return least
        return max(least, self._samples(place.scenario, rules) * per_sample)

    def _samples(self, scenario: str, rules: BenchmarkRules) -> int:
        if scenario == "Offline":
            return int(rules.facts.get("offline_min_samples_per_query") or 0)
        queries = (rules.facts.get("min_queries") or {}).get(scenario) or 0
        if scenario in self._round.facts["early_stopping_scenarios"]:
            queries = EARLY_STOPPING_QUERIES.get(scenario, queries)
        return int(queries) * STREAM_SAMPLES.get(scenario, 1)

    def _seconds_per_sample(self, place: Place) -> float | None:
        """Told by the results of the same benchmark on the same system."""
        beside = self._beside.get(place.cut(4))
        return None if beside is None else beside.per_sample


def _per_sample(result: ResultReport) -> float | None:
    metric = result.metric
    if metric is None or not 0 < metric.value < float("inf"):
        return None
    if result.scenario in STREAM_SAMPLES and metric.unit in SECONDS:
        return metric.value * SECONDS[metric.unit] / STREAM_SAMPLES[result.scenario]
    return 1 / metric.value if metric.unit in ("Samples/s", "Queries/s") else None
