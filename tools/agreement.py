"""Hold mlcheck against what the official checker said of published results, and print the figures.

    python tools/agreement.py CORPUS [--round v4.1]

CORPUS holds published trees (``CORPUS/v4.1``) and golden tables (``golden-v4.1.csv``, ``golden-power.csv``).
Only rows whose scenario directory is in the tree are compared. Numbers agree when they are equal to 1e-9 of
their size. Exit code 0 when everything agrees, 1 when anything differs, 2 when nothing could be compared.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from checker.api import check
from checker.model import Report, ResultReport

Row = dict[str, str]
Comparison = tuple[str, bool, str]
"""What was compared, whether it agrees, and both values."""
TOLERANCE = 1e-9


def rows(path: Path, round_name: str) -> Iterator[tuple[str, Row]]:
    """The rows of a golden table for a round, by the path of their scenario directory."""
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            names = (row["division"], row["submitter"], "results", row["system"], row["benchmark"])
            if row["round"] == round_name:
                yield "/".join((*names, row["scenario_dir"])), row


def published(result: ResultReport, row: Row) -> Iterator[Comparison]:
    """Verdict and numbers of the official summary."""
    listed = "valid" if result.reference_valid else "invalid"
    yield "verdict", listed == row["verdict"], f"{listed} / {row['verdict']}"
    if row["verdict"] != "valid":
        return
    accuracy = result.accuracy[0].value if result.accuracy else None
    power = result.power.metric.value if result.power else None
    metric = result.metric.value if result.metric else None
    for name, found, text in (
        ("metric", metric, row["metric_value"]),
        ("accuracy", accuracy, row["accuracy"]),
        ("power", power, row["power_value"]),
    ):
        if text or found is not None:
            yield name, _same(found, text), f"{found} / {text}"


def power(result: ResultReport, row: Row) -> Iterator[Comparison]:
    """Verdict of the official power checker, and figures of the power log computed a second time."""
    passed = row["verdict"] in ("pass", "warn")
    yield "power verdict", result.reference_valid == passed, f"{result.reference_valid} / {row['verdict']}"
    found = result.power
    if found is None:
        yield "power figures", False, "none"
        return
    yield "mean power", _same(found.average_watts, row["avg_watts_positive"]), row["avg_watts_positive"]
    yield "samples", found.samples == int(row["samples_in_window"]), f"{found.samples}"
    gap = abs(found.max_gap_seconds - float(row["max_gap_s"])) < 1e-3
    yield "largest gap", gap, f"{found.max_gap_seconds} / {row['max_gap_s']}"


def _same(found: float | None, text: str) -> bool:
    return found is not None and bool(text) and math.isclose(found, float(text), rel_tol=TOLERANCE)


def figures(title: str, compared: list[Comparison]) -> bool:
    """Print how many of each kind agree, and every difference; whether all do."""
    for kind in dict.fromkeys(c[0] for c in compared):
        own = [c for c in compared if c[0] == kind]
        print(f"{title:20} {kind:14} {sum(c[1] for c in own):4} of {len(own)} agree")
    for kind, agrees, values in compared:
        if not agrees:
            print(f"{title:20} {kind:14} DIFFERS: {values}")
    return all(c[1] for c in compared)


def both(report: Report) -> list[Comparison]:
    """Results for which the rules as written and the official checker say the same."""
    return [("both verdicts", r.valid == r.reference_valid, r.path) for r in report.results]


def main(argv: list[str] | None = None) -> int:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, metavar="CORPUS")
    parser.add_argument("--round", default="v4.1")
    args = parser.parse_args(argv)
    try:
        golden = list(rows(args.corpus / f"golden-{args.round}.csv", args.round))
        session = list(rows(args.corpus / "golden-power.csv", args.round))
    except OSError as error:
        print(f"agreement: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    report = check(args.corpus / args.round, round_name=args.round)
    results = {r.path: r for r in report.results}
    first = [c for path, row in golden if path in results for c in published(results[path], row)]
    second = [c for path, row in session if path in results for c in power(results[path], row)]
    if not first:
        print("agreement: no result of the tree is in the golden table", file=sys.stderr)
        return 2
    fine = [figures(f"golden-{args.round}.csv", first), figures("golden-power.csv", second)]
    fine.append(figures("our own verdict", both(report)))
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
