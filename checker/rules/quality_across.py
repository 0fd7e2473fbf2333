"""Our own rules across results: copied logs, power of another run, overlapping windows, a changed meter or SUT."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from checker import facts, metrics
from checker.facts import PERFORMANCE, ResultFacts
from checker.files import join
from checker.model import Place, Problem, Scope, Severity
from checker.result import Result
from checker.rule import INFERENCE, POWER, rule
from checker.tree import Submission
from checker.wording import listing, shorten

OVERLAP_NS = 1_000_000_000
"""Windows of neighbouring sessions may touch by one sample."""

ACROSS: dict[str, Any] = {"scope": Scope.SUBMISSION, "severity": Severity.WARNING}
_PRECISION = re.compile(r"-99(\.9)?\Z")


@rule(
    "quality/duplicate-logs",
    title="Every run has a log of its own",
    fix="Put the log of the run itself there; a result that is inferred keeps the scenario of the log that it is from.",
    good="run_1 and TEST01 with logs of two runs",
    bad="the detail log of TEST01 is a copy of that of the performance run",
    link=INFERENCE,
    **ACROSS,
)
def duplicate_logs(submission: Submission) -> Iterator[Problem]:
    """Two runs never take the same time to the nanosecond, so equal logs are one run. That is how an inferred result
    is made, and such copies are fine: of the result with the same benchmark and system whose scenario the log names,
    and from the 99.9 % variant of a benchmark to the 99 % one. Any other copy stands in for a run that nobody made."""
    seen: dict[str, list[tuple[ResultFacts, facts.RunFacts]]] = defaultdict(list)
    for result in facts.gathered(submission):
        for run in result.runs:
            if run.digest:
                seen[run.digest].append((result, run))
    for copies in seen.values():
        first, one = copies[0]
        for result, run in copies[1:]:
            if not _may_share(first, result) or one.name != run.name:
                message = f"the log of {run.name} is that of {one.name} in {first.path}"
                yield Problem(
                    message, run.path, f"a copy of {one.path}", "a log of its own", place=result.place
                )


def _may_share(a: ResultFacts, b: ResultFacts) -> bool:
    """Whether one of two results may be inferred from the other, or both from a third."""
    if a.place == b.place or a.place.cut(3) != b.place.cut(3):
        return False
    if a.place.benchmark != b.place.benchmark:
        twins = {_PRECISION.sub("", r.model) for r in (a, b)}
        return len(twins) == 1 and a.model != b.model
    return a.inferred or b.inferred


@rule(
    "quality/other-run",
    severity=Severity.WARNING,
    title="Power and performance are of one run",
    fix="Publish the power log beside the performance log of the same run.",
    good="every sample carries the mark of the session, <session>_testing",
    bad="samples marked with the session of the day before",
    link=POWER,
    needs=("performance_log", "spl", "server"),
)
def other_run(result: Result) -> Iterator[Problem]:
    """Efficiency is performance over power of the same run. The daemon marks each sample with its session and phase,
    so samples of another session, or of the ranging run, show."""
    if not result.has_power:
        return
    wanted = f"{result.server.value.get('session_name')}_testing"
    inside = metrics.samples(result.run, written=True).inside
    others = [row for row, mark in enumerate(inside.mark) if mark != wanted]
    if others:
        first = inside[others[0]]
        message = (
            f"{len(others)} of {len(inside)} samples in the window are marked {shorten(first.mark, 60)!r}"
        )
        found, line = shorten(first.mark, 60), first.line
        yield Problem(message, result.run.spl.path, found, shorten(wanted, 60), line)


@rule(
    "quality/shared-power",
    title="One power log belongs to one performance run",
    fix="Measure each result with a session of its own; only inferred results share one.",
    good="Offline and SingleStream with two sessions",
    bad="two results with the same samples and two performance logs",
    link=POWER,
    **ACROSS,
)
def shared_power(submission: Submission) -> Iterator[Problem]:
    """The same samples beside two different performance logs were measured with one of them at most."""
    seen: dict[str, list[ResultFacts]] = defaultdict(list)
    for result in facts.gathered(submission):
        if result.power is not None and result.power.samples:
            seen[result.power.samples].append(result)
    for sharing in seen.values():
        own = _performance(sharing[0])
        for other in sharing[1:]:
            if _performance(other) != own:
                path = join(other.path, "performance/run_1/spl.txt")
                message = f"the samples are those of {sharing[0].path}, the performance log is not"
                yield Problem(
                    message, path, "the samples of another run", "samples of this run", place=other.place
                )


def _performance(result: ResultFacts) -> tuple[str, ...]:
    return tuple(r.digest for r in result.runs if r.name.startswith(PERFORMANCE))


@rule(
    "quality/overlapping-windows",
    title="One meter measures one run at a time",
    fix="Repeat one of the two sessions; check the clocks of both.",
    good="sessions one after the other",
    bad="two sessions on WT310E C3XA04010E with windows that share 400 s",
    link=POWER,
    **ACROSS,
)
def overlapping_windows(submission: Submission) -> Iterator[Problem]:
    """A meter channel that served two sessions at once measured both systems together, or one of the two windows is
    wrong. Meters are told apart by their serial number; those that have none are compared within one system."""
    by_meter: dict[tuple[str, ...], list[tuple[int, int, str, ResultFacts]]] = defaultdict(list)
    for result in facts.gathered(submission):
        power = result.power
        if power is not None and power.session and power.meter:
            key = (power.meter, power.serial) if power.serial else (power.meter, *result.place.cut(3).names)
            for _, begin, end in power.windows:
                by_meter[key].append((begin, end, power.session, result))
    for windows in by_meter.values():
        windows.sort(key=lambda w: (w[0], w[1], w[3].path))
        yield from _overlaps(windows)


def _overlaps(windows: Sequence[tuple[int, int, str, ResultFacts]]) -> Iterator[Problem]:
    last = windows[0]
    for window in windows[1:]:
        shared = min(last[1], window[1]) - window[0]
        if shared > OVERLAP_NS and window[2] != last[2] and window[3].power is not None:
            power = window[3].power
            meter = f"{power.meter} {power.serial}".strip()
            message = f"for {shared / 1e9:.0f} s the meter {meter} also measured {last[3].path}"
            yield Problem(message, power.path, f"{shared / 1e9:.0f} s shared", "none", place=window[3].place)
        last = max(last, window, key=lambda w: w[1])


@rule(
    "quality/analyzer-changed",
    title="One analyzer per system",
    fix="Measure all results of a system with one analyzer, or say in the power settings why there are two.",
    good="all results of rpi5 with WT310E C3XA04010E",
    bad="Offline with a WT310E, SingleStream with a WT210",
    link=POWER,
    **ACROSS,
)
def analyzer_changed(submission: Submission) -> Iterator[Problem]:
    """The policy asks for one analyzer per system, and nobody looks. Results of one system are compared with each
    other, and two meters differ by as much as both may be wrong."""
    found: dict[Place, dict[str, list[ResultFacts]]] = defaultdict(lambda: defaultdict(list))
    for result in facts.gathered(submission):
        if result.power is not None and result.power.meter:
            meter = f"{result.power.meter} {result.power.serial}".strip()
            found[result.place.cut(3)][meter].append(result)
    for place, meters in found.items():
        if len(meters) > 1:
            names = listing(sorted(meters))
            fewest = min(meters.values(), key=len)[0]
            path = fewest.power.path if fewest.power is not None else fewest.path
            message = f"the results of {place.system!r} were measured with {len(meters)} analyzers: {names}"
            yield Problem(message, path, names, "one analyzer", place=place)


@rule(
    "quality/sut-changed",
    title="All runs of a benchmark name one system under test",
    fix="Run performance, accuracy and compliance with the same build of the benchmark.",
    good="sut_name KILT_SERVER in all runs",
    bad="PySUT in the accuracy run, LWIS_Server in the performance run",
    link=INFERENCE,
    **ACROSS,
)
def sut_changed(submission: Submission) -> Iterator[Problem]:
    """Accuracy and compliance say something about the performance only if the same software ran. LoadGen logs the
    name that the system under test gives itself; in no published benchmark of a system does it change."""
    found: dict[Place, dict[str, str]] = defaultdict(dict)
    for result in facts.gathered(submission):
        for run in result.runs:
            if run.sut:
                found[result.place.cut(4)].setdefault(run.sut, run.path)
    for place, names in found.items():
        if len(names) > 1:
            (first, _), (other, path) = itertools.islice(names.items(), 2)
            message = (
                f"the runs name {len(names)} systems under test: {listing([shorten(n, 40) for n in names])}"
            )
            yield Problem(message, path, shorten(other, 60), shorten(first, 60), place=place)
