"""What the policy asks for and no checker looks at, as far as a tree tells: documents, supplies, tolerances."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from checker import metrics
from checker.files import join
from checker.meters import identity_of
from checker.model import Problem, Scope, Severity
from checker.result import Result
from checker.rule import INFERENCE, POWER, Absent, rule
from checker.rules.measurements import power_documents
from checker.rules.quality_closed import LONGEST, NARROW_TYPES
from checker.rules.structure_submitter import CALIBRATION
from checker.run import Run
from checker.texts import PAPERS, binary, hollow, line_of, text_of
from checker.tree import System
from checker.wording import listing, shorten

DOCUMENTS = ("analyzer_table", "power_settings")
_METER = re.compile(r"\b(?:WT|PW|LMG|GPM|PPA|PM|PA|HMC|IT)[- ]?\d{3,5}[A-Z]{0,3}\b", re.IGNORECASE)
_STORAGE = re.compile(
    r"\b(batter(?:y|ies)|UPS|uninterruptible|power ?banks?|supercapacitors?|energy storage)\b", re.IGNORECASE
)
_UNUSED = re.compile(
    r"\b(no|not|without|removed|disconnected|unplugged|excluded|cmos|rtc|backed|backup)\b", re.IGNORECASE
)
NEARBY = 40
"""Characters around a word in which another one may take it back."""
_WATTS = re.compile(r"\b\d[\d.,]*\s?(?:k?W|watts?)\b", re.IGNORECASE)
SUPPLY_FIELDS = ("power_supply_quantity_and_rating_watts", "system_power_capacity")


@rule(
    "quality/power-docs",
    severity=Severity.WARNING,
    title="The power documents can be read and say something",
    fix="Write the analyzer and its wiring, and the power management settings, as text for a reader.",
    good="a table with vendor, model, firmware, interface and channels",
    bad="analyzer_table.md that says TODO",
    link=POWER,
)
def power_docs(result: Result) -> Iterator[Problem]:
    """Reviewers must be able to repeat the set-up from these documents. The official checker counts bytes."""
    if not result.has_power:
        return
    for prefix in DOCUMENTS:
        for path, size in power_documents(result, prefix)[-1:]:
            text = text_of(result.submission, path) if size and not path.lower().endswith(PAPERS) else None
            if text is not None and (binary(text) or hollow(text)):
                found = "no text" if binary(text) else shorten(repr(text.strip()), 60)
                wanted = "a text that a reader can follow"
                yield Problem(f"the {prefix} document says nothing", path, found, wanted, line_of(text))


@rule(
    "quality/analyzer-table",
    severity=Severity.WARNING,
    title="The analyzer table names the analyzer that measured",
    fix="Write the analyzer of this session into the table; each session's log names it.",
    good="WT310E in the table and in the log",
    bad="WT310E in the table, WT210 in the log",
    link=POWER,
    needs=("server",),
)
def analyzer_table(result: Result) -> Iterator[Problem]:
    """The table is filled in by hand, and tables are copied from one submission to the next. The daemon's log knows
    which meter answered."""
    if not result.has_power:
        return
    log = result.ptd_logs.value if result.ptd_logs.usable else ""
    meter = identity_of(result.server.value, log)
    for path, _ in power_documents(result, "analyzer_table")[-1:]:
        text = text_of(result.submission, path) or ""
        names = _METER.findall(text)
        named = sorted({_plain(m) for m in names})
        own = {_plain(meter.model), _plain(meter.analyzer.removeprefix("Yokogawa").partition("_")[0])} - {""}
        if named and own and not any(_alike(a, b) for a in named for b in own):
            found = ", ".join(named)
            message = f"the table names {found}, the log a {meter.model}"
            yield Problem(message, path, found, meter.model, line_of(text, *names))


def _plain(name: str) -> str:
    return re.sub(r"[-\s]", "", name).upper()


def _alike(a: str, b: str) -> bool:
    """Whether two names are of one series: WT330 stands for WT332 and WT333E too."""
    short, long = sorted((a.rstrip("EHMC"), b.rstrip("EHMC")), key=len)
    return long.startswith(short) or (short[:4] == long[:4] and "0" in (short[-1], long[-1]))


@rule(
    "quality/calibration",
    severity=Severity.WARNING,
    title="Quantised weights of a closed result have a calibration that is described",
    fix="Write calibration.md: which data, which ranges, which scheme.",
    good="calibration.md says that 500 images of the calibration list set the ranges",
    bad="int8 weights and no calibration document, or one that says TODO",
    link=INFERENCE,
    needs=("measurements",),
)
def calibration(result: Result) -> Iterator[Problem]:
    """Closed allows quantising when the method is published, so that nobody tunes on the validation data. Before v5.1
    no checker asks for the document, and none reads it."""
    if not result.strict:
        return
    found = _calibration_documents(result)
    types = result.measurements.value.get("weight_data_types")
    narrow = NARROW_TYPES.search(types[:LONGEST]) if isinstance(types, str) else None
    says = {path: text_of(result.submission, path) for path in found}
    empty = [path for path, text in says.items() if text is not None and hollow(text)]
    for path in empty:
        severity = Severity.WARNING if narrow and len(empty) == len(found) else Severity.NOTE
        text = says[path] or ""
        said, wanted = shorten(repr(text.strip()), 40), "how it was calibrated"
        message = "the calibration document says nothing"
        yield Problem(message, path, said, wanted, line_of(text), severity=severity)
    if narrow and not found and not result.submission.round.facts.get("calibration_required"):
        message = f"the weights are {narrow.group()}, but no calibration is described"
        yield Problem(
            message, result.measurements.path, "no document", CALIBRATION[0], pointer="/weight_data_types"
        )


def _calibration_documents(result: Result) -> list[str]:
    """Documents of a submitter and of a result whose names begin so."""
    tree, base = result.tree, result.submitter.path
    places = (base, join(base, "documentation"), join(base, "calibration"), result.measurements_path)
    return [
        join(place, name)
        for place in places
        for name in sorted(tree.files(place))
        if name.lower().startswith("calibration") and not name.lower().endswith(PAPERS)
    ]


def _spoken(system: System) -> Iterator[tuple[str, str, str]]:
    """Path, pointer and text of what is said of a system: its description and its power documents."""
    if system.description.usable:
        path = system.description.path
        yield from ((path, f"/{k}", v[:LONGEST]) for k, v in system.facts.items() if isinstance(v, str))
    powered = (r for b in system.benchmarks for r in b.results if r.has_power)
    documents = dict.fromkeys(
        path
        for result in powered
        for prefix in DOCUMENTS
        for path, _ in power_documents(result, prefix)[-1:]
        if not path.lower().endswith(PAPERS)
    )
    for path in documents:
        yield path, "", text_of(system.submitter.submission, path) or ""


def _has_power(system: System) -> bool:
    return any(r.has_power for b in system.benchmarks for r in b.results)


ABOUT_SYSTEM: dict[str, Any] = {"scope": Scope.SYSTEM, "link": POWER}


@rule(
    "quality/battery",
    severity=Severity.WARNING,
    title="No battery or other storage stands before the supply",
    fix="Take the battery out and feed the system from the wall through the meter; say so in the power settings.",
    good='"hw_notes": "battery removed"',
    bad='"hw_notes": "powered by its battery, fully charged"',
    **ABOUT_SYSTEM,
)
def battery(system: System) -> Iterator[Problem]:
    """Power is measured at the wall. What a battery, a power bank or an uninterruptible supply delivers during the
    run was drawn before it, and no meter saw it."""
    if not _has_power(system):
        return
    for path, pointer, text in _spoken(system):
        for match in _STORAGE.finditer(text):
            around = text[max(0, match.start() - NEARBY) : match.end() + NEARBY]
            if _UNUSED.search(around) is None:
                message = (
                    f"the system speaks of a storage of energy: {shorten(' '.join(around.split()), 100)}"
                )
                wanted = "no storage between meter and system"
                line = None if pointer else text.count("\n", 0, match.start()) + 1
                yield Problem(message, path, match.group(), wanted, line, pointer or None)
                break


@rule(
    "quality/power-figures",
    severity=Severity.NOTE,
    title="Power figures of a description are told as what they are",
    fix="Nothing needs to be done; do not read such a figure as a measurement.",
    good='"hw_notes": "power measured at the wall by the analyzer"',
    bad='"power_supply_quantity_and_rating_watts": "2000W x 4"',
    needs=("description",),
    **ABOUT_SYSTEM,
)
def power_figures(system: System) -> Iterator[Problem]:
    """A thermal design power or the rating of a supply is a limit that somebody wrote down. Nobody checked it, and the
    system may draw a tenth of it."""
    said = {k: v[:LONGEST] for k, v in system.facts.items() if isinstance(v, str)}
    found = {k: v for k, v in said.items() if _is_power(k, v)}
    if found:
        name = next(iter(found))
        told = shorten(found[name], 60)
        fields = listing(list(found))
        message = f"{fields}: power as the maker or the submitter says ({told}), validated by nobody"
        yield Problem(
            message, system.description.path, told, "a measurement, if power matters", pointer=f"/{name}"
        )


def _is_power(name: str, value: str) -> bool:
    return _WATTS.search(value) is not None or (name in SUPPLY_FIELDS and re.search(r"\d", value) is not None)


TOLERANCE = 0.10
FAST_TOLERANCE = 0.20
FAST_MS = {"SingleStream": 0.2, "MultiStream": 1.6}
"""The verification scripts allow a tenth, a fifth where a stream's latency in milliseconds is at most this. Some
compare latencies and some their inverse, so a slower stream may be slower by as much as the wider of the two allows."""
ONE_SIDED = ("TEST04",)
"""Tests that only a better score fails: one sample again and again must not be faster than many."""
NOT_COMPARED = ("TEST04-A", "TEST04-B")
"""Up to v2.0 the halves of TEST04 were compared with each other, by a number that is not the metric of all rounds."""


@rule(
    "quality/compliance-tolerance",
    severity=Severity.WARNING,
    title="The scores of compliance runs are near that of the result",
    fix="Run the test again under the conditions of the performance run.",
    good="TEST01 0.4 % below the result",
    bad="TEST01 15 % above the result beside a file that says TEST PASS",
    link=INFERENCE,
    needs=("performance_log",),
    forgiven_by=("compliance_performance",),
)
def compliance_tolerance(result: Result) -> Iterator[Problem]:
    """The submitter's own run of a script writes TEST PASS, and the official checker looks for these words only. The
    logs of both runs are there, so the comparison can be made again."""
    for test, run in _tests(result).items():
        ratio = _ratio(run, result.run) if test not in NOT_COMPARED else None
        if ratio is None:
            continue
        limit = FAST_TOLERANCE if _fast(result.run) else TOLERANCE
        streams = result.run.scenario in metrics.STREAMS
        better = ratio < 1 - limit if streams else ratio > 1 + limit
        worse = ratio > 1 / (1 - limit) if streams else ratio < 1 - limit
        if better or (worse and test not in ONE_SIDED):
            message = f"the score of {test} is {ratio - 1:+.1%} off that of the performance run"
            line = metrics.metric_line(run)
            yield Problem(message, run.log.path, f"{ratio - 1:+.1%}", f"within {limit:.0%}", line)


def _tests(result: Result) -> dict[str, Run]:
    try:
        return result.compliance_runs if result.strict else {}
    except Absent:
        return {}


def _score(run: Run) -> float:
    """The metric of a run, 0 where it has none."""
    try:
        return metrics.logged_metric(run) if run.log.usable else 0.0
    except Absent:
        return 0.0


def _fast(run: Run) -> bool:
    return _score(run) <= FAST_MS.get(run.scenario, 0.0)


def _ratio(run: Run, other: Run) -> float | None:
    """Score of a test against the result's; None where one of them is no score or they are of two scenarios."""
    own, wanted = _score(run), _score(other)
    if not (own > 0 and wanted > 0) or run.scenario != other.scenario:
        return None
    return own / wanted
