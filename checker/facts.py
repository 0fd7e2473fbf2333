"""Small facts of a result that rules across results compare: which run a log is of, when and on which meter power was
measured. Computed once from files that are parsed anyway; frozen, picklable, and a JSON document and back."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from checker import clocks, metrics
from checker.accuracy_log import evidence
from checker.files import Source
from checker.meters import identity_of
from checker.model import Place
from checker.result import Result
from checker.rule import Absent
from checker.run import Run
from checker.session import part, unofficial_session
from checker.tree import Submission
from schemas.loadgen import Entries, LoadgenLog
from schemas.powerlog import PowerSamples
from schemas.units import UnixNs

PERFORMANCE, ACCURACY = "performance", "accuracy"
_CHOSEN, _GIVEN = "results_for_facts", "facts_of_results"
SINGULAR = ("Mean latency (ns)", "result_mean_latency_ns")
"""Numbers to the nanosecond, which no two runs share, in logs without times."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One LoadGen run. ``digest`` tells it from every other run by what its log says, whatever the line ends; it is
    empty where a log holds nothing that only one run can say. ``loadgen`` is version and build."""

    name: str
    path: str
    digest: str
    sut: str
    loadgen: str


@dataclass(frozen=True, slots=True)
class PowerFacts:
    """The power session of a result. Times are UTC; ``windows`` are begin and end of ranging and testing, as far as
    their logs tell. ``samples`` and ``ranging_samples`` tell power logs apart. ``serial`` is empty where the meter
    gives none, ``session`` where the files name no session."""

    session: str
    daemon: str
    meter: str
    serial: str
    windows: tuple[tuple[str, int, int], ...]
    samples: str
    ranging_samples: str
    path: str


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """The accuracy log: ``told`` is the hash of the whole in ``path`` at ``line``, in lower case, ``log`` the
    SHA-256 of the log as it lies there, cut or whole."""

    told: str
    path: str
    line: int
    log: str


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """What other results are compared with. ``logged`` is the scenario of the log, where it differs from
    ``scenario`` the result is inferred."""

    place: Place
    path: str
    model: str
    scenario: str
    logged: str
    runs: tuple[RunFacts, ...]
    power: PowerFacts | None
    answers: AnswerFacts | None = None

    @property
    def inferred(self) -> bool:
        """Whether the log is of another scenario than the directory."""
        return bool(self.logged) and self.logged != self.scenario

    def run(self, name: str) -> RunFacts | None:
        """A run by its name."""
        return next((r for r in self.runs if r.name == name), None)


def to_document(found: ResultFacts) -> Any:
    """Plain lists, objects, texts and numbers; the inverse of ``from_document``."""
    return msgspec.to_builtins(found)


def from_document(document: Any) -> ResultFacts:
    """Facts from such a document; ``msgspec.ValidationError`` for any other."""
    return msgspec.convert(document, ResultFacts)


def of(result: Result) -> ResultFacts:
    """The facts of a result, computed once."""
    found: ResultFacts | None = result.__dict__.get("facts")
    if found is None:
        found = result.__dict__["facts"] = ResultFacts(
            place=result.place,
            path=result.path,
            model=result.benchmark.model,
            scenario=result.scenario,
            logged=_text(result.performance_log, "effective_scenario"),
            runs=tuple(_runs(result)),
            power=_power(result) if result.has_power else None,
            answers=_answers(result),
        )
    return found


def gathered(submission: Submission) -> Sequence[ResultFacts]:
    """The facts of all results that are judged: those that were handed over, else of the chosen ones, else of every
    result of the tree."""
    found: Sequence[ResultFacts] | None = submission.__dict__.get(_GIVEN)
    if found is None:
        chosen: Sequence[Result] = submission.__dict__.get(_CHOSEN, submission.results)
        found = tuple(of(result) for result in chosen)
        hand_over(submission, found)
    return found


def choose(submission: Submission, results: Sequence[Result]) -> None:
    """Say which results are judged; no others are read for their facts."""
    submission.__dict__[_CHOSEN] = tuple(results)


def hand_over(submission: Submission, found: Sequence[ResultFacts]) -> None:
    """Say what is known of the results, so that it is not computed here: by another process, or kept from before."""
    submission.__dict__[_GIVEN] = tuple(found)


def _runs(result: Result) -> Iterator[RunFacts]:
    several = result.several_runs
    for run in result.runs:
        yield from _run(f"{PERFORMANCE} {run.path.rpartition('/')[2]}" if several else PERFORMANCE, run.log)
    yield from _run(ACCURACY, result.accuracy_log)
    if result.has_power:
        yield from _run("ranging", result.ranging.log)
    try:
        tests = result.compliance_runs if result.strict else {}
    except Absent:
        return
    for test, run in tests.items():
        yield from _run(test, run.log)


def _run(name: str, log: Source[LoadgenLog]) -> Iterator[RunFacts]:
    if not log.present or not log.usable:
        return
    build = [_text(log, key) for key in ("loadgen_version", "loadgen_build_date_utc")]
    yield RunFacts(
        name, log.path, digest(log.value), _text(log, "sut_name"), ", ".join(b for b in build if b)
    )


SHORT = 64
"""Bytes of a value that takes part in a digest; longer ones list samples, which many runs share."""


def digest(log: LoadgenLog) -> str:
    """What tells one run from all others: the times and short values of its entries, or in a summary its latencies;
    else empty."""
    entries = log.entries if isinstance(log.entries, Entries) else None
    times = entries.times_ms() if entries is not None else [e.time_ms for e in log.entries]
    if not any(times) and not any(log.entry(key) for key in SINGULAR):
        return ""
    raws = entries.short_values(SHORT) if entries is not None else b"\0".join(_short(log))
    found = hashlib.blake2b(array("d", times).tobytes(), digest_size=16)
    found.update(raws)
    return found.hexdigest()


def _short(log: LoadgenLog) -> list[bytes]:
    return [e.raw for e in log.entries if len(e.raw) <= SHORT]


def digest_of_samples(samples: PowerSamples) -> str:
    """What tells one power log from all others; empty without samples. The mark does not count."""
    found = hashlib.blake2b(_packed(samples.at), digest_size=16)
    for column in (samples.power_w, samples.voltage_v, samples.current_a):
        found.update(array("d", column).tobytes())
    return found.hexdigest() if samples else ""


def _packed(times_ns: Sequence[UnixNs]) -> bytes:
    try:
        return array("q", times_ns).tobytes()
    except OverflowError:  # after the year 2262
        return repr(times_ns).encode()


def _power(result: Result) -> PowerFacts:
    server = result.server.value if result.server.usable else {}
    meter = identity_of(server, result.ptd_logs.value if result.ptd_logs.usable else "")
    named = [part(server, "uuid", "client"), part(server, "uuid", "server"), server.get("session_name")]
    return PowerFacts(
        session=" ".join(str(n) for n in named) if all(named) else "",
        daemon="powerd" if unofficial_session(server) else meter.daemon,
        meter=meter.model,
        serial=meter.serial,
        windows=tuple(_windows(result)),
        samples=digest_of_samples(result.spl.value.samples) if result.spl.usable else "",
        ranging_samples=digest_of_samples(result.ranging_spl.value.samples)
        if result.ranging_spl.usable
        else "",
        path=result.power_path,
    )


def _answers(result: Result) -> AnswerFacts | None:
    found = evidence(result)
    if found is None:
        return None
    return AnswerFacts(found.hash.lower(), result.accuracy_txt.path, found.line, found.log.sha256)


def _windows(result: Result) -> Iterator[tuple[str, int, int]]:
    for name, run in (("ranging", result.ranging), ("testing", result.run)):
        window = _window(run)
        if window is not None:
            yield name, *window


def _window(run: Run) -> tuple[int, int] | None:
    try:
        window, zone = metrics.power_window(run), clocks.loadgen_ns(run.result)
    except Absent:
        return None
    return int(window.begin_ns + zone), int(window.end_ns + zone)


def _text(log: Source[LoadgenLog], key: str) -> str:
    entry = log.value.entry(key) if log.present and log.usable else None
    return str(entry.value) if entry is not None and entry.raw.startswith(b'"') else ""
