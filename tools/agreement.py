"""Hold mlcheck against what the official checkers said of published results, and print the figures.

    python tools/agreement.py CORPUS [--round R]... [--mutants] [--page docs/agreement.md]

CORPUS holds published trees (``CORPUS/v4.1``) and golden tables (``golden-v4.1.csv``, ``golden-power.csv``,
``golden-mutants.csv``, the last two also with ``-old``). From v6.0 on the trees are the official sample and those
derived from it, and the table is ``golden-v6.csv``. Only rows whose scenario directory is in the tree are compared.
Numbers agree when they are equal to 1e-9 of their size. ``--mutants`` also judges the published results with one
thing broken; ``--page`` writes the figures, every difference between the two verdicts with its reason, and what our own
rules say of published results, between the marks of the page.
Exit code 0 when everything agrees, 1 when anything differs, 2 when nothing could be compared.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from checker.api import check_with
from checker.model import Effect, Finding, Place, Report, ResultReport
from checker.options import Options
from checker.rules import all_rules
from schemas.rounds import known_rounds, load_round
from tools.agreement_rows import Comparison, Row, mutant, power, published, sample

OF_POWER = ("golden-power.csv", "golden-power-old.csv")
OF_MUTANTS = ("golden-mutants.csv", "golden-mutants-old.csv")
OF_SAMPLE = "golden-v6.csv"
SPARING = (Effect.MARK, *(e for e in Effect if not e.fails))
"""Effects that leave the result itself alone."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A result on which the two verdicts differ. ``made_by``: what was broken in it, empty as published."""

    round: str
    path: str
    valid: bool
    made_by: str
    reasons: tuple[Finding, ...]


@dataclass(slots=True)
class Outcome:
    """What was compared in one round, by table, and where the two verdicts differ."""

    round: str
    compared: dict[str, list[Comparison]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    ours: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Findings of our own rules on published results, by rule and severity."""

    @property
    def agrees(self) -> bool:
        """Whether every comparison does."""
        return all(c[1] for rows in self.compared.values() for c in rows)


def table(corpus: Path, name: str, round_name: str) -> list[Row]:
    """The rows of a golden table for a round; none without the table."""
    csv.field_size_limit(sys.maxsize)
    path = corpus / name
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["round"] == round_name]


def by_path(rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Rows by the path of their scenario directory."""
    for row in rows:
        names = (row["division"], row["submitter"], "results", row["system"], row["benchmark"])
        yield "/".join((*names, row["scenario_dir"])), row


def explained(report: Report, result: ResultReport) -> tuple[Finding, ...]:
    """The findings that make the two verdicts of a result differ."""
    own = (report.findings[at] for at in result.findings)
    return tuple(f for f in own if _counts(f, result) != (f.effect not in SPARING))


def _counts(found: Finding, result: ResultReport) -> bool:
    """Whether a finding makes the result invalid by the rules as written."""
    return found.counts and not found.spares_results and found.place.covers(result.place)


def differences(report: Report, made_by: str = "") -> Iterator[Difference]:
    """Results on which the rules as written and the official checker differ."""
    for result in report.results:
        if result.valid != result.reference_valid:
            reasons = explained(report, result)
            yield Difference(report.round, result.path, result.valid, made_by, reasons)


def of_our_own(report: Report) -> Iterator[tuple[str, str]]:
    """Rule and severity of the findings that no rule of MLPerf is behind."""
    yield from ((f.rule, f.severity.value) for f in report.findings if all_rules()[f.rule].ours)


def compare(corpus: Path, name: str, *, mutants: bool) -> Outcome:
    """Everything that can be compared in one round."""
    outcome = Outcome(name)
    if not (corpus / f"golden-{name}.csv").is_file():
        _compare_sample(corpus, outcome)
        return outcome
    default = check_with(corpus / name, Options(round=name))
    checked = check_with(corpus / name, Options(round=name, power_checker=True))
    results, with_power = ({r.path: r for r in report.results} for report in (default, checked))
    outcome.compared[f"golden-{name}.csv"] = [
        c
        for path, row in by_path(table(corpus, f"golden-{name}.csv", name))
        if path in results
        for c in published(results[path], row)
    ]
    for file in OF_POWER:
        outcome.compared[file] = [
            c
            for path, row in by_path(table(corpus, file, name))
            if path in with_power
            for c in power(with_power[path], row, name)
        ]
    outcome.differences += differences(default)
    outcome.ours.update(of_our_own(default))
    for file in OF_MUTANTS if mutants else ():
        broken = outcome.compared[file] = []
        for row in table(corpus, file, name):
            broken += _one_mutant(corpus, row, outcome)
    return outcome


def _compare_sample(corpus: Path, outcome: Outcome) -> None:
    """The rounds from v6.0 on: a system and a benchmark at a time, as the table was made."""
    reports: dict[tuple[Path, Place], Report] = {}
    compared = outcome.compared[OF_SAMPLE] = []
    for path, row in by_path(table(corpus, OF_SAMPLE, outcome.round)):
        derived = row["tree"].startswith("derived")
        tree = corpus / "v6-derived" / outcome.round if derived else corpus / "v6-sample_1"
        if not (tree / path).is_dir():
            continue
        place = Place(row["division"], row["submitter"], row["system"], row["benchmark"])
        if (tree, place) not in reports:
            report = reports[tree, place] = check_with(tree, Options(round=outcome.round, only=place))
            outcome.differences += differences(report)
            outcome.ours.update(of_our_own(report))
        report = reports[tree, place]
        compared += sample(report, next(r for r in report.results if r.path == path), row)


def _one_mutant(corpus: Path, row: Row, outcome: Outcome) -> list[Comparison]:
    from tests.checker.corpus import apply, control_tree

    found: list[Comparison] = []
    path, system, _ = re.split(r" system | only", row["tree"])
    division, submitter = path.split("/")
    if not (corpus / row["round"] / path / "results" / system).is_dir():
        return found
    by_default = bool(load_round(row["round"]).facts["power"].get("run_by_default"))
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        control_tree(tree, row["round"], division, submitter, system, corpus=corpus)
        apply(tree, json.loads(row["edits"]))
        for main, suffix in ((True, ""), (False, "_without_power_checker")):
            if not row[f"verdict{suffix}"]:
                continue
            asked = main and (by_default or "--more-power-check" in row["checker"])
            report = check_with(tree, Options(round=row["round"], power_checker=asked))
            found += mutant(report, row, f"verdict{suffix}", f"power_value{suffix}")
            if main:
                outcome.differences += differences(report, row["mutation"])
    return found


def figures(outcome: Outcome) -> Iterator[str]:
    """How many of each kind agree, and every difference."""
    for title, compared in outcome.compared.items():
        for kind in dict.fromkeys(c[0] for c in compared):
            own = [c for c in compared if c[0] == kind]
            yield f"{outcome.round:6} {title:20} {kind:30} {sum(c[1] for c in own):4} of {len(own)} agree"
        yield from (f"{title:20} {kind:14} DIFFERS: {v}" for kind, agrees, v in compared if not agrees)
    for found in outcome.differences:
        if not found.made_by:
            yield f"{outcome.round:6} {found.path}: {'valid' if found.valid else 'invalid'} by the rules as written"


def comparable(corpus: Path, name: str) -> bool:
    """Whether there are trees of a round and a table that speaks of it."""
    own = (corpus / f"golden-{name}.csv").is_file() and (corpus / name).is_dir()
    return own or bool(table(corpus, OF_SAMPLE, name))


def main(argv: list[str] | None = None) -> int:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, metavar="CORPUS")
    parser.add_argument("--round", action="append", choices=known_rounds(), help="default: all there are")
    parser.add_argument("--mutants", action="store_true")
    parser.add_argument("--page", type=Path)
    args = parser.parse_args(argv)
    names = [n for n in args.round or known_rounds() if comparable(args.corpus, n)]
    outcomes = [compare(args.corpus, name, mutants=args.mutants) for name in names]
    if not any(rows for o in outcomes for rows in o.compared.values()):
        print(f"agreement: no result of a golden table is in the trees of {args.corpus}", file=sys.stderr)
        return 2
    for outcome in outcomes:
        print("\n".join(figures(outcome)))
    if args.page is not None:
        from tools.agreement_page import renew

        renew(args.page, outcomes)
    return 0 if all(o.agrees for o in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
