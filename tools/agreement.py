"""Hold mlcheck against what the official checkers said of published results, and print the figures.

    python tools/agreement.py CORPUS [--round R]... [--mutants] [--page docs/agreement.md]

CORPUS holds published trees (``CORPUS/v4.1``) and golden tables (``golden-v4.1.csv``, ``golden-power.csv``,
``golden-mutants.csv``). Only rows whose scenario directory is in the tree are compared. Numbers agree when they
are equal to 1e-9 of their size. ``--mutants`` also judges the published results with one thing broken; ``--page``
writes the figures, and every difference between the two verdicts with its reason, between the marks of the page.
Exit code 0 when everything agrees, 1 when anything differs, 2 when nothing could be compared.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from checker.api import check_with
from checker.model import Effect, Finding, Report, ResultReport
from checker.options import Options
from schemas.rounds import known_rounds, load_round

Row = Mapping[str, str]
Comparison = tuple[str, bool, str]
"""What was compared, whether it agrees, and both values."""
TOLERANCE = 1e-9
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


def published(result: ResultReport, row: Row) -> Iterator[Comparison]:
    """Verdict and numbers of the official summary."""
    listed = "valid" if result.reference_valid else "invalid"
    yield "verdict", listed == row["verdict"], f"{result.path}: {listed} / {row['verdict']}"
    if row["verdict"] != "valid":
        return
    power = result.power.metric.value if result.power else None
    metric = result.metric.value if result.metric else None
    yield "accuracy", same_accuracies(result, row["accuracy"]), f"{result.accuracy} / {row['accuracy']}"
    for name, found, text in (("metric", metric, row["metric_value"]), ("power", power, row["power_value"])):
        if text or found is not None:
            yield name, same(found, text), f"{result.path}: {found} / {text}"


def power(result: ResultReport, row: Row, round_name: str) -> Iterator[Comparison]:
    """Verdict of the official power checker, and figures of the power log computed a second time."""
    passed = row["verdict"] in ("pass", "warn")
    yield "power verdict", result.reference_valid == passed, f"{result.path} / {row['verdict']}"
    found = result.power
    if found is None:
        yield "power figures", False, "none"
        return
    all_count = load_round(round_name).facts["power"].get("zero_watt_samples") == "kept"
    mean = row["avg_watts_all" if all_count else "avg_watts_positive"]
    yield "mean power", same(found.average_watts, mean), f"{found.average_watts} / {mean}"
    yield "samples", found.samples == int(row["samples_in_window"]), f"{found.samples}"
    bad = int(row["samples_nonpositive"]) + int(row["samples_nan"])
    yield "bad samples", found.bad_samples == bad, f"{found.bad_samples} / {bad}"
    if not bad:  # ours is the longest time without a good sample
        gap = abs(found.max_gap_seconds - float(row["max_gap_s"])) < 1e-3
        yield "largest gap", gap, f"{found.max_gap_seconds} / {row['max_gap_s']}"


def same(found: float | None, text: str) -> bool:
    """Whether a number is the one of a table; an empty text stands for none."""
    if not text or found is None:
        return not text and found is None
    return math.isclose(found, float(text), rel_tol=TOLERANCE)


def same_accuracies(result: ResultReport, text: str) -> bool:
    """Either the first number alone, or from v5.0 on all of them with their names."""
    if ":" not in text:
        return same(result.accuracy[0].value if result.accuracy else None, text)
    found = {a.name: a.value for a in result.accuracy}
    wanted = dict(re.findall(r"(\S+): (\S+)", text))
    return found.keys() == wanted.keys() and all(same(found[n], wanted[n]) for n in found)


def mutant(report: Report, row: Row, column: str, power_column: str) -> Iterator[Comparison]:
    """One broken result: its verdict, and with the power checker also exit code, what is lost elsewhere, numbers."""
    results = {r.path: r for r in report.results}
    target = results.get(row["target"])
    listed = target is not None and target.reference_valid
    about = f"{row['id']} ({row['mutation']})"
    yield column, listed == (row[column] == "valid"), f"{about}: {listed} / {row[column]}"
    if column == "verdict":
        exits = "0" if report.reference_valid else "1"
        yield "exit code", exits == row["exit_code"], f"{about}: {exits} / {row['exit_code']}"
        lost = [r for r in row["other_results_lost"].split() if r in results and results[r].reference_valid]
        yield "results lost elsewhere", not lost, f"{about}: {lost}"
    if target is not None and listed and row[column] == "valid":
        if column == "verdict":
            metric = target.metric.value if target.metric else None
            yield "metric", same(metric, row["metric_value"]), f"{about}: {metric}"
            yield "accuracy", same_accuracies(target, row["accuracy"]), f"{about}: {target.accuracy}"
        if row[power_column]:
            watts = target.power.metric.value if target.power else None
            yield "power", same(watts, row[power_column]), f"{about}: {watts} / {row[power_column]}"


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


def compare(corpus: Path, name: str, *, mutants: bool) -> Outcome:
    """Everything that can be compared in one round."""
    outcome = Outcome(name)
    default = check_with(corpus / name, Options(round=name))
    checked = check_with(corpus / name, Options(round=name, power_checker=True))
    results, with_power = ({r.path: r for r in report.results} for report in (default, checked))
    golden, session = table(corpus, f"golden-{name}.csv", name), table(corpus, "golden-power.csv", name)
    outcome.compared[f"golden-{name}.csv"] = [
        c for path, row in by_path(golden) if path in results for c in published(results[path], row)
    ]
    outcome.compared["golden-power.csv"] = [
        c for path, row in by_path(session) if path in with_power for c in power(with_power[path], row, name)
    ]
    outcome.differences += differences(default)
    if mutants:
        broken = outcome.compared["golden-mutants.csv"] = []
        for row in table(corpus, "golden-mutants.csv", name):
            broken += _one_mutant(corpus, row, outcome)
    return outcome


def _one_mutant(corpus: Path, row: Row, outcome: Outcome) -> list[Comparison]:
    from tests.checker.corpus import apply, control_tree

    found: list[Comparison] = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        path, system, _ = re.split(r" system | only", row["tree"])
        control_tree(tree, row["round"], *path.split("/"), system, corpus=corpus)
        apply(tree, json.loads(row["edits"]))
        for asked, suffix in ((True, ""), (False, "_without_power_checker")):
            if not row[f"verdict{suffix}"]:
                continue
            report = check_with(tree, Options(round=row["round"], power_checker=asked))
            found += mutant(report, row, f"verdict{suffix}", f"power_value{suffix}")
            if asked:
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
    names = [n for n in args.round or known_rounds() if (args.corpus / f"golden-{n}.csv").is_file()]
    names = [n for n in names if (args.corpus / n).is_dir()]
    outcomes = [compare(args.corpus, name, mutants=args.mutants) for name in names]
    if not any(o.compared[f"golden-{o.round}.csv"] for o in outcomes):
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
