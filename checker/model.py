"""What the parts of mlcheck hand to each other: places, findings, results, the report. Facts, no behaviour."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Severity(enum.StrEnum):
    """error decides ``verdict``; a reviewer will ask about a warning; a note is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Scope(enum.StrEnum):
    """The node of the tree that a rule looks at."""

    SUBMISSION = "submission"
    SUBMITTER = "submitter"
    SYSTEM = "system"
    BENCHMARK = "benchmark"
    RESULT = "result"


class Effect(enum.StrEnum):
    """What the official checker of the round does with the same defect.

    ``division`` to ``benchmark`` skip everything below that place, ``stop`` the rest of the tree; ``crash``
    ends it with a traceback and no list of results, if it gets that far; ``loading`` does so in any case, because
    everything is loaded first; ``listing`` when a result that is fine so far is written into the list; ``mark``
    adds a failure and leaves all results alone; ``log`` is printed only; ``none`` is not noticed.
    """

    NONE = "none"
    LOG = "log"
    MARK = "mark"
    RESULT = "result"
    BENCHMARK = "benchmark"
    SYSTEM = "system"
    SUBMITTER = "submitter"
    DIVISION = "division"
    STOP = "stop"
    CRASH = "crash"
    LOADING = "loading"
    LISTING = "listing"

    @property
    def fails(self) -> bool:
        """Whether the official checker ends with a failure because of it."""
        return self not in (Effect.NONE, Effect.LOG)


class Place(NamedTuple):
    """Names down to where a finding belongs; an empty name means everything below the ones before it.

    A tuple, because tables of results and findings are looked up by their places again and again.
    """

    division: str = ""
    submitter: str = ""
    system: str = ""
    benchmark: str = ""
    scenario: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names in order, empty ones included."""
        return self

    def covers(self, other: Place) -> bool:
        """Whether ``other`` is this place or lies below it."""
        return not any(self) or all(mine in ("", theirs) for mine, theirs in zip(self, other, strict=True))

    def cut(self, depth: int) -> Place:
        """The place ``depth`` names deep that holds this one."""
        return self if depth >= len(self) else Place(*self[:depth])


@dataclass(frozen=True, slots=True)
class Location:
    """Where in the tree: a path relative to it with ``/``, a line counted from 1 or a JSON pointer."""

    path: str
    line: int | None = None
    pointer: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule yields. Everything not given comes from the rule.

    ``severity``, ``effect`` and ``place`` override what the rule and its round say; ``raises``: the official
    checker meets an exception here (a value that is not there) instead of judging; ``cause``: the rule that
    is behind this problem, where a rule passes on the problems of another; ``excusable``: whether a declared
    rehearsal may excuse it where its rule can be forgiven: a value that is missing never is; ``aspect``: a kind
    of breach that the effects of a round may tell apart (``<rule>:<aspect>``; ``raises`` where it raises);
    ``spares_results`` overrides that of the rule.
    """

    message: str
    path: str
    found: str = ""
    wanted: str = ""
    line: int | None = None
    pointer: str | None = None
    severity: Severity | None = None
    effect: Effect | None = None
    place: Place | None = None
    raises: bool = False
    cause: str | None = None
    excusable: bool = True
    aspect: str | None = None
    spares_results: bool | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect at one place, with its reason and cure.

    ``waiver`` is the reason of the waiver that accepts it, ``known`` whether the baseline had it already.
    """

    rule: str
    severity: Severity
    effect: Effect
    place: Place
    location: Location
    message: str
    found: str
    wanted: str
    why: str
    fix: str
    link: str
    fingerprint: str
    spares_results: bool = False
    cause: str = ""
    excusable: bool = True
    forgiven: bool = False
    waived: bool = False
    waiver: str = ""
    known: bool = False

    @property
    def reference(self) -> bool:
        """Whether the official checker fails on it too."""
        return self.effect.fails

    @property
    def stands(self) -> bool:
        """Whether nobody took it out of the count: no rehearsal, no waiver, no baseline."""
        return not (self.forgiven or self.waived or self.known)

    @property
    def counts(self) -> bool:
        """Whether it decides ``verdict``."""
        return self.severity is Severity.ERROR and self.stands


@dataclass(frozen=True, slots=True)
class Metric:
    """A number with its name and unit."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class AccuracyValue:
    """One accuracy number with the limits it is held to."""

    name: str
    value: float
    minimum: float | None
    maximum: float | None
    text: str


@dataclass(frozen=True, slots=True)
class PowerFigures:
    """What a power run says. ``samples`` counts all samples strictly inside the window, bad ones too."""

    metric: Metric
    average_watts: float
    begin: str
    end: str
    seconds: float
    samples: int
    bad_samples: int
    coverage: float
    max_gap_seconds: float
    ranging_delta_percent: float | None
    energy_joules: float | None
    daemon: str
    meter: str
    official: bool


@dataclass(frozen=True, slots=True)
class ResultReport:
    """One scenario directory. ``findings`` are indices into the findings of the report.

    ``system_facts`` is the system description, for tables; ``durations`` are the seconds that its runs took, by
    name (``performance``, ``ranging``, ``accuracy``, ``TEST01``, …), as far as their logs tell.
    """

    place: Place
    system_type: str
    availability: str
    model: str
    scenario: str
    path: str
    valid: bool
    reference_valid: bool
    inferred: bool
    metric: Metric | None
    accuracy: tuple[AccuracyValue, ...]
    power: PowerFigures | None
    findings: tuple[int, ...]
    system_facts: Mapping[str, Any] = field(default_factory=dict)
    has_power: bool = False
    durations: Mapping[str, float] = field(default_factory=dict)
    summary_facts: Mapping[str, Any] = field(default_factory=dict)
    """What tables show of the result and no other part of the report holds."""


@dataclass(frozen=True, slots=True)
class Report:
    """The judgement of one tree. ``remarks`` are sentences about the question, not about the tree: a waiver that
    has expired, findings of the baseline that are gone. ``cached_results``: how many results were known from before,
    their files unchanged."""

    tree: str
    round: str
    round_reason: str
    valid: bool
    reference_valid: bool
    results: tuple[ResultReport, ...]
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...] = ()
    cached_results: int = 0

    def count(self, severity: Severity) -> int:
        """Findings of a severity that are neither forgiven nor waived nor known from the baseline."""
        return sum(f.severity is severity and f.stands for f in self.findings)
