"""The rounds that are known, and what changed between two of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from schemas.rounds import known_rounds, load_round

NAME = "rounds"
HELP = "list the rounds, or what changed between two"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two rounds to compare, if wanted."""
    parser.add_argument("--diff", nargs=2, metavar=("A", "B"), help="what changed from round A to round B")


def run(args: argparse.Namespace) -> int:
    """Print the list or the changes."""
    if args.diff:
        before, after = (load_round(name).facts for name in args.diff)
        for line in changes(before, after):
            print(line)
        return 0
    for name in known_rounds():
        round_ = load_round(name)
        runs = round_.facts.get("loadgen", {}).get("version")
        minutes = round_.min_duration_ms / 60_000
        how = f"LoadGen {runs}" if runs else "judged, not run"
        print(f"{name}: {how}, at least {minutes:g} minutes a run")
        print(f"    {len(round_.benchmark_names)} benchmarks: {', '.join(round_.benchmark_names)}")
    return 0


def changes(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """One line for each fact that differs, by its JSON pointer."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            path = f"{at}/{key}"
            if key not in after:
                yield f"- {path} {_short(before[key])}"
            elif key not in before:
                yield f"+ {path} {_short(after[key])}"
            else:
                yield from changes(before[key], after[key], path)
    elif before != after:
        yield f"  {at} {_short(before)} -> {_short(after)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 100 else text[:99] + "…"
