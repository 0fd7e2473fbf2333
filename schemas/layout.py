"""``ResultPath``: the submission tree as a pattern, used both ways.

The harness formats paths with it, the checker parses paths with it. The templates are facts of the round
(``layout`` in ``schemas/rounds/*.json``), so that results, measurements and compliance land where that round
wants them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from schemas.rounds import Round

PLACES = ("scenario_dir", "measurements_dir", "compliance_dir")


@dataclass(frozen=True, slots=True)
class ResultPath:
    """One scenario of one benchmark on one system. Paths are relative to the tree, with ``/``.

    ``scenario`` is the directory's name, canonical or all lower case.
    """

    division: str
    submitter: str
    system: str
    benchmark: str
    scenario: str

    def __post_init__(self) -> None:
        """Names are single path components."""
        for name in (self.division, self.submitter, self.system, self.benchmark, self.scenario):
            if name in ("", ".", "..") or "/" in name or "\0" in name:
                raise ValueError(f"not a name of one directory: {name!r}")

    def place(self, round_: Round, kind: str) -> PurePosixPath:
        """The directory of ``kind``, such as those of ``PLACES``."""
        return PurePosixPath(self.path(round_, kind))

    def path(self, round_: Round, kind: str) -> str:
        """The same as a text."""
        template: str = round_.layout[kind]
        return template.format(**self.names)

    def results(self, round_: Round) -> PurePosixPath:
        """The scenario directory, which holds ``performance`` and ``accuracy``."""
        return self.place(round_, "scenario_dir")

    def accuracy(self, round_: Round) -> PurePosixPath:
        """The directory of the accuracy run."""
        return self.results(round_) / "accuracy"

    def performance(self, round_: Round, part: str) -> PurePosixPath:
        """``run_1``, ``ranging`` or ``power`` below ``performance``."""
        return self.results(round_) / "performance" / part

    def measurements(self, round_: Round) -> PurePosixPath:
        """The directory of the conf files, the measurements JSON and our run record."""
        return self.place(round_, "measurements_dir")

    def compliance(self, round_: Round, test: str) -> PurePosixPath:
        """The directory of one compliance test."""
        return self.place(round_, "compliance_dir") / test

    def system_json(self, round_: Round) -> PurePosixPath:
        """The system description."""
        return self.place(round_, "system_json")

    def code(self, round_: Round) -> PurePosixPath:
        """The source directory of this benchmark."""
        return PurePosixPath(self.code_path(round_))

    def code_path(self, round_: Round) -> str:
        """The same as a text."""
        source = self.path(round_, "source_dir")
        return f"{source}/{self.benchmark}" if source.endswith("/code") else source

    @property
    def names(self) -> dict[str, str]:
        """The parts by name, as the templates call them."""
        return {
            "division": self.division,
            "submitter": self.submitter,
            "system": self.system,
            "benchmark": self.benchmark,
            "scenario": self.scenario,
        }

    @classmethod
    def parse(cls, path: PurePosixPath, round_: Round) -> ParsedPath | None:
        """Which result a path of the tree belongs to; None when it lies outside every pattern."""
        for kind in PLACES:
            template = round_.layout[kind]
            match = _pattern(template).match(path.as_posix()) if template is not None else None
            if match is not None:
                names = match.groupdict()
                rest = names.pop("rest") or ""
                return ParsedPath(cls(**names), kind, PurePosixPath(rest))
        return None


@dataclass(frozen=True, slots=True)
class ParsedPath:
    """A path below one of the places of a result: the result, the place, and what follows."""

    result: ResultPath
    kind: str
    rest: PurePosixPath


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    text = "".join(re.escape(p) if i % 2 == 0 else f"(?P<{p}>[^/]+)" for i, p in enumerate(parts))
    return re.compile(text + r"(?:/(?P<rest>.*))?\Z")
