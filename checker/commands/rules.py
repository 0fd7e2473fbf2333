"""All rules of a round, one a line."""

from __future__ import annotations

import argparse
import json

from checker.aliases import aliases_of
from checker.rule import effects, severities
from checker.rules import all_rules
from checker.sources import source
from schemas.rounds import known_rounds

NAME = "rules"
HELP = "list the rules"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The round and the form."""
    parser.add_argument("--round", default=known_rounds()[-1], choices=known_rounds(), help="round to list")
    parser.add_argument("--format", default="text", choices=("text", "json"), help="form of the list")


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    official, own = effects(args.round), severities(args.round)
    rules = [r for r in all_rules().values() if r.holds_in(args.round)]
    if args.format == "json":
        rows = [
            {
                "id": r.id, "title": r.title, "severity": own.get(r.id, r.severity).value, "scope": r.scope.value,
                "official_effect": official[r.id].value, "since": r.since, "until": r.until,
                "ours": r.ours, "why": r.why, "fix": r.fix, "link": r.link, "good": r.good, "bad": r.bad,
                "source": source(r, args.round), "aliases": aliases_of(r.id),
            }
            for r in rules
        ]  # fmt: skip
        print(json.dumps({"schema": "edgewatt/rules/1", "round": args.round, "rules": rows}, indent=1))
    else:
        print(f"{'rule':34} {'severity':8} {'official':10} what it demands")
        for r in rules:
            print(f"{r.id:34} {own.get(r.id, r.severity).value:8} {official[r.id].value:10} {r.title}")
    return 0
